"""Fidelity loss, Equations 3 to 5 of the joint-embedding detector."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from ...errors import MMFakeError


@MODELS.register_module()
class FidelityLoss(nn.Module):
    r"""One minus the fidelity (Bhattacharyya coefficient) of two Bernoulli distributions.

    Equations 3 to 5 of the joint-embedding detector, for a label y and the probability p that the
    model gives it, averaged over samples and labels:

    .. math::

        \ell = 1 - \sqrt{y p} - \sqrt{(1 - y) (1 - p)}, \quad p = \sigma(z)

    As it stands, the gradient is NaN wherever a root is taken of 0, which a hard label makes of one
    of the two. It is computed from the logit z instead, in float32 with autocast off, as
    :math:`\sqrt{p} = e^{\log\sigma(z) / 2}`: the same value and a finite gradient, without an
    epsilon under the roots. z = 0 costs :math:`1 - \sqrt{1/2} = 0.293`; a difference of two
    cosines, within [-2, 2], costs at least 0.0615.

    Args:
        loss_weight (float): Factor on the mean. Defaults to 1.0.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Compare probabilities with labels.

        Args:
            logits (Tensor): log p - log(1 - p), ``(N, K)`` or any other shape.
            targets (Tensor): Labels y of the same shape, from 0 to 1.

        Returns:
            Tensor: The weighted mean loss, a scalar in float32.

        Raises:
            MMFakeError: If the shapes differ or a label on the host is no probability. On a GPU,
                which would have to be waited for, such a label makes the loss NaN.
        """
        if logits.shape != targets.shape:
            raise MMFakeError(
                f'FidelityLoss: logits of shape {tuple(logits.shape)} and targets of shape '
                f'{tuple(targets.shape)}; there has to be one label for each logit.'
            )
        targets = targets.float()
        on_host = targets.device.type == 'cpu'
        if on_host and targets.numel() and not (targets.min() >= 0 and targets.max() <= 1):
            raise MMFakeError(
                f'FidelityLoss: targets from {targets.min():g} to {targets.max():g}; a label is a '
                'probability from 0 to 1.'
            )
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float()
            root_p = torch.exp(0.5 * F.logsigmoid(logits))
            root_q = torch.exp(0.5 * F.logsigmoid(-logits))
            loss = 1 - targets.sqrt() * root_p - (1 - targets).sqrt() * root_q
            return loss.mean() * self.loss_weight
