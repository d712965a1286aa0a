"""Distributed training on machines without a GPU."""

from __future__ import annotations

import torch
import torch.distributed as torch_dist
from mmengine.dist import utils as host


def repair_cpu_distributed() -> bool:
    """Let ``launcher='pytorch'`` start on a CPU-only machine.

    mmengine 0.10.7 calls ``torch.cuda.set_device`` whatever the backend. Where CUDA is absent the
    process group is made with gloo instead (nccl needs a GPU). Inactive where CUDA or another
    accelerator that mmengine knows is present.

    Returns:
        bool: True if the repair is active.
    """
    others = (host.is_mlu_available, host.is_npu_available, host.is_musa_available)
    if torch.cuda.is_available() or any(available() for available in others):
        return False

    def init_dist_pytorch(backend: str, init_backend: str = 'torch', **kwargs) -> None:
        torch_dist.init_process_group(backend='gloo' if backend == 'nccl' else backend, **kwargs)

    host._init_dist_pytorch = init_dist_pytorch
    return True
