"""The video scores of one trained network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Sequence

import numpy as np
import pandas as pd

from ..errors import MMFakeError
from .video_scores import scored_only


@dataclass(frozen=True)
class RunScores:
    """The video scores of one trained network on one test set, a cell of a table with its seed.

    Args:
        regime (str): Row of the table: how it was trained, e.g. ``'bin_ce'``.
        holdout (str): Column of the table: the method it was tested on and has not seen.
        seed (int): Seed of the training.
        frame (pandas.DataFrame): Rows as :func:`~.scores_file.read_scores_file` makes them.
        threshold (float, optional): Threshold chosen on validation. Defaults to None.
        dataset (str): Name of the dataset, ``'ffpp'`` for FaceForensics++ alone: only that is
            compared with the paper. Defaults to ``''``, unknown.
        info (Mapping): What else ``table.json`` says of the run: config, checkpoint, commit,
            versions, split sizes; anything JSON can hold. Defaults to nothing.
        test_order (Sequence[str], optional): The videos in the order of the test, for
            :func:`~.paper_compat.paper_compat`. Defaults to None, its own default.
    """

    regime: str
    holdout: str
    seed: int
    frame: pd.DataFrame
    threshold: Optional[float] = None
    dataset: str = ''
    info: Mapping[str, Any] = field(default_factory=dict)
    test_order: Optional[Sequence[str]] = None

    @property
    def scored(self) -> pd.DataFrame:
        """pandas.DataFrame: The videos that have a score, sorted by video."""
        return scored_only(self.frame).sort_values('video', ignore_index=True)

    def counts(self) -> Dict[str, int]:
        """Count the videos.

        Returns:
            dict[str, int]: ``n_expected`` and ``n_scored`` videos; ``n_original`` and
            ``n_manipulated`` among the scored.
        """
        labels = self.scored['label'].to_numpy()
        return dict(
            n_expected=len(self.frame),
            n_scored=len(labels),
            n_original=int(np.sum(labels == 0)),
            n_manipulated=int(np.sum(labels == 1)),
        )

    def check_holdout(self, where: str) -> None:
        """Make sure that the manipulated videos are those of the held-out method.

        Args:
            where (str): The file, for the message.

        Raises:
            MMFakeError: There are others.
        """
        methods = set(self.frame.loc[self.frame['label'] == 1, 'method'])
        if methods != {self.holdout}:
            found = ', '.join(sorted(methods)) or 'no'
            raise MMFakeError(
                f'{where}: holds {found} manipulated videos in a run that tests {self.holdout!r}; '
                'give the scores of the test on the held-out method'
            )
