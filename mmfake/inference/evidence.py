"""Evidence for a verdict: Grad-CAM saliency and strips of frames."""

from __future__ import annotations

import copy
import warnings
from typing import Any, Dict, List, NamedTuple, Optional

import cv2
import matplotlib
import numpy as np
import torch
import torch.nn.functional as F
from mmaction.structures import ActionDataSample
from mmaction.utils import GradCAM
from torch import Tensor

from ..models.backbones.s3d import S3D
from .trained_model import Decision, TrainedModel
from .video_scan import VideoTally

_LAYER = 'backbone/Mixed_4f'  # the last at 1/16 of the side; behind it a clip has 4 x 4 cells
_COLORMAP = 'viridis'  # rises in lightness for every eye


class Saliency:
    """Paint over a clip what speaks for a manipulation, or for an original.

    With S3D and a classifier whose gradient reaches the encoder this is mmaction2's ``GradCAM``.
    The classifiers of the contrastive regimes sit behind a neck that cuts the gradient, and other
    backbones have other layers: there it is the gradient of the classifier at the embedding times
    the last feature map, which is Grad-CAM of that layer, without going through the encoder.

    Args:
        model (TrainedModel): The detector; it is left as it is.

    Attributes:
        method (str): Which of the two, in words for a report.
    """

    def __init__(self, model: TrainedModel) -> None:
        self._trained = model
        self._cam: Optional[GradCAM] = None
        recognizer = model.model
        if isinstance(recognizer.backbone, S3D) and recognizer.binary.neck is None:
            # a copy: GradCAM leaves hooks behind and changes how the head averages
            watched = copy.deepcopy(recognizer).requires_grad_(True)
            self._cam = GradCAM(watched, _LAYER, colormap=_COLORMAP)
            self.method = "mmaction2's Grad-CAM at layer Mixed_4f"
        else:
            self.method = 'gradient of the classifier times the last feature map'

    def paint(self, clip: Tensor, label: int) -> Optional[np.ndarray]:
        """Paint a clip.

        Args:
            clip (Tensor): (C, T, H, W) uint8 RGB.
            label (int): 1 for what speaks for a manipulation, 0 for an original.

        Returns:
            np.ndarray | None: (T, H, W, 3) uint8 RGB, the clip under a colour map, brighter where
            more speaks for it; each clip on its own scale. None if nothing does.
        """
        picture = clip.permute(1, 2, 3, 0).cpu().numpy() / 255  # (T, H, W, 3)
        if self._cam is None:
            colors = matplotlib.colormaps[_COLORMAP](self._last_map(clip, label).numpy())
            blended = 0.5 * colors[..., :3] + 0.5 * picture  # as GradCAM blends
        else:
            sample = ActionDataSample().set_gt_label(label)
            data = dict(inputs=[clip[None]], data_samples=[sample])
            with warnings.catch_warnings():
                # it asks for the deprecated kind of hook; only grad_output is read, which is right
                warnings.simplefilter('ignore', FutureWarning)
                painted, _ = self._cam(data, use_labels=True)
            blended = painted[0].detach().cpu().numpy()
        if np.ptp((blended - 0.5 * picture).reshape(-1, 3), axis=0).max() < 1e-3:
            return None  # one colour
        return np.rint(255 * np.clip(blended, 0, 1)).astype(np.uint8)

    def _last_map(self, clip: Tensor, label: int) -> Tensor:
        """Saliency from the last feature map, (T, H, W) from 0 to 1."""
        model = self._trained.model
        data = model.data_preprocessor(dict(inputs=[clip[None]], data_samples=None), False)
        with torch.no_grad():
            features, _ = model.extract_feat(data['inputs'], stage='backbone')
            if isinstance(features, (tuple, list)):  # of several pathways: that of the last
                features = features[-1]
            embedding, _ = model.extract_feat(data['inputs'])
            read, _ = model.binary.classifier_input(embedding)
        read = read.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(model.cls_head(read)[0, label], read)
        weights = gradient[:, -features.shape[1] :, None, None, None]  # (1, C, 1, 1, 1)
        salient = F.relu((weights * features).sum(dim=1, keepdim=True))
        salient = F.interpolate(salient, clip.shape[1:], mode='trilinear', align_corners=False)[
            0, 0
        ]
        low, high = salient.min(), salient.max()
        return ((salient - low) / (high - low).clamp(min=1e-20)).cpu()


_TILE = 96  # px
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
        seen = clip.inputs.permute(1, 2, 3, 0).numpy()  # (T, H, W, 3)
        chosen = np.linspace(0, len(seen) - 1, min(_TILES, len(seen))).round().astype(int)
        verdict = decision.verdict(score)
        painted = saliency.paint(clip.inputs, int(verdict == 'manipulated'))
        rows = [seen[chosen]] if painted is None else [seen[chosen], painted[chosen]]
        speaks_for = '' if painted is None else verdict
        place = (clip.start, clip.end, speaks_for)
        strips.append(Strip(which, score, *place, _jpeg(rows), clip.person))
    return strips


def _jpeg(rows: List[np.ndarray]) -> bytes:
    """Tile pictures, (rows, columns, H, W, 3)."""
    tiled = [
        np.hstack([cv2.resize(p, (_TILE, _TILE), interpolation=cv2.INTER_AREA) for p in row])
        for row in rows
    ]
    picture = np.ascontiguousarray(np.vstack(tiled)[..., ::-1])
    return cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
