"""Which frames and regions drove the score of a clip."""

from __future__ import annotations

import copy
import warnings
from typing import Optional

import matplotlib
import numpy as np
import torch
import torch.nn.functional as F
from mmaction.structures import ActionDataSample
from mmaction.utils import GradCAM
from torch import Tensor

from ...models.backbones import S3D
from .trained_model import TrainedModel

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
