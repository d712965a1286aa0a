"""Decision threshold and abstention: from the score of a video to its verdict."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional, Union

from ..engine.hooks.validation_threshold_hook import Calibration
from ..errors import MMFakeError

ABSTAIN = 'abstain'
"""str: The verdict on a video without a score."""


class Decision(NamedTuple):
    """A threshold and where it came from, and from which confidence on a video is judged.

    Attributes:
        threshold (float): A score of at least this counts as manipulated.
        source (str): ``'validation'``, ``'user'`` or ``'default'``.
        calibration (Calibration, optional): Makes calibrated probabilities of scores. Defaults to
            None, not known.
        least (float, optional): Calibrated probability that the verdict on a video must have.
            Defaults to None, any.
    """

    threshold: float
    source: str
    calibration: Optional[Calibration] = None
    least: Optional[float] = None

    def verdict(self, score: Optional[float]) -> str:
        """``'original'``, ``'manipulated'``, or ``'abstain'`` for a video without a score."""
        if score is None:
            return ABSTAIN
        return 'manipulated' if score >= self.threshold else 'original'

    def calibrated(self, score: Optional[float]) -> Optional[float]:
        """The calibrated probability of being manipulated; None where it is not known."""
        if score is None or self.calibration is None:
            return None
        return self.calibration.probability(score)

    def doubt(self, score: Optional[float]) -> str:
        """Why the verdict on a video with a score is not given; empty if it is."""
        probability, verdict = self.calibrated(score), self.verdict(score)
        if self.least is None or probability is None:
            return ''
        confidence = probability if verdict == 'manipulated' else 1 - probability
        if confidence >= self.least:
            return ''
        return (
            f'not confident enough: {verdict} with a calibrated probability of {confidence:.3f}, '
            f'and {self.least:.3f} is asked for'
        )


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
                'which is saved with it unless validation was no better than chance, or give a '
                'number'
            )
        return Decision(float(from_validation), 'validation')
    try:
        value = math.nan if isinstance(asked, bool) else float(asked)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= 1:
        raise MMFakeError(f'threshold {asked!r} is neither val nor a number from 0 to 1')
    return Decision(value, 'user')


def least_confidence(
    asked: Union[None, str, float],
    known: Optional[Calibration],
    decision: Optional[Decision] = None,
) -> Optional[float]:
    """Read from which confidence on a video is to be judged.

    Args:
        asked (float | str, optional): A calibrated probability from 0.5 to 1, or ``'90%'``: as
            confident as 90 % of the validation videos were judged. None for any confidence.
        known (Calibration, optional): What the checkpoint holds.
        decision (Decision, optional): The threshold. Defaults to None, that of the validation.

    Returns:
        float, optional: The calibrated probability, None for any.

    Raises:
        MMFakeError: If it is neither, the checkpoint is not calibrated, or a share of the
            validation videos is asked for at another threshold than theirs.
    """
    if asked is None:
        return None
    text = str(asked).strip()
    try:
        value = math.nan if isinstance(asked, bool) else float(text.rstrip('%'))
    except ValueError:
        value = math.nan
    is_coverage = text.endswith('%')
    if not (0 < value <= 100 if is_coverage else 0.5 <= value <= 1):
        raise MMFakeError(
            f'abstain_below {text}: give a calibrated probability from 0.5 to 1, or how many of '
            'the videos are to be judged, such as 90%'
        )
    if known is None:
        raise MMFakeError(
            f'abstain_below {text}: the checkpoint is not calibrated, so that its scores are no '
            'probabilities; use one that this version has trained and validated better than chance'
        )
    if not is_coverage:
        return value
    if decision is not None and decision.source != 'validation':
        raise MMFakeError(
            f'abstain_below {text}: how confident so many of the validation videos were is known '
            f'at their threshold, and this one is {decision.threshold:g}: leave the threshold to '
            'the checkpoint, or give a calibrated probability'
        )
    found = known.confidence_for(value)
    if found is None:
        shown = sorted(known.confidences)
        ends = f'from {shown[0]} to {shown[-1]} %' if shown else 'for no coverage'
        raise MMFakeError(f'abstain_below {text}: the checkpoint knows it {ends}')
    return found
