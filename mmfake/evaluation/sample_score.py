"""What the metric keeps of one tested sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

import numpy as np
import torch

from ..errors import MMFakeError

# a softmax in half precision may miss 1 by this much; raw logits miss it by far more
_SUM_TOLERANCE = 1e-2


@dataclass(frozen=True)
class SampleScore:
    """Score of one sample, that is of one or several clips of one video.

    Args:
        video (str): Identity of the video, ``'dataset/method/compression/stem'``.
        method (str): Key of the manipulation, or ``'original'``.
        label (int): 0 original, 1 manipulated.
        score (float): Probability of being manipulated; NaN where the sample has no score.
        clips (int): How many clips the score is the mean of; 0 where there is no score.
        sample_idx (int, optional): Position in the dataset. Defaults to None (unknown).
        reason (str): Why there is no score. Defaults to ``''``.
    """

    video: str
    method: str
    label: int
    score: float
    clips: int
    sample_idx: Optional[int] = None
    reason: str = ''

    @classmethod
    def from_data_sample(cls, sample: Dict[str, Any]) -> SampleScore:
        """Read one element of what the recognizer returned.

        Args:
            sample (dict): A data sample as a dict, with ``video_id``, ``method``, ``label_bin``,
                ``pred_score`` (``[p_original, p_manipulated]`` or one such row per clip) and
                possibly ``num_clips``, ``sample_idx`` and ``unreadable`` (a reason).

        Returns:
            SampleScore: The sample; an unreadable one or one with a NaN has no score but a reason.

        Raises:
            MMFakeError: A key is missing, the label is not 0 or 1, or ``pred_score`` does not hold
                one pair of probabilities per clip.
        """
        missing = [key for key in ('video_id', 'method', 'label_bin') if key not in sample]
        if missing:
            raise MMFakeError(
                f'DeepfakeMetric: a data sample lacks {", ".join(missing)}; '
                'add them to the keys of PackActionInputs in the test pipeline'
            )
        video, label = str(sample['video_id']), _label(sample)
        index = sample.get('sample_idx')
        # the reason ends up in a table and in one line of a log
        reason = ' '.join(str(sample.get('unreadable') or '').split())
        score, clips = math.nan, 0
        if not reason:
            score, clips = _score_and_clips(sample)
            reason = '' if clips else 'the score is not a number'
        index = None if index is None else int(index)
        return cls(video, str(sample['method']), label, score, clips, index, reason)


def _label(sample: Dict[str, Any]) -> int:
    values = np.asarray(sample['label_bin']).reshape(-1)
    if values.size != 1 or values[0] not in (0, 1):
        raise MMFakeError(
            f"DeepfakeMetric: video '{sample['video_id']}' has label_bin {values.tolist()}; "
            'it must be one number, 0 original or 1 manipulated'
        )
    return int(values[0])


def _score_and_clips(sample: Dict[str, Any]) -> Tuple[float, int]:
    """Mean probability of being manipulated and the clips behind it, or (NaN, 0)."""
    where = f"DeepfakeMetric: pred_score of video '{sample['video_id']}'"
    try:
        pred = torch.as_tensor(sample.get('pred_score'), dtype=torch.float64).detach().cpu().numpy()
    except (TypeError, ValueError, RuntimeError):
        raise MMFakeError(
            f'{where} is a {type(sample.get("pred_score")).__name__}, not a tensor of two '
            'probabilities; does the model return its binary stream?'
        ) from None
    if pred.ndim not in (1, 2) or pred.shape[-1] != 2 or pred.size == 0:
        raise MMFakeError(
            f'{where} has shape {pred.shape}, expected (2,) or (clips, 2); '
            'the binary head must have num_classes=2'
        )
    clips = int(sample.get('num_clips', 1)) if pred.ndim == 1 else len(pred)
    if clips < 1:
        raise MMFakeError(f'{where} comes with num_clips={clips}; a sample has at least one clip')

    if not np.isfinite(pred).all():
        return math.nan, 0
    pred = pred.reshape(-1, 2)  # (2,) or (clips, 2) -> (rows, 2)
    if pred.min() < 0 or pred.max() > 1 or abs(pred.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        raise MMFakeError(
            f'{where} holds {pred[0].tolist()}, not two probabilities that add up to 1; '
            "set average_clips='prob' in the binary head"
        )
    return math.fsum(pred[:, 1]) / len(pred), clips
