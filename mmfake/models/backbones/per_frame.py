"""Per-frame encoding: time folded into the batch, so that a 2-D encoder takes clips."""

from __future__ import annotations

from typing import Dict, Optional

from mmaction.registry import MODELS
from mmaction.utils import ConfigType
from mmengine.model import BaseModule
from torch import Tensor

from ...errors import MMFakeError
from ..recognizers.pooling import Features


@MODELS.register_module()
class PerFrame(BaseModule):
    """Run an encoder of pictures on every frame of a clip.

    A detector of frames is thus a detector of clips of one frame (``clip_len=1``), whose scores
    the head averages over the ``num_clips`` frames of a video. With longer clips the embeddings of
    their frames are averaged before the head.

    ============================ ===========================================================
    the encoder gives of a frame this gives of a clip of T frames
    ============================ ===========================================================
    map ``(N*T, C, H, W)``       ``(N, C, T, H, W)``
    vector ``(N*T, C)``          ``(N, T, C)``, a token for each frame; pooling takes the mean
    tokens ``(N*T, L, C)``       ``(N, L, C)`` if T = 1, else refused
    tuple or list                a tuple of these
    ============================ ===========================================================

    Initialisation, freezing (``frozen_stages``, ``norm_eval``) and recomputation (``with_cp``) are
    those of the encoder and are set in its config.

    Args:
        backbone (dict): Config of a 2-D encoder: :class:`mmfake.EfficientNet`, one of mmaction2
            such as ``ResNet``, or any other that takes ``(N, C, H, W)``.
        init_cfg (dict, optional): Defaults to None, what the encoder does by itself.

    Raises:
        MMFakeError: From ``forward``, for anything but clips, for tokens of several frames, and for
            clips that an encoder with ``num_segments``, such as a TSM, does not divide.

    Examples:
        >>> import torch
        >>> from mmfake import PerFrame
        >>> encoder = PerFrame(dict(type='MobileNetV2'))
        >>> encoder(torch.rand(2, 3, 5, 64, 64)).shape
        torch.Size([2, 1280, 5, 2, 2])
    """

    def __init__(self, backbone: ConfigType, init_cfg: Optional[Dict] = None) -> None:
        super().__init__(init_cfg)
        self.backbone = MODELS.build(backbone)

    def forward(self, x: Tensor) -> Features:
        """Encode clips ``(N, C, T, H, W)`` frame by frame.

        Raises:
            MMFakeError: If the input has no time axis, the encoder gives something else than listed
                above, or would take frames of two clips together.
        """
        if x.ndim != 5:
            raise MMFakeError(
                f'PerFrame: input of shape {tuple(x.shape)} is not (N, C, T, H, W); set '
                "FormatShape(input_format='NCTHW') in the pipelines and format_shape='NCTHW' in "
                'the data preprocessor.'
            )
        clips, frames = x.shape[0], x.shape[2]
        segments = getattr(self.backbone, 'num_segments', None) or 1
        if frames % segments:  # or it would take frames of two videos together
            raise MMFakeError(
                f'PerFrame: {type(self.backbone).__name__} takes num_segments={segments} frames '
                f'together, and a clip has {frames}: set clip_len to {segments}, or num_segments.'
            )
        x = x.transpose(1, 2).flatten(0, 1)  # (N, C, T, H, W) -> (N*T, C, H, W)
        return self._unfold(self.backbone(x), clips, frames)

    def _unfold(self, features: Features, clips: int, frames: int) -> Features:
        """Part the frames of a batch into those of each clip again."""
        if not isinstance(features, Tensor):
            return tuple(self._unfold(item, clips, frames) for item in features)
        if features.ndim == 4:
            return features.unflatten(0, (clips, frames)).transpose(1, 2)  # (N, C, T, H, W)
        if features.ndim == 2:
            return features.unflatten(0, (clips, frames))  # (N, T, C)
        if features.ndim == 3 and frames == 1:
            return features
        raise MMFakeError(
            f'PerFrame: {type(self.backbone).__name__} gives a tensor of shape '
            f'{tuple(features.shape)} for {clips} clips of {frames} frames; maps (N, C, H, W) and '
            'vectors (N, C) are taken, and tokens (N, L, C) of clips of one frame (clip_len=1).'
        )
