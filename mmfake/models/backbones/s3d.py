"""S3D: separable 3D Inception network (arXiv 1712.04851) and its blocks."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple, Union

import torch
from mmaction.registry import MODELS
from mmcv.cnn import ConvModule, build_activation_layer, build_conv_layer, build_norm_layer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.utils import _triple

from ...errors import MMFakeError
from .pretrained_encoder import PretrainedEncoder, complete_norm_cfg, recompute
from .s3d_weights import S3D_FILES


class Conv3d(nn.Conv3d):
    """Convolution that goes around two weak places of a CPU.

    - On one thread torch (2.1 to 2.13) multiplies matrices itself where the kernel is one pixel
      wide and the batch below 16: in up to four times the time of oneDNN, and out of channels-last
      order, in which pooling then takes 15 times as long. Steps between taps (dilation) along a
      side that has one tap change no number, and with them it asks oneDNN. Of a test this is done
      on any number of threads, of a training in float32 on one: on more, torch asks by itself.
    - Where a kernel has more taps than there are frames, oneDNN's gradient in bfloat16 is made of
      memory that nobody has written (torch 2.13). There the frames are padded before it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(N, C, T, H, W)``."""
        if x.device.type != 'cpu' or _is_traced():
            return super().forward(x)
        frames, *sides = self.padding
        if self.training and x.dtype == torch.bfloat16 and self.kernel_size[0] > x.shape[2]:
            x = F.pad(x, (0, 0, 0, 0, frames, frames))
            return F.conv3d(x, self.weight, self.bias, self.stride, (0, *sides))
        asks = not self.training or (x.dtype == torch.float32 and torch.get_num_threads() == 1)
        if asks and self.kernel_size[1:] == (1, 1):
            steps = (2 if self.kernel_size[0] == 1 else 1, 2, 2)
            return F.conv3d(x, self.weight, self.bias, self.stride, self.padding, steps)
        return super().forward(x)


_CONV = f'{Conv3d.__module__}.Conv3d'  # mmcv 2.0.0 takes names alone


def _is_traced() -> bool:
    """Whether the calls make a graph for elsewhere, as the exporters of ONNX do."""
    compiles = getattr(torch.compiler, 'is_compiling', lambda: False)  # torch 2.1 has none
    return torch.jit.is_tracing() or torch.onnx.is_in_onnx_export() or compiles()


class MaxPool3d(nn.MaxPool3d):
    """Max-pooling that is deterministic where it is asked to be, and stays in half precision.

    The gradient of torch's is not deterministic on a GPU: many versions refuse it. So under
    ``torch.use_deterministic_algorithms`` the maximum is taken over space and then over time, each
    as a 2-D pooling, whose gradient on contiguous maps is gathered and not scattered. The value is
    the same bit for bit, and so is the gradient but for the order of its sums.

    The autocast of a CPU pools in float32, and the convolutions behind convert it back. The maximum
    is the same without, as on a GPU, and a training step takes 0.85 times as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Pool ``(N, C, T, H, W)``."""
        if x.device.type == 'cpu' and x.dtype == torch.bfloat16:
            with torch.autocast('cpu', enabled=False):
                return self._pool(x)
        return self._pool(x)

    def _pool(self, x: Tensor) -> Tensor:
        if not torch.are_deterministic_algorithms_enabled():
            return super().forward(x)
        kernel, stride, padding = map(_triple, (self.kernel_size, self.stride, self.padding))
        frames = x.transpose(1, 2).flatten(0, 1).contiguous()  # (N*T, C, H, W)
        frames = F.max_pool2d(frames, kernel[1:], stride[1:], padding[1:])
        x = frames.unflatten(0, (len(x), x.shape[2])).transpose(1, 2)  # (N, C, T, H', W')
        if kernel[0] == 1:
            return x
        columns = x.flatten(3).contiguous()  # (N, C, T, H' * W')
        columns = F.max_pool2d(columns, (kernel[0], 1), (stride[0], 1), (padding[0], 0))
        return columns.unflatten(3, x.shape[3:])  # (N, C, T', H', W')


class SeparableConv3d(nn.Module):
    """A k x k x k convolution split into a spatial and a temporal half.

    The "separable" convolution of `Rethinking Spatiotemporal Feature Learning
    <https://arxiv.org/abs/1712.04851>`_ (Sec. 4.3): (1, k, k), then (k, 1, 1), each followed by
    batch norm and ReLU. The channel count changes in the spatial half. Both halves live in one
    module, under the names ``conv1 bn1 conv2 bn2`` that CoCLR's weight files use.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        kernel_size (int): Side k of the kernel, in frames and in pixels; odd.
        norm_cfg (dict): A batch norm for 5D input, in mmcv's form.
        stride (int): Stride in time and in space. Defaults to 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        norm_cfg: dict,
        stride: int = 1,
    ) -> None:
        super().__init__()
        k, s, p = kernel_size, stride, kernel_size // 2
        conv_cfg = dict(type=_CONV)
        self.conv1 = build_conv_layer(
            conv_cfg, in_channels, out_channels, (1, k, k), (1, s, s), (0, p, p), bias=False
        )
        self.bn1 = build_norm_layer(norm_cfg, out_channels)[1]
        self.conv2 = build_conv_layer(
            conv_cfg, out_channels, out_channels, (k, 1, 1), (s, 1, 1), (p, 0, 0), bias=False
        )
        self.bn2 = build_norm_layer(norm_cfg, out_channels)[1]
        self.relu = build_activation_layer(dict(type='ReLU', inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve in space, then in time; each side of the map is divided by the stride."""
        x = self.relu(self.bn1(self.conv1(x)))  # (N, C', T, H', W')
        return self.relu(self.bn2(self.conv2(x)))  # (N, C', T', H', W')


class InceptionBlock3d(nn.Module):
    """Inception block with separable convolutions (arXiv 1712.04851, Fig. 7).

    ======= ========================================================
    branch0 1x1x1 convolution
    branch1 1x1x1 convolution, separable 3x3x3 convolution
    branch2 1x1x1 convolution, separable 3x3x3 convolution
    branch3 3x3x3 max-pooling, 1x1x1 convolution
    ======= ========================================================

    Args:
        in_channels (int): Channels of the input.
        widths (tuple[int]): Channels of the six convolutions in the order of the table:
            branch0, both of branch1, both of branch2, branch3.
        norm_cfg (dict): A batch norm for 5D input, in mmcv's form.
    """

    def __init__(
        self, in_channels: int, widths: Tuple[int, int, int, int, int, int], norm_cfg: dict
    ) -> None:
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3 = widths
        pointwise = dict(kernel_size=1, conv_cfg=dict(type=_CONV), norm_cfg=norm_cfg)
        # branch0 is a Sequential of one so that its names are those of the weight files
        self.branch0 = nn.Sequential(ConvModule(in_channels, b0, **pointwise))
        self.branch1 = nn.Sequential(
            ConvModule(in_channels, b1a, **pointwise), SeparableConv3d(b1a, b1b, 3, norm_cfg)
        )
        self.branch2 = nn.Sequential(
            ConvModule(in_channels, b2a, **pointwise), SeparableConv3d(b2a, b2b, 3, norm_cfg)
        )
        self.branch3 = nn.Sequential(
            MaxPool3d(3, stride=1, padding=1), ConvModule(in_channels, b3, **pointwise)
        )
        self.out_channels = b0 + b1b + b2b + b3

    def forward(self, x: Tensor) -> Tensor:
        """Run the four branches and join their channels in order: (N, out_channels, T, H, W)."""
        branches = (self.branch0, self.branch1, self.branch2, self.branch3)
        return torch.cat([branch(x) for branch in branches], dim=1)


# Fewer pixels leave MaxPool_5a a map below its 2x2x2 window, and so do fewer than 5 frames. Of 5 to
# 7 frames oneDNN computes a wrong gradient of Conv_1a.conv2 (7 taps, stride 2) on a CPU, in torch
# 2.1 and in 2.13; at 5 it also writes past the end of its memory.
_MIN_FRAMES, _MIN_PIXELS = 8, 17

# widths of branch0, branch1 (two), branch2 (two), branch3
_MIXED = dict(
    Mixed_3b=(64, 96, 128, 16, 32, 32),  # -> 256
    Mixed_3c=(128, 128, 192, 32, 96, 64),  # -> 480
    Mixed_4b=(192, 96, 208, 16, 48, 64),  # -> 512
    Mixed_4c=(160, 112, 224, 24, 64, 64),  # -> 512
    Mixed_4d=(128, 128, 256, 24, 64, 64),  # -> 512
    Mixed_4e=(112, 144, 288, 32, 64, 64),  # -> 528
    Mixed_4f=(256, 160, 320, 32, 128, 128),  # -> 832
    Mixed_5b=(256, 160, 320, 32, 128, 128),  # -> 832
    Mixed_5c=(384, 192, 384, 48, 128, 128),  # -> 1024
)


@MODELS.register_module()
class S3D(PretrainedEncoder):
    """Separable 3D Inception encoder.

    `Rethinking Spatiotemporal Feature Learning: Speed-Accuracy Trade-offs in Video Classification
    <https://arxiv.org/abs/1712.04851>`_. 7,910,048 parameters, 11.74 G multiply-adds for a clip
    of 32 x 128 x 128. Its modules bear the names of CoCLR's S3D; pooling over the feature map and
    classifiers are the heads' part.

    Args:
        in_channels (int): Channels of a frame. Defaults to 3.
        norm_cfg (dict, optional): The batch norm of every convolution, ``BN3d`` or ``SyncBN``;
            what it leaves out is filled from ``dict(type='BN3d', eps=1e-5, momentum=0.1)``.
            ``eps`` must be that of the pre-trained weights: 1e-5 for CoCLR's files, 1e-3 for
            torchvision's and kylemin's. Defaults to None.
        with_cp (bool): Compute activations a second time in backward instead of keeping them:
            less memory, more time, same numbers. Defaults to False.
        norm_eval (bool): Keep all batch norms in eval mode while training, i.e. freeze their
            running statistics. Defaults to False.
        frozen_stages (int): Stages without training, their batch norms in eval mode. -1 freezes
            none, 0 ``Conv_1a``, 1 also ``Conv_2*``, 2 also ``Mixed_3*``, 3 also ``Mixed_4*``,
            4 everything. Defaults to -1.
        channels_last (bool, optional): Whether to compute in channels-last order of memory.
            Defaults to None: on a CPU, where a training step takes about 0.65 times as long, and
            not on a GPU, where it may gain or lose (``tools/benchmarks/gpu.py`` measures it).
        init_cfg (dict or list[dict], optional): Initialisation, in mmengine's form. Without a
            random one in it: convolutions N(0, 0.01), batch norms weight 1 and bias 0.
            ``dict(type='Pretrained', checkpoint=PATH)`` then reads any file listed in
            :mod:`mmfake.models.backbones.s3d_weights`, all of its tensors or none;
            ``missing_ok=True`` in it makes a missing file a warning. Defaults to None.

    Raises:
        MMFakeError: If ``norm_cfg``, ``frozen_stages`` or ``init_cfg`` has a value not listed
            above; from ``init_weights`` if the file is missing, unreadable or not S3D weights.

    Examples:
        >>> import torch
        >>> from mmfake import S3D
        >>> S3D()(torch.rand(1, 3, 16, 128, 128)).shape
        torch.Size([1, 1024, 2, 4, 4])
    """

    weight_files = S3D_FILES
    out_channels = 1024
    saliency_layer = 'Mixed_4f'  # the last at 1/16 of the side; behind it a clip has 4 x 4 cells

    def __init__(
        self,
        in_channels: int = 3,
        norm_cfg: Optional[Dict] = None,
        with_cp: bool = False,
        norm_eval: bool = False,
        frozen_stages: int = -1,
        channels_last: Optional[bool] = None,
        init_cfg: Optional[Union[Dict, List[Dict]]] = None,
    ) -> None:
        random_init = [
            dict(type='Normal', layer='Conv3d', std=0.01),
            dict(type='Constant', layer=['BatchNorm3d', 'SyncBatchNorm'], val=1, bias=0),
        ]
        super().__init__(norm_eval, init_cfg, random_init)
        if frozen_stages not in range(-1, 5):
            raise MMFakeError(
                f'S3D: frozen_stages={frozen_stages!r} is not one of -1, 0, 1, 2, 3, 4; set one.'
            )
        self.norm_cfg = complete_norm_cfg('S3D', norm_cfg, dict(type='BN3d', eps=1e-5))
        self.with_cp = with_cp
        self.frozen_stages = frozen_stages
        self.channels_last = channels_last
        self._build_trunk(in_channels)
        self.freeze()
        if channels_last:  # so that no convolution reorders its weights at each call
            self.to(memory_format=torch.channels_last_3d)

    def _build_trunk(self, in_channels: int) -> None:
        """Add the 16 parts of the trunk, in the order in which they run."""
        norm = self.norm_cfg
        self.Conv_1a = SeparableConv3d(in_channels, 64, 7, norm, stride=2)
        self.MaxPool_2a = MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        self.Conv_2b = ConvModule(64, 64, 1, conv_cfg=dict(type=_CONV), norm_cfg=norm)
        # mmengine lets children initialise themselves after init_cfg, and a ConvModule would
        # draw Kaiming weights: it only asks those not yet initialised
        self.Conv_2b.is_init = True
        self.Conv_2c = SeparableConv3d(64, 192, 3, norm)
        pools = {
            '3': MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            '4': MaxPool3d(3, stride=2, padding=1),
            '5': MaxPool3d(2, stride=2),
        }
        channels = 192
        for name, widths in _MIXED.items():
            number = name[-2]
            if number in pools:
                self.add_module(f'MaxPool_{number}a', pools.pop(number))
            block = InceptionBlock3d(channels, widths, norm)
            self.add_module(name, block)
            channels = block.out_channels

    def frozen_parts(self) -> List[nn.Module]:
        """List the parts of the frozen stages: Conv_1a is stage 0, Mixed_5c is in stage 4."""
        return [m for name, m in self.named_children() if int(name[-2]) - 1 <= self.frozen_stages]

    def forward(self, x: Tensor) -> Tensor:
        """Encode clips.

        The first two temporal strides round up and the last rounds down; of the five spatial
        ones only the last rounds down. 32 x 128 x 128 gives 4 x 4 x 4.

        Args:
            x (Tensor): Normalised clips (N, in_channels, T, H, W), T >= 8, H and W >= 17.

        Returns:
            Tensor: Feature maps (N, 1024, T / 8, H / 32, W / 32).

        Raises:
            MMFakeError: If the clips are too small or have no time axis.
        """
        if x.ndim != 5 or x.shape[2] < _MIN_FRAMES or min(x.shape[3:]) < _MIN_PIXELS:
            raise MMFakeError(
                f'S3D: input of shape {tuple(x.shape)} is too small or not (N, C, T, H, W): it '
                f'needs at least {_MIN_FRAMES} frames of {_MIN_PIXELS} x {_MIN_PIXELS} pixels; '
                'raise clip_len or the size in the pipeline.'
            )
        channels_last = self.channels_last
        if channels_last is None:
            # oneDNN trains in this order of memory in about 0.65 times the time, and infers in half
            channels_last = x.device.type == 'cpu'
        # the ONNX export by tracing (dynamo=False) knows no order of memory
        if channels_last and not torch.onnx.is_in_onnx_export():
            x = x.contiguous(memory_format=torch.channels_last_3d)
        for block in self.children():
            if self.with_cp and torch.is_grad_enabled():
                x = recompute(block, x)
            else:
                x = block(x)
        return x
