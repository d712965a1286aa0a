"""Where an original ends and a manipulation begins."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional, Union

from ...errors import MMFakeError

ABSTAIN = 'abstain'
"""str: The verdict on a video without a score."""


class Decision(NamedTuple):
    """A threshold and where it came from.

    Attributes:
        threshold (float): A probability of at least this counts as manipulated.
        source (str): ``'validation'``, ``'user'`` or ``'default'``.
    """

    threshold: float
    source: str

    def verdict(self, probability: Optional[float]) -> str:
        """Decide.

        Args:
            probability (float, optional): Of being manipulated; None without a score.

        Returns:
            str: ``'original'``, ``'manipulated'`` or ``'abstain'``.
        """
        if probability is None:
            return ABSTAIN
        return 'manipulated' if probability >= self.threshold else 'original'


def choose_threshold(asked: Union[None, str, float], from_validation: Optional[float]) -> Decision:
    """Choose the threshold.

    Args:
        asked (float | str, optional): A number; ``'val'`` for the one chosen on validation; None
            for that one or, if the checkpoint has none, 0.5.
        from_validation (float, optional): What the checkpoint holds.

    Returns:
        Decision: Threshold and source.

    Raises:
        MMFakeError: If it is no probability, or is asked from a checkpoint that has none.
    """
    if asked is None:
        if from_validation is None:
            return Decision(0.5, 'default')
        return Decision(float(from_validation), 'validation')
    if asked == 'val':
        if from_validation is None:
            raise MMFakeError(
                'threshold val: the checkpoint holds none; use best_deepfake_auc_epoch_<N>.pth, '
                'which is saved with it, or give a number'
            )
        return Decision(float(from_validation), 'validation')
    try:
        value = math.nan if isinstance(asked, bool) else float(asked)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= 1:
        raise MMFakeError(f'threshold {asked!r} is neither val nor a number from 0 to 1')
    return Decision(value, 'user')
