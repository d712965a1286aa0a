"""EfficientNet B0 to B7 (arXiv 1905.11946) with TensorFlow's "same" padding."""

from __future__ import annotations

import math
from typing import Dict, List, NamedTuple, Optional, Union

import torch
from mmaction.registry import MODELS
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from ...errors import MMFakeError
from .efficientnet_weights import LAYERS, efficientnet_files
from .pretrained_encoder import PretrainedEncoder, complete_norm_cfg, recompute


class Stage(NamedTuple):
    """A row of Table 1 of arXiv 1905.11946, of B0."""

    blocks: int
    kernel: int
    stride: int
    channels: int
    expansion: int


_STAGES = (
    Stage(1, 3, 1, 16, 1),
    Stage(2, 3, 2, 24, 6),
    Stage(2, 5, 2, 40, 6),
    Stage(3, 3, 2, 80, 6),
    Stage(3, 5, 1, 112, 6),
    Stage(4, 5, 2, 192, 6),
    Stage(1, 3, 1, 320, 6),
)
_STEM, _TOP = 32, 1280

# width and depth as multiples of B0's, as the authors' code has them
_ARCHS = dict(
    b0=(1.0, 1.0),
    b1=(1.0, 1.1),
    b2=(1.1, 1.2),
    b3=(1.2, 1.4),
    b4=(1.4, 1.8),
    b5=(1.6, 2.2),
    b6=(1.8, 2.6),
    b7=(2.0, 3.1),
)


def _widened(channels: int, width: float) -> int:
    """The multiple of 8 nearest to ``channels * width``, at least 90 % of it."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


class SqueezeExcite(nn.Module):
    """Channel attention (arXiv 1709.01507) with 1x1 convolutions.

    Args:
        channels (int): Channels of the input.
        squeezed (int): Channels between the two convolutions.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.conv1 = ConvModule(channels, squeezed, 1, act_cfg=dict(type='SiLU'))
        self.conv2 = ConvModule(squeezed, channels, 1, act_cfg=dict(type='Sigmoid'))

    def forward(self, x: Tensor) -> Tensor:
        """Weight the channels of (N, C, H, W)."""
        return x * self.conv2(self.conv1(x.mean(dim=(2, 3), keepdim=True)))


class InvertedResidual(nn.Module):
    """Mobile inverted bottleneck with squeeze and excitation (MBConv).

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        kernel_size (int): Side of the depthwise kernel, px.
        stride (int): Stride of the depthwise convolution.
        expansion (int): Channels inside as a multiple of ``in_channels``; 1 expands nothing.
        norm_cfg (dict): The batch norms, in mmcv's form.
        drop_path_rate (float): Probability that a sample passes by the block in training.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int,
        expansion: int,
        norm_cfg: Dict,
        drop_path_rate: float,
    ) -> None:
        super().__init__()
        inside = in_channels * expansion
        active = dict(norm_cfg=norm_cfg, act_cfg=dict(type='SiLU'))
        if expansion != 1:
            self.expand_conv = ConvModule(in_channels, inside, 1, **active)
        self.depthwise_conv = ConvModule(
            inside,
            inside,
            kernel_size,
            stride,
            groups=inside,
            conv_cfg=dict(type='Conv2dAdaptivePadding'),
            **active,
        )
        self.se = SqueezeExcite(inside, max(1, in_channels // 4))  # of the INPUT's channels
        self.linear_conv = ConvModule(inside, out_channels, 1, norm_cfg=norm_cfg, act_cfg=None)
        self.drop_path = DropPath(drop_path_rate)
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Compute (N, C', H', W') of (N, C, H, W)."""
        inside = self.expand_conv(x) if hasattr(self, 'expand_conv') else x
        inside = self.linear_conv(self.se(self.depthwise_conv(inside)))
        return x + self.drop_path(inside) if self.has_shortcut else inside


@MODELS.register_module()
class EfficientNet(PretrainedEncoder):
    """EfficientNet encoder of pictures, B0 to B7.

    `EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks
    <https://arxiv.org/abs/1905.11946>`_. B7 has 63,786,960 parameters and 15.4 G multiply-adds for
    a picture of 380 x 380 px. :class:`mmfake.PerFrame` runs it on clips.

    All published weights are ports of TensorFlow's, whose "same" padding depends on whether the
    side of a map is even or odd; here it is computed from the input, so they are right at every
    size. Its modules bear the names of OpenMMLab's EfficientNet.

    Args:
        arch (str): ``'b0'`` to ``'b7'``. Defaults to 'b0'.
        drop_path_rate (float): Stochastic depth in training: block k of n is passed by with
            probability ``drop_path_rate * k / n``. Defaults to 0.2, the authors'.
        norm_cfg (dict, optional): The batch norm of every convolution, ``BN`` or ``SyncBN``; what
            it leaves out is filled from ``dict(type='BN', eps=1e-3, momentum=0.1)``. ``eps`` is
            that of all published weights. Defaults to None.
        with_cp (bool): Compute activations a second time in backward instead of keeping them:
            less memory, more time, same numbers. Defaults to False.
        norm_eval (bool): Keep all batch norms in eval mode while training, i.e. freeze their
            running statistics. Defaults to False.
        frozen_stages (int): Layers without training, their batch norms in eval mode. -1 freezes
            none, 0 the stem, 1 to 5 also the blocks at 1/2, 1/4, 1/8, 1/16, 1/32 of the side, 6
            everything. Defaults to -1.
        init_cfg (dict or list[dict], optional): Initialisation, in mmengine's form. Without a
            random one in it: convolutions N(0, sqrt(2 / fan_out)) as in TensorFlow, batch norms
            weight 1 and bias 0. ``dict(type='Pretrained', checkpoint=PATH)`` reads any file
            listed in :mod:`mmfake.models.backbones.efficientnet_weights`, all of its tensors or
            none; ``missing_ok=True`` in it makes a missing file a warning. Defaults to None.

    Raises:
        MMFakeError: If ``arch``, ``norm_cfg``, ``frozen_stages`` or ``init_cfg`` has a value not
            listed above; from ``init_weights`` if the file is missing, unreadable or not of this
            ``arch``.

    Examples:
        >>> import torch
        >>> from mmfake import EfficientNet
        >>> EfficientNet('b0')(torch.rand(1, 3, 224, 224)).shape
        torch.Size([1, 1280, 7, 7])
    """

    def __init__(
        self,
        arch: str = 'b0',
        drop_path_rate: float = 0.2,
        norm_cfg: Optional[Dict] = None,
        with_cp: bool = False,
        norm_eval: bool = False,
        frozen_stages: int = -1,
        init_cfg: Optional[Union[Dict, List[Dict]]] = None,
    ) -> None:
        if arch not in _ARCHS:
            raise MMFakeError(f'EfficientNet: arch={arch!r} is not one of {", ".join(_ARCHS)}.')
        super().__init__(norm_eval, init_cfg, [])
        if frozen_stages not in range(-1, 7):
            raise MMFakeError(
                f'EfficientNet: frozen_stages={frozen_stages!r} is not one of -1 to 6; set one.'
            )
        self.arch = arch
        self.norm_cfg = complete_norm_cfg('EfficientNet', norm_cfg, dict(type='BN', eps=1e-3))
        self.with_cp = with_cp
        self.frozen_stages = frozen_stages
        self._build(drop_path_rate)
        _draw_weights(self)
        self.freeze()

    def _build(self, drop_path_rate: float) -> None:
        """Add stem, blocks and top."""
        width, depth = _ARCHS[self.arch]
        depths = [math.ceil(depth * stage.blocks) for stage in _STAGES]
        self.weight_files = efficientnet_files(self.arch, depths)
        norm = self.norm_cfg
        active = dict(norm_cfg=norm, act_cfg=dict(type='SiLU'))

        channels = _widened(_STEM, width)
        same = dict(type='Conv2dAdaptivePadding')
        self.layers = nn.ModuleList([ConvModule(3, channels, 3, 2, conv_cfg=same, **active)])
        built = 0
        for stages in LAYERS:
            blocks = []
            for stage, repeats in ((_STAGES[number], depths[number]) for number in stages):
                out_channels = _widened(stage.channels, width)
                for repeat in range(repeats):
                    stride = 1 if repeat else stage.stride
                    rate = drop_path_rate * built / sum(depths)
                    shape = (channels, out_channels, stage.kernel, stride, stage.expansion)
                    blocks.append(InvertedResidual(*shape, norm, rate))
                    channels, built = out_channels, built + 1
            self.layers.append(nn.Sequential(*blocks))
        self.out_channels = _widened(_TOP, width)
        self.layers.append(ConvModule(channels, self.out_channels, 1, **active))

    def frozen_parts(self) -> List[nn.Module]:
        """List the layers of the frozen stages."""
        return list(self.layers[: self.frozen_stages + 1])

    def forward(self, x: Tensor) -> Tensor:
        """Encode pictures.

        Args:
            x (Tensor): Normalised pictures (N, 3, H, W).

        Returns:
            Tensor: Feature maps (N, out_channels, H / 32, W / 32), rounded up: 1,280 channels of
            B0, 2,560 of B7.

        Raises:
            MMFakeError: If the input is no batch of pictures.
        """
        if x.ndim != 4:
            raise MMFakeError(
                f'EfficientNet: input of shape {tuple(x.shape)} is not (N, 3, H, W); for clips use '
                "backbone=dict(type='mmfake.PerFrame', backbone=dict(type='mmfake.EfficientNet'))."
            )
        for layer in self.layers:
            for block in layer if isinstance(layer, nn.Sequential) else [layer]:
                if self.with_cp and torch.is_grad_enabled():
                    x = recompute(block, x)
                else:
                    x = block(x)
        return x


def _draw_weights(encoder: nn.Module) -> None:
    """Random weights as the authors' code draws them: normal, by what leaves a kernel's input.

    A depthwise kernel has one output for each input: dividing by all channels, as
    ``kaiming_normal_`` does, would make it tiny.
    """
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
