"""Targets of the heads: classes, soft labels or maps, collected from data samples."""

from __future__ import annotations

from typing import Any, Optional, Union

import torch
from mmaction.utils import SampleList
from torch import Tensor

from ...errors import MMFakeError
from ..pinned_data_preprocessor import upload


def targets_of(
    data_samples: SampleList,
    key: str,
    device: Union[torch.device, str],
    default: Optional[int] = None,
) -> Tensor:
    """Stack one target per data sample.

    Args:
        data_samples (list[:obj:`ActionDataSample`]): N samples.
        key (str): The field to read: ``'gt_label'`` of mmaction2, ``'label_bin'`` or
            ``'label_multi'`` of :class:`mmfake.FFPPDataset`, or one that a transform has added.
        device (torch.device | str): Where the result goes; no GPU is waited for.
        default (int, optional): Taken for a sample without the field. Defaults to None, which
            makes that an error.

    Returns:
        Tensor: ``(N,)`` int64 of classes; ``(N, K)`` float32 of soft labels; ``(N, ...)`` of maps,
        in their own dtype.

    Raises:
        MMFakeError: If a sample lacks the field and there is no default, shapes differ, or the
            clips are blended (``MixupBlending``) and their labels are not.
    """
    found = [sample.get(key, default) for sample in data_samples]
    if any(value is None for value in found):
        raise MMFakeError(
            f"a data sample has no '{key}'; name it in PackActionInputs(algorithm_keys=...) of the "
            'pipeline, or set label_key of the head to a field that the dataset has.'
        )
    blended = data_samples[0].get('gt_label') if key != 'gt_label' and data_samples else None
    if isinstance(blended, Tensor) and blended.numel() > 1:
        raise MMFakeError(
            f"the clips are blended and so is 'gt_label' ({_target(blended).tolist()}), but a head "
            f"learns '{key}', which is not: set label_key='gt_label' of a head of two classes, or "
            'take blending out of model.data_preprocessor.'
        )
    targets = [_target(value) for value in found]
    shapes = sorted({tuple(target.shape) for target in targets})
    if len(shapes) > 1:
        raise MMFakeError(
            f"'{key}' of the data samples has several shapes, {shapes[0]} and {shapes[1]}; a batch "
            'needs classes, soft labels of one length or maps of one size.'
        )
    if not targets:
        return torch.empty(0, dtype=torch.long, device=device)
    return upload(torch.stack(targets), device)


def labels_of(
    data_samples: SampleList,
    key: str,
    device: Union[torch.device, str],
    default: Optional[int] = None,
) -> Tensor:
    """:func:`targets_of`, where every target has to be one class: ``(N,)`` int64."""
    labels = targets_of(data_samples, key, device, default)
    if labels.ndim != 1 or labels.is_floating_point():
        raise MMFakeError(
            f"'{key}' is {labels[0].tolist() if labels.ndim < 3 else 'a map'}, but contrast needs "
            'one class for each video: no blending in the data preprocessor and no soft labels '
            'together with a ContrastiveHead.'
        )
    return labels


def _target(value: Any) -> Tensor:
    """One target: a class as a scalar int64, anything else as it is, float in single precision."""
    target = torch.as_tensor(value)
    if target.numel() == 1:
        target = target.reshape(()).cpu()
        whole = not target.is_floating_point() or bool(target == target.round())
        return target.long() if whole else target.float()
    return target.float() if target.is_floating_point() else target
