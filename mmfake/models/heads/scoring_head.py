"""Scoring head: what classifiers share, the average over the clips of a video."""

from __future__ import annotations

import torch.nn.functional as F
from mmaction.models.heads import BaseHead
from torch import Tensor


class ScoringHead(BaseHead):
    """A head of mmaction2 whose average over clips always ends in probabilities.

    ``average_clips='prob'`` averages the probabilities of a video's clips, ``'score'`` their
    logits, None gives one row per clip.
    """

    def average_clip(self, cls_scores: Tensor, num_segs: int = 1) -> Tensor:
        """Turn the logits of the clips into probabilities of the videos.

        Args:
            cls_scores (Tensor): Logits, ``(N * num_segs, num_classes)``.
            num_segs (int): Clips per video. Defaults to 1.

        Returns:
            Tensor: ``(N, num_classes)``, or ``(N, num_segs, num_classes)`` without averaging.
        """
        scores = super().average_clip(cls_scores.float(), num_segs)
        # the parent has applied the softmax for 'prob' only
        return scores if self.average_clips == 'prob' else F.softmax(scores, dim=-1)

    def average_prompts(self, logits: Tensor, num_segs: int) -> Tensor:
        """Probabilities ``(N, K)`` of the videos, averaged over clips ``(N * num_segs, K)``."""
        logits = logits.unflatten(0, (-1, num_segs))  # (N, M, K)
        if self.average_clips == 'score':
            return logits.mean(dim=1).sigmoid()
        return logits.sigmoid().mean(dim=1)
