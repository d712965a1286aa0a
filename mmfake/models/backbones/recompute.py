"""Gradient checkpointing that counts every clip once in the batch norm statistics."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import Iterator

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


@contextmanager
def keep_norm_statistics(block: nn.Module) -> Iterator[None]:
    """Let batch norms work as usual, but on copies of their running statistics.

    Args:
        block (nn.Module): The module whose statistics are put back afterwards.

    Yields:
        None: Nothing.
    """
    # copies, because autograd saves these tensors and must find as many in both passes: switching
    # tracking off would pass None to the kernel
    kept = [
        (module, name, buffer)
        for module in block.modules()
        if isinstance(module, _BatchNorm)
        for name, buffer in module.named_buffers(recurse=False)
    ]
    for module, name, buffer in kept:
        setattr(module, name, buffer.clone())
    try:
        yield
    finally:
        for module, name, buffer in kept:
            setattr(module, name, buffer)


def recompute(block: nn.Module, x: Tensor) -> Tensor:
    """Run a block without keeping its activations; backward computes them a second time.

    Output, gradients and running statistics equal those of ``block(x)``. (Plain checkpointing
    would update the statistics in the second pass as well.)

    Args:
        block (nn.Module): A block without random operations.
        x (Tensor): Its input; need not require a gradient itself.

    Returns:
        Tensor: ``block(x)``.
    """
    return checkpoint(
        block,
        x,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), keep_norm_statistics(block)),
    )
