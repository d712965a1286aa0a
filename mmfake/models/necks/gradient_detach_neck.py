"""The neck that cuts the gradient between encoder and classifier."""

from __future__ import annotations

from typing import Optional, Tuple

from mmaction.registry import MODELS
from mmaction.utils import SampleList
from mmengine.model import BaseModule
from torch import Tensor


@MODELS.register_module()
class GradientDetachNeck(BaseModule):
    """Passes features on and lets no gradient back.

    In the contrastive regimes of arXiv 2308.13503 a standalone classifier monitors the encoder;
    its cross entropy trains the classifier, and "these gradients are cut off at the classifier".
    """

    def forward(self, x: Tensor, data_samples: Optional[SampleList] = None) -> Tuple[Tensor, dict]:
        """Detach.

        Args:
            x (Tensor): Features of any shape.
            data_samples (list[:obj:`ActionDataSample`], optional): Unused; mmaction2's necks take
                it. Defaults to None.

        Returns:
            tuple[Tensor, dict]: The detached features and no auxiliary loss.
        """
        return x.detach(), {}
