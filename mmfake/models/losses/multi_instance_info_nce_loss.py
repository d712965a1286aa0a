"""Multi-instance InfoNCE, Equation 1 of arXiv 2308.13503."""

from __future__ import annotations

from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from ...errors import MMFakeError


def contrast_sets(
    query_labels: Tensor, key_labels: Tensor, ignore: Optional[Tensor] = None
) -> Tuple[Tensor, Tensor]:
    """Split the queue into the positives and the negatives of each anchor.

    Args:
        query_labels (Tensor): Labels of the anchors, ``(N,)``.
        key_labels (Tensor): Labels of the queue entries, ``(K,)``; negative marks an empty slot,
            which belongs to neither set.
        ignore (Tensor, optional): Bool ``(N, K)``, entries to leave out of both sets of an anchor.
            Defaults to None.

    Returns:
        tuple[Tensor, Tensor]: Bool masks ``(N, K)`` of the positives P_i and the negatives N_i.
    """
    filled = (key_labels >= 0)[None]  # (1, K)
    same = query_labels[:, None] == key_labels[None]  # (N, K)
    if ignore is not None:
        filled = filled & ~ignore
    return same & filled, ~same & filled


@MODELS.register_module()
class MultiInstanceInfoNCELoss(nn.Module):
    r"""InfoNCE with several positives per anchor, the sum inside the logarithm.

    Equation 1 of arXiv 2308.13503, averaged over the anchors i that have a positive:

    .. math::

        L_i = -\log \frac{S_P}{S_P + S_N}, \quad
        S_P = \sum_{p \in P_i} e^{z_i \cdot z_p / \tau}, \quad
        S_N = \sum_{n \in N_i} e^{z_i \cdot z_n / \tau}

    It is computed as ``softplus(logsumexp(N) - logsumexp(P))`` in float32 with autocast off: the
    same value, but right where a softmax in half precision overflows or its logarithm vanishes.
    An anchor without a positive (infinite loss) is left out of the mean; a batch without any such
    anchor gives a zero that still has a graph, as DistributedDataParallel requires. All of it is
    done with masks, so that the host never waits for a GPU. A query that is not finite makes the
    loss so, whether it has a positive or not.

    Args:
        temperature (float): :math:`\tau`. Defaults to 0.07.
        loss_weight (float): Factor on the mean. Defaults to 1.0.

    Raises:
        MMFakeError: If the temperature is not positive.
    """

    def __init__(self, temperature: float = 0.07, loss_weight: float = 1.0) -> None:
        super().__init__()
        if temperature <= 0:
            raise MMFakeError(
                f'MultiInstanceInfoNCELoss: temperature must be positive, but got {temperature}'
            )
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(
        self,
        query: Tensor,
        query_labels: Tensor,
        keys: Tensor,
        key_labels: Tensor,
        ignore: Optional[Tensor] = None,
    ) -> Tensor:
        """Contrast anchors with the entries of a labelled queue.

        Args:
            query (Tensor): L2-normalised anchors z_i, ``(N, D)``.
            query_labels (Tensor): Their labels, ``(N,)``.
            keys (Tensor): L2-normalised queue entries, ``(K, D)``.
            key_labels (Tensor): Their labels, ``(K,)``; negative marks an empty slot.
            ignore (Tensor, optional): Bool ``(N, K)``, entries in neither set. Defaults to None.

        Returns:
            Tensor: The weighted mean loss, a scalar in float32.
        """
        positive, negative = contrast_sets(query_labels, key_labels, ignore)  # (N, K) each
        anchors = positive.any(dim=1)  # (N,)
        with torch.autocast(query.device.type, enabled=False):
            query = query.float()
            similarity = query @ keys.float().T / self.temperature  # (N, K)
            # the gradient through the logsumexp of an empty set would be 0 * NaN with -inf in it;
            # the dtype's lowest number adds as little to a sum, and stays finite
            lowest = torch.finfo(similarity.dtype).min
            log_p = similarity.masked_fill(~positive, lowest).logsumexp(dim=1)  # (N,)
            log_n = similarity.masked_fill(~negative, lowest).logsumexp(dim=1)  # (N,)
            terms = F.softplus(log_n - log_p)  # (N,), 0 without a negative, huge without a positive
            mean = (terms * anchors).sum() / anchors.sum().clamp(min=1)
            return mean * self.loss_weight + query.sum() * 0.0
