"""Evidence for a verdict: Grad-CAM saliency and strips of frames."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import cv2
import matplotlib
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.recognizers.pooling import last_map
from .clip_pipeline import Clip
from .decision import Decision
from .detector import Detector
from .trained_model import TrainedModel
from .video_tally import VideoTally

_COLORMAP = 'viridis'  # rises in lightness for every eye


class Saliency:
    """Paint over a clip what speaks for a manipulation, or for an original.

    Where the model names a layer (``saliency_layer()``: S3D's, with a classifier whose gradient
    reaches the encoder) this is Grad-CAM there. The classifiers of the contrastive regimes sit
    behind a neck that cuts the gradient, and other backbones name no layer: there it is the
    gradient of the classifier at the embedding times the last feature map, which is Grad-CAM of
    that map, without going through the encoder. A backbone that gives tokens or pooled features
    has no map, so nothing is painted, and an exported model gives no gradient.

    Args:
        model (Detector): The detector; it is left as it is.

    Attributes:
        method (str): Which of these, in words for a report.
    """

    def __init__(self, model: Detector) -> None:
        self._trained = model if isinstance(model, TrainedModel) else None
        if self._trained is None:
            self.method = 'not shown, as an exported model gives no gradient'
            return
        self.method = 'gradient of the classifier times the last feature map'
        network = self._trained.model
        if network.saliency_layer() is not None:
            self.method = f'Grad-CAM at layer {network.backbone.saliency_layer}'

    def paint(self, clip: Clip, label: int) -> Optional[np.ndarray]:
        """Paint a clip.

        Args:
            clip (Clip): With its inputs and pictures.
            label (int): 1 for what speaks for a manipulation, 0 for an original.

        Returns:
            np.ndarray | None: (T, H, W, 3) uint8 RGB, its pictures under a colour map, brighter
            where more speaks for it; each clip on its own scale. None if nothing does, or the
            backbone gives no map.
        """
        if self._trained is None:
            return None
        pictures = np.stack(clip.pictures) / 255  # (T, H, W, 3)
        salient = self.find(clip.inputs, label)  # (1, 1, T', H', W')
        if salient is None:
            self.method = 'not shown, as this encoder gives no feature map'
            return None
        size = pictures.shape[:3]
        salient = F.interpolate(salient, size, mode='trilinear', align_corners=False)[0, 0]
        low, high = salient.min(), salient.max()
        if not high - low > 1e-20:
            return None
        colors = matplotlib.colormaps[_COLORMAP](((salient - low) / (high - low)).cpu().numpy())
        return np.rint(255 * (0.5 * colors[..., :3] + 0.5 * pictures)).astype(np.uint8)

    def find(self, inputs: Tensor, label: int) -> Optional[Tensor]:
        """Find what speaks for a label.

        Args:
            inputs (Tensor): (C, T, H, W) of a clip or (C, H, W) of a frame.
            label (int): As in :meth:`paint`.

        Returns:
            Tensor | None: (1, 1, T', H', W'), at least 0, T' = 1 of a frame; None without a map.
        """
        layer = self._trained.model.saliency_layer()
        found = self._last_map(inputs, label) if layer is None else self._cam(inputs, label, layer)
        if found is None:
            return None
        gradient, activation = (
            part.float() for part in found
        )  # (1, C, [T',] H', W') each, or the gradient (1, C)
        if gradient.ndim == 2:
            gradient = gradient.reshape(*gradient.shape, *[1] * (activation.ndim - 2))
        weights = gradient.mean(dim=(-2, -1), keepdim=True)  # of each time step, as mmaction2's
        salient = F.relu((weights * activation).sum(dim=1, keepdim=True))
        return salient[:, :, None] if salient.ndim == 4 else salient

    def _cam(self, inputs: Tensor, label: int, layer: nn.Module) -> Tuple[Tensor, Tensor]:
        """Gradient and activation at a layer, without touching a parameter's gradient."""
        kept: List[Tensor] = []

        def keep(module: nn.Module, given: Any, output: Tensor) -> Tensor:
            kept.append(output.detach().requires_grad_(True))  # the gradient is asked from here on
            return kept[0].clone()  # for whoever changes it in place

        handle = layer.register_forward_hook(keep)
        try:
            with torch.enable_grad():
                of_all = self._trained.model.classify(self._trained.preprocess(inputs[None]))
                logits = next(iter(of_all.values()))[0]  # (2,)
                # for the label and against the other: as the probability, where that saturates too
                (gradient,) = torch.autograd.grad(logits[label] - logits[1 - label], kept)
        finally:
            handle.remove()
        return gradient, kept[0].detach()

    def _last_map(self, inputs: Tensor, label: int) -> Optional[Tuple[Tensor, Tensor]]:
        """Gradient at what the classifier reads, and the last feature map."""
        model = self._trained.model
        inputs = self._trained.preprocess(inputs[None])
        with torch.no_grad():
            activation = last_map(model.extract_feat(inputs, stage='backbone')[0])
            read, _ = model.extract_feat(inputs, test_mode=True)
        channels = 0 if activation is None else activation.shape[1]
        if not 0 < channels <= read.shape[1]:
            return None
        read = read.detach().requires_grad_(True)
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(model.cls_head(read)[0, label], read)
        return gradient[:, -channels:], activation  # of several pathways: that of the last


_TILE = 96  # px; a single frame is shown twice as large
_TILES = 8  # of a clip, evenly spread


class Strip(NamedTuple):
    """A clip in a few frames, above them what is seen and below what drove the score.

    Attributes:
        which (str): ``'highest'`` or ``'lowest'``.
        score (float): Of the clip.
        start (float): When it begins, s.
        end (float): When it ends, s.
        speaks_for (str): What the bright places speak for, ``'original'`` or ``'manipulated'``;
            empty if nothing does, and no places are shown.
        jpeg (bytes): The picture.
        person (int): Number of the person in the video. Defaults to 0.
    """

    which: str
    score: float
    start: float
    end: float
    speaks_for: str
    jpeg: bytes
    person: int = 0


def make_strips(tally: VideoTally, saliency: Saliency, decision: Decision) -> List[Strip]:
    """Picture the clips with the highest and the lowest score of a video.

    Args:
        tally (VideoTally): A complete video.
        saliency (Saliency): Finds what drove the score.
        decision (Decision): Says what the score of a clip speaks for.

    Returns:
        list[Strip]: The highest first; one if all scores are equal, none without a clip.
    """
    extremes: Dict[str, Any] = tally.extremes
    if extremes and extremes['highest'][0] == extremes['lowest'][0]:
        extremes = dict(highest=extremes['highest'])
    strips = []
    for which, (score, clip) in extremes.items():
        seen = np.stack(clip.pictures)  # (T, H, W, 3)
        chosen = np.linspace(0, len(seen) - 1, min(_TILES, len(seen))).round().astype(int)
        verdict = decision.verdict(score)
        painted = saliency.paint(clip, int(verdict == 'manipulated'))
        rows = [seen[chosen]] if painted is None else [seen[chosen], painted[chosen]]
        speaks_for = '' if painted is None else verdict
        place = (clip.start, clip.end, speaks_for)
        strips.append(Strip(which, score, *place, _jpeg(rows), clip.person))
    return strips


def _jpeg(rows: List[np.ndarray]) -> bytes:
    """Tile pictures, (rows, columns, H, W, 3)."""
    side = _TILE if len(rows[0]) > 1 else 2 * _TILE
    tiled = [
        np.hstack([cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in row])
        for row in rows
    ]
    picture = np.ascontiguousarray(np.vstack(tiled)[..., ::-1])
    return cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
