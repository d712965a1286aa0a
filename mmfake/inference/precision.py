"""Inference precision: batch norms folded into convolutions, bfloat16 and float16."""

from __future__ import annotations

import copy
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

from ..errors import MMFakeError, first_line

if TYPE_CHECKING:
    from .trained_model import TrainedModel

PRECISIONS = ('auto', 'fp32', 'bf16', 'fp16')
"""tuple[str]: What a user may ask for."""

_DTYPES = dict(bf16=torch.bfloat16, fp16=torch.float16)
CLOSE = 0.01
"""float: By as much may a score differ from that in float32."""
_CLIPS, _ROUNDS = 4, 2  # of the check


class Precision(NamedTuple):
    """In what a model computes.

    Attributes:
        name (str): ``'fp32'``, ``'bf16'`` or ``'fp16'``.
        reason (str): Why, in words; empty if it was asked for. Defaults to ''.
    """

    name: str
    reason: str = ''


def set_precision(trained: TrainedModel, asked: str) -> Precision:
    """Make a loaded model judge fast: folded batch norms, and the encoder in a precision.

    Classifiers stay in float32. The model in memory is changed, and no file.

    Args:
        trained (TrainedModel): The detector.
        asked (str): One of :data:`PRECISIONS`. ``'auto'`` tries what this machine can do on a few
            pictures and takes the fastest whose scores differ by less than 0.01 from those in
            float32; that costs as much as judging some twenty clips.

    Returns:
        Precision: What it computes in from now on.

    Raises:
        MMFakeError: If the precision is unknown, or this machine cannot compute in it.
    """
    if asked not in PRECISIONS:
        raise MMFakeError(f'precision {asked!r} is unknown; choose {", ".join(PRECISIONS)}')
    fold_batch_norms(trained.model.backbone, (3, *trained.pipeline.clip_shape))
    if asked == 'auto':
        return _fastest(trained)
    if asked != 'fp32':
        lacking = _lacking(asked, trained.device)
        if lacking:
            raise MMFakeError(f'precision {asked}: {lacking}; use bf16 or fp32')
        in_precision(trained.model.backbone, _DTYPES[asked])
        try:
            trained.score(check_clips(trained.pipeline.clip_shape, 1))
        except (RuntimeError, TypeError) as error:  # an operation that does not exist in it
            raise MMFakeError(
                f'precision {asked}: this encoder cannot compute in it here '
                f'({first_line(error)}); use fp32'
            ) from None
    return Precision(asked)


def _lacking(name: str, device: torch.device) -> str:
    """What a device lacks for a precision, in words; empty if nothing."""
    if device.type == 'cuda':
        if name == 'bf16' and not torch.cuda.is_bf16_supported():
            return 'this GPU has no bfloat16'
    elif device.type == 'cpu' and name == 'fp16':
        # without such instructions it takes longer than float32, or does not work at all
        supported = getattr(torch.ops.mkldnn, '_is_mkldnn_fp16_supported', lambda: False)
        if not supported():
            return 'this processor does not compute in float16'
    return ''


# ------------------------------------------------------------------ folding


class _Readers(TorchFunctionMode):
    """Sees which convolution's output a batch norm reads, and how often each is read and called.

    Attributes:
        pairs (dict[int, int]): id of a batch norm's running mean -> id of a convolution's weight.
        reads (Counter): id of a weight -> reads of what that convolution gave.
        calls (Counter): id of a weight or a running mean -> calls with it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pairs: Dict[int, int] = {}
        self.reads: Counter = Counter()
        self.calls: Counter = Counter()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        given = tree_flatten((args, kwargs or {}))[0]
        sources = [getattr(v, '_convolved_by', None) for v in given if isinstance(v, Tensor)]
        result = func(*args, **(kwargs or {}))
        if any(isinstance(value, Tensor) for value in tree_flatten(result)[0]):  # no size or shape
            self.reads.update(source for source in sources if source is not None)
        if func in (F.conv1d, F.conv2d, F.conv3d, F.batch_norm):
            self.calls[id(given[1])] += 1
            if func is not F.batch_norm:
                result._convolved_by = id(given[1])
            elif sources[0] is not None:
                self.pairs[id(given[1])] = sources[0]
        return result


def fold_batch_norms(encoder: nn.Module, shape: Sequence[int]) -> int:
    """Fold batch norms in eval mode into the convolutions whose output they alone read.

    Which ones these are is seen in one forward pass, whatever the modules are called. The folded
    encoder gives the same but for rounding, and so do its gradients with respect to feature maps.

    Args:
        encoder (nn.Module): In eval mode; changed in place.
        shape (Sequence[int]): Of what it encodes, without the batch: (C, T, H, W) or (C, H, W).

    Returns:
        int: Number of batch norms that are gone.
    """
    modules = dict(encoder.named_modules())
    norms = {
        id(m.running_mean): name
        for name, m in modules.items()
        if isinstance(m, _BatchNorm) and m.running_mean is not None and not m.training
    }
    convs = {id(m.weight): m for m in modules.values() if isinstance(m, _ConvNd)}
    if not norms:
        return 0
    device = next(encoder.parameters()).device
    with torch.no_grad(), _Readers() as seen:
        encoder(torch.zeros(1, *shape, device=device))
    folded = 0
    for mean, weight in seen.pairs.items():
        once = seen.reads[weight] == seen.calls[weight] == seen.calls[mean] == 1
        if not once or mean not in norms or weight not in convs:
            continue
        name = norms[mean]
        _fold(convs[weight], modules[name])
        parent, _, last = name.rpartition('.')
        setattr(modules[parent], last, nn.Identity())
        folded += 1
    return folded


def _fold(conv: nn.Module, norm: nn.Module) -> None:
    """Fold a batch norm into a convolution, computed in float64."""
    kept = [conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.weight, norm.bias]
    dtype, trained = conv.weight.dtype, conv.weight.requires_grad
    weight, bias, mean, var, scale, shift = (t if t is None else t.detach().double() for t in kept)
    folded = fuse_conv_bn_weights(weight, bias, mean, var, norm.eps, scale, shift)
    conv.weight, conv.bias = (nn.Parameter(part.to(dtype), trained) for part in folded)


# ------------------------------------------------------------------ half precision


def in_precision(encoder: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Give an encoder weights in another precision, between inputs and outputs in float32.

    On a CPU this takes three quarters of the time of autocast, which keeps the weights in float32.
    """
    encoder.to(dtype)
    encoder.register_forward_pre_hook(lambda _, given: _floats_to(dtype, given))
    encoder.register_forward_hook(lambda _, given, output: _floats_to(torch.float32, output))
    return encoder


def _floats_to(dtype: torch.dtype, values: Any) -> Any:
    """Convert what is a tensor of floats, however deep."""

    def convert(value: Any) -> Any:
        return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value

    return tree_map(convert, values)


# ------------------------------------------------------------------ the check


def check_clips(shape: Sequence[int], number: int) -> Tensor:
    """Smooth random pictures that move, of the shape of a model's clips: uint8 (N, 3, [T,] H, W).

    Colours with the slow changes of natural pictures (a spectrum that falls with the frequency)
    and a texture over them, which drift from frame to frame. They are the same at each call.
    """
    frames, size = (1, shape) if len(shape) == 2 else (shape[0], shape[1:])
    generator = torch.Generator().manual_seed(0)
    pictures = torch.zeros(number, 3, frames, *size)
    for cells, strength in ((2, 50), (4, 30), (8, 18), (16, 10), (32, 6)):
        ends = torch.randn(2, number * 3, 1, cells, cells, generator=generator)
        steps = torch.linspace(0, 1, frames)[:, None, None]
        moving = ends[0] * (1 - steps) + ends[1] * steps  # (N * 3, T, cells, cells)
        moving = F.interpolate(moving, size, mode='bicubic', align_corners=False)
        pictures += strength * moving.unflatten(0, (number, 3))
    pictures = (pictures + 120).clamp(0, 255).to(torch.uint8)
    return pictures[:, :, 0] if len(shape) == 2 else pictures


def _fastest(trained: TrainedModel) -> Precision:
    """Try what the device can do, leave the model in the fastest, and tell why."""
    able = [name for name in _DTYPES if not _lacking(name, trained.device)]
    clips = check_clips(trained.pipeline.clip_shape, _CLIPS)
    encoders = dict(fp32=trained.model.backbone)
    seconds: Dict[str, List[float]] = {}
    told: List[str] = []

    def judge(name: str) -> Tensor:
        trained.model.backbone = encoders[name]
        start = time.perf_counter()
        logits = trained.score(clips).logits
        seconds.setdefault(name, []).append(time.perf_counter() - start)
        return logits[:, 1] - logits[:, 0]  # of which a score is the sigmoid

    # 1. scores, which also warms up; as if the clips were at the border of a verdict, since a score
    #    near 0 or 1 would hide what the precision does to a doubtful video
    margins = judge('fp32')
    border = margins.median()
    expected = (margins - border).sigmoid()
    shifts: Dict[str, float] = {}
    for name in able:
        try:
            encoders[name] = in_precision(copy.deepcopy(encoders['fp32']), _DTYPES[name])
            shifts[name] = float((judge(name) - border).sigmoid().sub(expected).abs().max())
        except (RuntimeError, TypeError) as error:
            told.append(f'{name} cannot be computed here ({first_line(error)})')
    # 2. time, in turn
    seconds.clear()
    for _ in range(_ROUNDS):
        for name in ('fp32', *shifts):
            judge(name)
    best, shares = (
        'fp32',
        {name: min(spent) / min(seconds['fp32']) for name, spent in seconds.items()},
    )
    for name, shift in shifts.items():
        told.append(
            f'{name}: largest difference to fp32 {shift:.4f} on {_CLIPS} clips, '
            f'{shares[name]:.2f} of its time'
        )
        if shift < CLOSE and shares[name] < shares[best]:
            best = name
    trained.model.backbone = encoders[best]
    return Precision(best, '; '.join(told) or 'this machine computes in nothing else')
