"""A score file under the protocol that the paper seems to have used."""

from __future__ import annotations

import math
from typing import Dict, Optional, Sequence

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from ..errors import MMFakeError, sample_of
from .binary_metrics import binary_metrics
from .video_scores import scored_only


def paper_compat(
    frame: pd.DataFrame, batch_size: int = 32, order: Optional[Sequence[str]] = None
) -> Dict[str, float]:
    """Score as arXiv 2308.13503 seems to: the last, incomplete batch of the test is dropped.

    All accuracies of its five trained regimes are multiples of 1/256, and 256 is what a loader with
    ``drop_last`` and batch size 32 leaves of 280 videos. That is inferred, and so is the order,
    which decides who is dropped. The answer says by how much another order would change it.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~.scores_file.read_scores_file` makes them.
        batch_size (int): Videos a batch. Defaults to 32.
        order (Sequence[str], optional): The videos in the order of the test; those that are not
            scored are passed over. Defaults to None: by target id, the original first, as
            :class:`mmfake.FFPPDataset` reads an index. A folder tree it reads in the order of the
            split file, which a file of scores does not hold.

    Returns:
        dict[str, float]: ``n`` scored videos and ``n_kept`` of them; ``acc`` and ``auc`` of all;
        ``acc_kept`` and ``auc_kept`` of those kept (NaN if none); ``acc_kept_low`` and
        ``acc_kept_high``, between which the former lies for 95 % of all orders.

    Raises:
        MMFakeError: A scored video is not in the order.
    """
    scored = scored_only(frame)
    if order is None:
        order = sorted(scored['video'], key=_test_order(scored))
    scored = scored.set_index('video')
    unknown = sorted(set(scored.index) - set(order))
    if unknown:
        raise MMFakeError(
            f'{len(unknown)} scored videos are not in the order of the test: {sample_of(unknown)}; '
            'give the order of the dataset that was tested'
        )
    scored = scored.loc[[video for video in order if video in scored.index]]
    labels, scores = scored['label'].to_numpy(), scored['score'].to_numpy()
    kept = len(labels) // batch_size * batch_size
    ours, paper = binary_metrics(labels, scores), binary_metrics(labels[:kept], scores[:kept])
    ends = (math.nan, math.nan)
    if kept:
        # kept videos are drawn without replacement from all, some of which are judged rightly
        right = int(np.sum((scores >= 0.5) == labels))
        ends = hypergeom.interval(0.95, len(labels), right, kept)
    return dict(
        n=len(labels),
        n_kept=kept,
        acc=ours['acc'],
        auc=ours['auc'],
        acc_kept=paper['acc'],
        auc_kept=paper['auc'],
        acc_kept_low=float(ends[0]) / max(kept, 1),
        acc_kept_high=float(ends[1]) / max(kept, 1),
    )


def _test_order(frame: pd.DataFrame):
    """A key that sorts ``ffpp/f2f/c23/033_097`` after its original ``ffpp/original/c23/033``."""
    labels = dict(zip(frame['video'], frame['label']))

    def key(video: str) -> tuple:
        stem = video.split('/')[-1]
        return stem.split('_')[0], labels[video], video

    return key
