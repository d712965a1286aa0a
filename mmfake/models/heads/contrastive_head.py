"""Contrastive projection head (MoCo v2)."""

from __future__ import annotations

from typing import Dict, Optional

import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...errors import MMFakeError
from ..labelled_queue import LabelledQueue, videos_of
from ..losses.multi_instance_info_nce_loss import contrast_sets
from .targets import labels_of


@MODELS.register_module()
class ContrastiveHead(BaseModule):
    """MLP projection onto the unit sphere, contrasted with a labelled queue of past keys.

    "Inspired by MoCo v2, we use an MLP head after the encoder wherever L_contrast is involved"
    (arXiv 2308.13503, 2.1.2); each stream has its own. The queue belongs to
    :class:`mmfake.LabelMoCoHook`, which attaches it before training; this head only reads it.

    Args:
        in_channels (int): Length of the embedding. Defaults to 1024.
        out_channels (int): Length D of a key. Defaults to 128.
        label_key (str): Field of the data sample whose label decides what is a positive.
            Defaults to 'gt_label'.
        loss (dict, optional): Config of the loss. Defaults to None, which means
            ``dict(type='mmfake.MultiInstanceInfoNCELoss')``.
        init_cfg (dict, optional): Defaults to None, PyTorch's own initialisation.
    """

    def __init__(
        self,
        in_channels: int = 1024,
        out_channels: int = 128,
        label_key: str = 'gt_label',
        loss: Optional[Dict] = None,
        init_cfg: Optional[Dict] = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.out_channels = out_channels
        self.label_key = label_key
        # MoCo v2: one hidden layer as wide as the embedding, no batch norm
        self.projection = nn.Sequential(
            nn.Linear(in_channels, in_channels),
            nn.ReLU(inplace=True),
            nn.Linear(in_channels, out_channels),
        )
        self.contrast = MODELS.build(loss or dict(type='mmfake.MultiInstanceInfoNCELoss'))
        self.queue: Optional[LabelledQueue] = None

    def forward(self, embedding: Tensor) -> Tensor:
        """Project embeddings ``(N, in_channels)`` to unit vectors ``(N, D)`` in float32."""
        return F.normalize(self.projection(embedding).float(), dim=1)

    def loss(self, embedding: Tensor, data_samples: SampleList) -> Dict[str, Tensor]:
        """Equation 1 against the queue, and what the log shows of it.

        Args:
            embedding (Tensor): ``(N, in_channels)``.
            data_samples (list[:obj:`ActionDataSample`]): N samples with the label and,
                where an anchor's own video is excluded, ``video_id`` or ``sample_idx``.

        Returns:
            dict[str, Tensor]: ``loss_contrast``; ``queue_fill`` (share of filled slots),
            ``queue_anchors`` (share of anchors with a positive) and the mean cosine of such pairs,
            ``queue_sim_pos`` and ``queue_sim_neg``, NaN where there are none.

        Raises:
            MMFakeError: If no hook has attached a queue, or labels are soft.
        """
        if self.queue is None:
            raise MMFakeError(
                'The model has a ContrastiveHead, but no LabelMoCoHook fills its queue; add '
                "dict(type='mmfake.LabelMoCoHook') to custom_hooks or remove the ContrastiveHead."
            )
        query = self(embedding)  # (N, D)
        queue = self.queue
        labels = labels_of(data_samples, self.label_key, query.device)  # (N,)
        ignore = None
        if queue.exclude_own_video:
            ignore = queue.own_video(videos_of(data_samples, query.device))  # (N, K)
        loss = self.contrast(query, labels, queue.keys, queue.labels, ignore)

        positive, negative = contrast_sets(labels, queue.labels, ignore)
        similarity = query.detach() @ queue.keys.T  # (N, K)
        return dict(
            loss_contrast=loss,
            queue_fill=query.new_full((), queue.fill),
            queue_anchors=positive.any(dim=1).float().mean(),
            # masks in place of indices, whose number the host would wait for
            queue_sim_pos=(similarity * positive).sum() / positive.sum(),
            queue_sim_neg=(similarity * negative).sum() / negative.sum(),
        )
