"""Data preprocessor: one pinned upload of a batch, which the host does not wait for."""

from __future__ import annotations

from typing import Any, List, Tuple, Union

import torch
from mmaction.models import ActionDataPreprocessor
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor


def upload(tensor: Tensor, device: Union[torch.device, str]) -> Tensor:
    """Copy a tensor to a device; from the host through pinned memory, so that it does not wait."""
    if not _wants_pinning(tensor, device):
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)  # one that is pinned is not copied


def _wants_pinning(tensor: Tensor, device: Union[torch.device, str]) -> bool:
    """Whether a tensor goes to the device through pinned memory: from the host to a GPU."""
    return tensor.device.type == 'cpu' and torch.device(device).type not in ('cpu', 'mps')


@MODELS.register_module()
class PinnedDataPreprocessor(ActionDataPreprocessor):
    """mmaction2's ``ActionDataPreprocessor`` with the same numbers and one upload a batch.

    The parent uploads clip by clip and label by label, and the host waits each time: 64 times for
    32 clips. Here the clips are stacked in pinned memory, while the GPU still works on the batch
    before, and uploaded at once; ``pin_memory`` of the loader has no part in it. Data samples stay
    on the host, where labels are checked and counted; the heads upload those that a loss needs.

    Args:
        **kwargs: As for ``ActionDataPreprocessor``.
    """

    def cast_data(self, data: Any) -> Any:
        """Upload the inputs of a batch; what cannot be stacked goes the parent's way.

        Args:
            data (dict): ``inputs``, a list of N tensors or ``(N, ...)``, and ``data_samples``,
                which may be None.
        """
        inputs = self._stacked(data['inputs']) if isinstance(data, dict) else None
        if not isinstance(inputs, Tensor):
            return super().cast_data(data)
        # copies, as the parent makes them: blending and prediction write into them
        samples = data['data_samples']
        samples = None if samples is None else [sample.new() for sample in samples]
        return dict(data, inputs=upload(inputs, self.device), data_samples=samples)

    def _stacked(self, clips: Any) -> Any:
        """Stack tensors of one shape and dtype; anything else stays as it is."""
        if not isinstance(clips, (list, tuple)) or not all(isinstance(x, Tensor) for x in clips):
            return clips
        if len({(clip.shape, clip.dtype, clip.device) for clip in clips}) != 1:
            return clips
        first = clips[0]
        if not _wants_pinning(first, self.device):
            return torch.stack(list(clips))
        batch = torch.empty((len(clips), *first.shape), dtype=first.dtype, pin_memory=True)
        return torch.stack(list(clips), out=batch)

    def preprocess(
        self, inputs: Union[Tensor, List[Tensor]], data_samples: SampleList, training: bool = False
    ) -> Tuple[Tensor, SampleList]:
        """The parent's, which wants the clips of a batch one by one."""
        return super().preprocess(list(inputs), data_samples, training)
