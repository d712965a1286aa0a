"""Encoder base class: weights from a file, frozen parts, recomputed activations."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import Dict, Iterator, List, Optional, Union

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ...errors import MMFakeError
from .pretrained import WeightFiles, load_pretrained, split_init_cfg


class PretrainedEncoder(BaseModule):
    """What encoders with published weight files have in common.

    A subclass has ``weight_files``, ``norm_cfg`` with an ``eps`` and :meth:`frozen_parts`, and
    calls :meth:`freeze` when it is built.

    Args:
        norm_eval (bool): Keep all batch norms in eval mode while training.
        init_cfg (dict or list[dict], optional): As a config gives it; an entry of type
            ``Pretrained`` is loaded whole or not at all, whatever the layout of the file.
        random_init (list[dict]): Taken where ``init_cfg`` has no other entry.
    """

    weight_files: WeightFiles
    norm_cfg: Dict

    def __init__(
        self,
        norm_eval: bool,
        init_cfg: Optional[Union[Dict, List[Dict]]],
        random_init: List[Dict],
    ) -> None:
        pretrained, given = split_init_cfg(init_cfg, type(self).__name__)
        super().__init__(given or random_init)
        self.pretrained = pretrained
        self.norm_eval = norm_eval

    def frozen_parts(self) -> List[nn.Module]:
        """List the parts that are not trained."""
        raise NotImplementedError

    def freeze(self) -> None:
        """Ask for no gradients of the frozen parts."""
        for part in self.frozen_parts():
            part.requires_grad_(False)

    def init_weights(self) -> None:
        """Initialise as ``init_cfg`` says, the pre-trained file last."""
        first_call = not self.is_init
        super().init_weights()
        if first_call and self.pretrained is not None:
            load_pretrained(self, eps=self.norm_cfg['eps'], **self.pretrained)

    def train(self, mode: bool = True) -> PretrainedEncoder:
        """Switch between training and eval mode; what is frozen stays in eval mode."""
        super().train(mode)
        if mode:
            for part in self.frozen_parts():
                part.eval()
            if self.norm_eval:
                for module in self.modules():
                    if isinstance(module, _BatchNorm):
                        module.eval()
        return self


@contextmanager
def keep_norm_statistics(block: nn.Module) -> Iterator[None]:
    """Let the batch norms of a block work as usual, but on copies of their running statistics."""
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
    """``block(x)`` without keeping its activations; backward computes them a second time.

    Output, gradients and running statistics equal those of ``block(x)``; what is random in the
    block is drawn alike. (Plain checkpointing would update the statistics in the second pass too.)
    """
    return checkpoint(
        block,
        x,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), keep_norm_statistics(block)),
    )


def complete_norm_cfg(encoder: str, norm_cfg: Optional[Dict], default: Dict) -> Dict:
    """Fill in the defaults of a batch norm and refuse what is none of the same dimension.

    Raises:
        MMFakeError: If it builds anything but the kind of ``default`` or a ``SyncBN``.
    """
    kind = type(build_norm_layer(default, 1)[1])
    norm_cfg = {**default, 'momentum': 0.1, **(norm_cfg or {})}
    try:
        norm = build_norm_layer(norm_cfg, 1)[1]
        reason = type(norm).__name__
    except (AssertionError, KeyError, TypeError, ValueError) as error:  # type or arguments
        norm, reason = None, error
    if not isinstance(norm, (kind, nn.SyncBatchNorm)):
        inputs = 'clips' if kind is nn.BatchNorm3d else 'pictures'
        raise MMFakeError(
            f'{encoder}: norm_cfg={norm_cfg} gives no batch norm for {inputs} ({reason}); set '
            f"norm_cfg.type to '{default['type']}' or 'SyncBN', with eps and momentum."
        )
    return norm_cfg
