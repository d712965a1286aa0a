"""Reading labels from data samples."""

from __future__ import annotations

from typing import Optional

import torch
from mmaction.utils import SampleList
from torch import Tensor

from ...errors import MMFakeError


def labels_of(
    data_samples: SampleList, key: str, device: torch.device, default: Optional[int] = None
) -> Tensor:
    """Collect one integer per data sample.

    Args:
        data_samples (list[:obj:`ActionDataSample`]): N samples.
        key (str): The field to read: ``'gt_label'`` of mmaction2, ``'label_bin'`` or
            ``'label_multi'`` of :class:`mmfake.FFPPDataset`.
        device (torch.device): Where the result goes.
        default (int, optional): Taken for a sample without the field. Defaults to None, which
            makes that an error.

    Returns:
        Tensor: ``(N,)`` int64.

    Raises:
        MMFakeError: If a sample lacks the field and there is no default.
    """
    found = [sample.get(key, default) for sample in data_samples]
    if any(value is None for value in found):
        raise MMFakeError(
            f"a data sample has no '{key}'; name it in PackActionInputs(algorithm_keys=...) of the "
            'pipeline, or set label_key of the head to a field that the dataset has.'
        )
    values = [int(torch.as_tensor(value).reshape(-1)[0]) for value in found]
    return torch.tensor(values, dtype=torch.long, device=device)
