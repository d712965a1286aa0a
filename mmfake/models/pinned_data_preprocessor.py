"""Data preprocessor: one pinned upload of a batch, which the host does not wait for."""

from __future__ import annotations

from typing import Any, List, Tuple, Union

import torch
from mmaction.models import ActionDataPreprocessor
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from ..datasets.stack_clips import stacked


def upload(tensor: Tensor, device: Union[torch.device, str]) -> Tensor:
    """Copy a tensor to a device; from the host through pinned memory, so that it does not wait."""
    if tensor.device.type != 'cpu' or torch.device(device).type in ('cpu', 'mps'):
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)  # one that is pinned is not copied


@MODELS.register_module()
class PinnedDataPreprocessor(ActionDataPreprocessor):
    """mmaction2's ``ActionDataPreprocessor`` with the same numbers and one upload a batch.

    The parent uploads clip by clip and label by label, and the host waits each time: 64 times for
    32 clips. Here the clips are stacked, where :func:`mmfake.stack_clips` has not done so in the
    loader, and uploaded at once. Data samples stay on the host, where labels are checked and
    counted; the heads upload those that a loss needs.

    Args:
        **kwargs: As for ``ActionDataPreprocessor``.
    """

    def cast_data(self, data: Any) -> Any:
        """Upload the inputs of a batch; what cannot be stacked goes the parent's way.

        Args:
            data (dict): ``inputs``, a list of N tensors or ``(N, ...)``, and ``data_samples``,
                which may be None.
        """
        inputs = stacked(data['inputs']) if isinstance(data, dict) else None
        if not isinstance(inputs, Tensor):
            return super().cast_data(data)
        # copies, as the parent makes them: blending and prediction write into them
        samples = data['data_samples']
        samples = None if samples is None else [sample.new() for sample in samples]
        return dict(data, inputs=upload(inputs, self.device), data_samples=samples)

    def preprocess(
        self, inputs: Union[Tensor, List[Tensor]], data_samples: SampleList, training: bool = False
    ) -> Tuple[Tensor, SampleList]:
        """The parent's, which wants the clips of a batch one by one."""
        return super().preprocess(list(inputs), data_samples, training)
