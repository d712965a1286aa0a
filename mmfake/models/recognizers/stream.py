"""Stream of a multi-task recognizer: the heads that learn under one definition of the target."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from mmaction.registry import MODELS
from mmaction.utils import OptSampleList, SampleList
from mmengine.model import BaseModule
from torch import Tensor

from ...errors import MMFakeError
from .pooling import Features, last_map


class Stream(BaseModule):
    """The heads that learn under one definition of the target.

    Args:
        cls_head (dict, optional): Config of the classifier. Defaults to None.
        contrastive_head (dict, optional): Config of the projection head. Defaults to None.
        neck (dict, optional): Config of a neck between the embedding and the CLASSIFIER; the
            other heads read the embedding itself. Defaults to None.
        head (dict, optional): Config of any other head, a module with
            ``loss(features, data_samples, clips=M) -> dict`` for N*M rows, the M clips of a video
            together. Defaults to None.
        reads (str): What ``head`` reads: ``'embedding'`` ``(N*M, C)``, or ``'map'``, the last
            feature map of the backbone ``(N*M, C, T, H, W)`` or ``(N*M, C, H, W)``.
            Defaults to 'embedding'.
        weight (float): Factor on the losses of all heads of the stream. Defaults to 1.0.

    Raises:
        MMFakeError: If ``reads`` is something else.
    """

    def __init__(
        self,
        cls_head: Optional[Dict] = None,
        contrastive_head: Optional[Dict] = None,
        neck: Optional[Dict] = None,
        head: Optional[Dict] = None,
        reads: str = 'embedding',
        weight: float = 1.0,
    ) -> None:
        super().__init__()
        if reads not in ('embedding', 'map'):
            raise MMFakeError(f"stream: reads={reads!r} is unknown; set 'embedding' or 'map'.")
        self.neck = MODELS.build(neck) if neck else None
        self.cls_head = MODELS.build(cls_head) if cls_head else None
        self.contrastive_head = MODELS.build(contrastive_head) if contrastive_head else None
        self.head = MODELS.build(head) if head else None
        self.reads = reads
        self.weight = weight

    def classifier_input(
        self, embedding: Tensor, data_samples: OptSampleList = None
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """What the classifier reads, behind the neck, and the losses of the neck."""
        if self.neck is None:
            return embedding, {}
        return self.neck(embedding, data_samples=data_samples)

    def classify(self, embedding: Tensor) -> Tensor:
        """Logits ``(N, num_classes)`` of embeddings ``(N, C)``."""
        return self.cls_head(self.classifier_input(embedding)[0])

    def loss(
        self, features: Features, embedding: Tensor, data_samples: SampleList, clips: int
    ) -> Dict[str, Tensor]:
        """Losses and monitors of every head of the stream.

        Args:
            features (Tensor | Sequence): What the backbone gives.
            embedding (Tensor): ``(N*M, C)``, pooled of it.
            data_samples (list[:obj:`ActionDataSample`]): N*M samples.
            clips (int): Clips M of a video.

        Raises:
            MMFakeError: If a head reads the feature map of a backbone that has none.
        """
        losses: Dict[str, Tensor] = {}
        if self.cls_head is not None:
            read, auxiliary = self.classifier_input(embedding, data_samples)
            losses.update(auxiliary)
            losses.update(self.cls_head.loss(read, data_samples))
        if self.contrastive_head is not None:
            losses.update(self.contrastive_head.loss(embedding, data_samples))
        if self.head is not None:
            read = embedding if self.reads == 'embedding' else last_map(features)
            if read is None:
                raise MMFakeError(
                    f"stream: {type(self.head).__name__} reads the feature map (reads='map'), but "
                    "the backbone gives pooled features or tokens; set reads='embedding'."
                )
            losses.update(self.head.loss(read, data_samples, clips=clips))
        if self.weight != 1:  # mmengine sums what has "loss" in its name, the rest is for the log
            for key in losses:
                losses[key] = losses[key] * self.weight if 'loss' in key else losses[key]
        return losses
