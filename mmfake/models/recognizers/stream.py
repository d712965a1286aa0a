"""One of the two streams behind the encoder."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from mmaction.registry import MODELS
from mmaction.utils import OptSampleList, SampleList
from mmengine.model import BaseModule
from torch import Tensor


class Stream(BaseModule):
    """The heads that read the embedding under one definition of the label.

    Args:
        cls_head (dict, optional): Config of the classifier. Defaults to None.
        contrastive_head (dict, optional): Config of the projection head. Defaults to None.
        neck (dict, optional): Config of a neck between the embedding and the CLASSIFIER; the
            projection head reads the embedding itself. Defaults to None.
    """

    def __init__(
        self,
        cls_head: Optional[Dict] = None,
        contrastive_head: Optional[Dict] = None,
        neck: Optional[Dict] = None,
    ) -> None:
        super().__init__()
        self.neck = MODELS.build(neck) if neck else None
        self.cls_head = MODELS.build(cls_head) if cls_head else None
        self.contrastive_head = MODELS.build(contrastive_head) if contrastive_head else None

    def classifier_input(
        self, embedding: Tensor, data_samples: OptSampleList = None
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """What the classifier reads, in training and at test: the embedding behind the neck.

        Args:
            embedding (Tensor): ``(N, C)``.
            data_samples (list[:obj:`ActionDataSample`], optional): N samples, for a neck with a
                loss of its own. Defaults to None.

        Returns:
            tuple[Tensor, dict]: The features and the auxiliary losses of the neck.
        """
        if self.neck is None:
            return embedding, {}
        return self.neck(embedding, data_samples=data_samples)

    def loss(self, embedding: Tensor, data_samples: SampleList) -> Dict[str, Tensor]:
        """Losses and monitors of every head of the stream.

        Args:
            embedding (Tensor): ``(N, C)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples.
        """
        losses: Dict[str, Tensor] = {}
        if self.cls_head is not None:
            features, auxiliary = self.classifier_input(embedding, data_samples)
            losses.update(auxiliary)
            losses.update(self.cls_head.loss(features, data_samples))
        if self.contrastive_head is not None:
            losses.update(self.contrastive_head.loss(embedding, data_samples))
        return losses
