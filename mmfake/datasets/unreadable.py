"""Videos that the dataset could not decode: marked in the data sample, never replaced."""

from __future__ import annotations

from typing import List, Tuple

from mmaction.structures import ActionDataSample
from mmaction.utils import SampleList
from torch import Tensor


def is_unreadable(data_sample: ActionDataSample) -> bool:
    """Whether the dataset could not decode the video and put a black clip in its place."""
    return bool(data_sample.metainfo.get('unreadable'))


def readable(inputs: Tensor, data_samples: SampleList) -> Tuple[Tensor, List]:
    """Drop the black clips that stand for videos which could not be decoded.

    Args:
        inputs (Tensor): ``(N, ...)``.
        data_samples (list[:obj:`ActionDataSample`]): N samples.

    Returns:
        tuple[Tensor, list]: The readable ones, ``(N', ...)`` and N' samples.
    """
    keep = [index for index, sample in enumerate(data_samples) if not is_unreadable(sample)]
    if len(keep) == len(data_samples):
        return inputs, data_samples
    return inputs[keep], [data_samples[index] for index in keep]
