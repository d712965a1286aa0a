"""The spatial-then-temporal convolution of S3D."""

from __future__ import annotations

from mmcv.cnn import build_activation_layer, build_conv_layer, build_norm_layer
from torch import Tensor, nn


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
        conv_cfg = dict(type='Conv3d')
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
        """Convolve in space, then in time.

        Args:
            x (Tensor): (N, in_channels, T, H, W).

        Returns:
            Tensor: (N, out_channels, ceil(T / stride), ceil(H / stride), ceil(W / stride)).
        """
        x = self.relu(self.bn1(self.conv1(x)))  # (N, C', T, H', W')
        return self.relu(self.bn2(self.conv2(x)))  # (N, C', T', H', W')
