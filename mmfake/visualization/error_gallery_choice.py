"""Which mistakes a gallery shows."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..evaluation.video_scores import scored_only


@dataclass(frozen=True)
class Mistakes:
    """The most confident mistakes of one kind.

    Args:
        name (str): ``'False negatives'`` or ``'False positives'``.
        kind (str): Of what they are, ``'manipulated videos'`` or ``'originals'``.
        shown (pandas.DataFrame): Rows of the scores, the most confident mistake first.
        total (int): How many there are in all.
        of (int): Scored videos of that class.
    """

    name: str
    kind: str
    shown: pd.DataFrame
    total: int
    of: int

    @property
    def heading(self) -> str:
        """str: Name and numbers, such as ``'False positives: 20 of 140 originals, 12 shown'``."""
        text = f'{self.name}: {self.total} of {self.of} {self.kind}'
        return text if len(self.shown) == self.total else f'{text}, {len(self.shown)} shown'


@dataclass(frozen=True)
class Errors:
    """What a gallery shows.

    Args:
        negatives (Mistakes): Manipulated videos called original.
        positives (Mistakes): Originals called manipulated.
        threshold (float): A video whose score is at least this is called manipulated.
    """

    negatives: Mistakes
    positives: Mistakes
    threshold: float

    @property
    def both(self) -> tuple:
        """tuple[Mistakes]: False negatives, false positives."""
        return self.negatives, self.positives


def choose_errors(frame: pd.DataFrame, threshold: float = 0.5, top: int = 12) -> Errors:
    """Choose the videos that the detector is wrong about and surest of.

    Args:
        frame (pandas.DataFrame): Rows as
            :func:`~mmfake.evaluation.scores_file.read_scores_file` makes them.
        threshold (float): A video whose score is at least this is called manipulated.
            Defaults to 0.5.
        top (int): Videos of each kind. Defaults to 12.

    Returns:
        Errors: Equal scores in the order of their names.
    """
    scored = scored_only(frame)
    originals, fakes = scored[scored['label'] == 0], scored[scored['label'] == 1]
    missed = fakes[fakes['score'] < threshold].sort_values(['score', 'video'])
    accused = originals[originals['score'] >= threshold]
    accused = accused.sort_values(['score', 'video'], ascending=[False, True])
    return Errors(
        Mistakes(
            'False negatives',
            'manipulated videos',
            missed.head(top),
            len(missed),
            len(fakes),
        ),
        Mistakes(
            'False positives',
            'originals',
            accused.head(top),
            len(accused),
            len(originals),
        ),
        threshold,
    )
