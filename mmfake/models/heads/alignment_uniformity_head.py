"""Alignment and uniformity losses on the unit sphere (arXiv 2005.10242), within classes."""

from __future__ import annotations

import math
from typing import Dict

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from mmengine.model import BaseModule
from torch import Tensor

from ...errors import MMFakeError
from .targets import labels_of


@MODELS.register_module()
class AlignmentUniformityHead(BaseModule):
    r"""Draws embeddings of one class together and spreads all of them over the sphere.

    `Understanding Contrastive Representation Learning through Alignment and Uniformity on the
    Hypersphere <https://arxiv.org/abs/2005.10242>`_ (Sec. 4.2), where the positive pairs are all
    pairs of one class, as GenD (yermandy/GenD) has it. Over pairs i < j of a batch of unit
    vectors z,

    .. math::

        L_{align} = \mathrm{mean}_{y_i = y_j} \|z_i - z_j\|^2, \quad
        L_{unif} = \log \mathrm{mean}\, e^{-t \|z_i - z_j\|^2}

    It has no weights and is the ``head`` of a stream, beside its ``cls_head``. The pairs are those
    of the frames that one process has in a batch, so a run on several processes is not that of one
    with the batch of all. A batch without a pair gives a zero that still has a graph.

    Args:
        alignment (float): Weight of the alignment loss, 0 for none. Defaults to 0.1, GenD's.
        uniformity (float): Weight of the uniformity loss, 0 for none. Defaults to 0.5, GenD's.
        t (float): Sharpness of the uniformity loss. Defaults to 2.0.
        label_key (str): Field of the data sample with the class. Defaults to 'label_bin'.

    Raises:
        MMFakeError: If a weight is negative or ``t`` is not positive.
    """

    def __init__(
        self,
        alignment: float = 0.1,
        uniformity: float = 0.5,
        t: float = 2.0,
        label_key: str = 'label_bin',
    ) -> None:
        super().__init__()
        if alignment < 0 or uniformity < 0 or t <= 0:
            raise MMFakeError(
                f'AlignmentUniformityHead: alignment={alignment}, uniformity={uniformity}, t={t}; '
                'the weights must not be negative, and t must be positive.'
            )
        self.alignment = alignment
        self.uniformity = uniformity
        self.t = t
        self.label_key = label_key

    def loss(
        self, embedding: Tensor, data_samples: SampleList, clips: int = 1
    ) -> Dict[str, Tensor]:
        """Both losses, weighted.

        Args:
            embedding (Tensor): ``(N, C)``, of any length.
            data_samples (list[:obj:`ActionDataSample`]): N samples with the class.
            clips (int): Frames of a video, unused: they are rows like others. Defaults to 1.

        Returns:
            dict[str, Tensor]: ``loss_alignment``, ``loss_uniformity``; one of weight 0 is absent.
        """
        labels = labels_of(data_samples, self.label_key, embedding.device)  # (N,)
        with torch.autocast(embedding.device.type, enabled=False):
            z = F.normalize(embedding.float(), dim=1)  # (N, C)
            first, second = torch.triu_indices(len(z), len(z), offset=1, device=z.device)
            distance = 2 - 2 * (z @ z.T)[first, second]  # (pairs,), squared
            losses = {}
            if self.alignment:  # with a mask, as a selection would have to wait for a GPU
                same = labels[first] == labels[second]  # (pairs,)
                mean = (distance * same).sum() / same.sum().clamp(min=1)
                losses['loss_alignment'] = self.alignment * mean
            if self.uniformity:
                pairs = len(distance)
                spread = torch.logsumexp(-self.t * distance, 0) - math.log(max(pairs, 1))
                losses['loss_uniformity'] = self.uniformity * (spread if pairs else z.sum() * 0.0)
        return losses
