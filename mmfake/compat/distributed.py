"""Distributed training on machines without a GPU."""

from __future__ import annotations

import functools
import os
from typing import Callable

import torch
from mmengine.dist import utils as host


def repair_cpu_distributed() -> bool:
    """Let every launcher start on a CPU-only machine.

    mmengine 0.10.7 calls ``torch.cuda.set_device`` whatever the backend. Where CUDA is absent that
    call does nothing instead, and the process group is made with gloo, as nccl needs a GPU.
    Inactive where CUDA or another accelerator that mmengine knows is present.

    Returns:
        bool: True if the repair is active.
    """
    others = (host.is_mlu_available, host.is_npu_available, host.is_musa_available)
    if torch.cuda.is_available() or any(available() for available in others):
        return False
    for launcher in ('pytorch', 'mpi', 'slurm'):
        name = f'_init_dist_{launcher}'
        setattr(host, name, _on_cpu(getattr(host, name)))
    return True


def _on_cpu(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def init_on_cpu(backend: str, **kwargs) -> None:
        os.environ.setdefault('SLURM_LOCALID', '0')  # else the rank is divided by the GPUs
        set_device = torch.cuda.set_device
        torch.cuda.set_device = lambda device: None
        try:
            init('gloo' if backend == 'nccl' else backend, **kwargs)
        finally:
            torch.cuda.set_device = set_device

    return init_on_cpu
