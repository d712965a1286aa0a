"""The four-branch block of S3D."""

from __future__ import annotations

from typing import Tuple

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from .separable_conv3d import SeparableConv3d


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
        pointwise = dict(kernel_size=1, conv_cfg=dict(type='Conv3d'), norm_cfg=norm_cfg)
        # branch0 is a Sequential of one so that its names are those of the weight files
        self.branch0 = nn.Sequential(ConvModule(in_channels, b0, **pointwise))
        self.branch1 = nn.Sequential(
            ConvModule(in_channels, b1a, **pointwise), SeparableConv3d(b1a, b1b, 3, norm_cfg)
        )
        self.branch2 = nn.Sequential(
            ConvModule(in_channels, b2a, **pointwise), SeparableConv3d(b2a, b2b, 3, norm_cfg)
        )
        self.branch3 = nn.Sequential(
            nn.MaxPool3d(3, stride=1, padding=1), ConvModule(in_channels, b3, **pointwise)
        )
        self.out_channels = b0 + b1b + b2b + b3

    def forward(self, x: Tensor) -> Tensor:
        """Run the four branches and join their channels in order.

        Args:
            x (Tensor): (N, in_channels, T, H, W).

        Returns:
            Tensor: (N, out_channels, T, H, W).
        """
        branches = (self.branch0, self.branch1, self.branch2, self.branch3)
        return torch.cat([branch(x) for branch in branches], dim=1)
