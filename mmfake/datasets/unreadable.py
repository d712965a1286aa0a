"""Unreadable videos: marked in the data sample by the dataset, never replaced."""

from __future__ import annotations

from typing import List, Tuple

import torch
from mmaction.structures import ActionDataSample
from mmaction.utils import SampleList
from torch import Tensor


def is_unreadable(data_sample: ActionDataSample) -> bool:
    """Whether the dataset could not decode the video and put a black clip in its place."""
    return bool(data_sample.metainfo.get('unreadable'))


def readable(inputs: Tensor, data_samples: SampleList) -> Tuple[Tensor, List]:
    """Drop the black clips, of (N, ...) and N samples, that stand for unreadable videos."""
    keep = [index for index, sample in enumerate(data_samples) if not is_unreadable(sample)]
    if len(keep) == len(data_samples):
        return inputs, data_samples
    # no list as an index, which would have to be uploaded
    kept = torch.stack([inputs[index] for index in keep]) if keep else inputs[:0]
    return kept, [data_samples[index] for index in keep]
