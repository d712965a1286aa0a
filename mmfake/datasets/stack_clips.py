"""Collate function: the clips of a batch as one tensor, so that one copy takes it to a GPU."""

from __future__ import annotations

from typing import Any, Sequence

from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS
from torch import Tensor
from torch.utils.data import default_collate


@FUNCTIONS.register_module()
def stack_clips(samples: Sequence[dict]) -> dict:
    """Collate samples as mmengine's ``pseudo_collate``, and stack their inputs.

    It is done where the samples are loaded, in the workers. The loader can then pin the batch with
    one copy (``pin_memory=True``), and hand it over as one tensor.

    Args:
        samples (Sequence[dict]): N samples with ``inputs`` and ``data_samples``.

    Returns:
        dict: ``inputs``, a tensor ``(N, ...)``, or a list of tensors if their shapes differ;
        ``data_samples``, a list.
    """
    batch = pseudo_collate(samples)
    return dict(batch, inputs=stacked(batch['inputs']))


def stacked(inputs: Any) -> Any:
    """Stack tensors of one shape and dtype; anything else stays as it is."""
    if not isinstance(inputs, (list, tuple)) or not all(isinstance(x, Tensor) for x in inputs):
        return inputs
    if len({(clip.shape, clip.dtype, clip.device) for clip in inputs}) != 1:
        return inputs
    return default_collate(inputs)  # torch's writes into the memory shared with the main process
