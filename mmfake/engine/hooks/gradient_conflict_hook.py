"""Whether the losses of a multi-task regime pull the encoder in different directions."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any, Dict, List, Tuple

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from ...errors import MMFakeError
from . import model_of


@HOOKS.register_module()
class GradientConflictHook(Hook):
    """Logs the angle between the gradients of the losses on the shared encoder.

    arXiv 2308.13503 says of its two contrastive losses that they "produce conflicting gradients".
    Every ``interval`` iterations this hook differentiates each term of the loss with respect to the
    weights of ``model.backbone`` and logs, for each pair a, b of terms,

    - ``conflict/cos/a,b``: the cosine of their gradients; below 0 they conflict,
    - ``conflict/ratio/a,b``: the norm of the gradient of a, divided by that of b.

    Terms are called as in the log without ``loss_``, so ``binary.loss_ce`` is ``binary.ce``. One
    whose gradient is cut off before the encoder, vanishes (a contrastive loss before the queue
    holds a positive) or is not finite takes part in no pair; a regime with a single term has none.
    A line of the log shows the latest measurement, so let ``interval`` be a multiple of that of
    ``LoggerHook``. ``tools/plot_training.py`` draws them.

    Training is not changed: the gradients are taken from the graph of the very forward pass that
    the step uses, into vectors of their own, before the step is made. Weights, statistics, random
    numbers and queues stay bit for bit as without the hook. On several ranks the gradients are
    averaged, as DistributedDataParallel does; each rank differentiates the terms that any of them
    has, as synchronised batch norms exchange gradients. With mixed precision the loss is scaled as
    in the step, and the scale divided out. With gradient accumulation the measurement is of one
    batch.

    A measurement costs one more backward pass through the encoder per term that reaches it, and
    memory for one copy of its gradient per term. Measured with S3D on a CPU (16 clips of 8 frames
    at 64 px, two terms): 0.91 s beside 0.82 s for an iteration without it, that is 0.56 iterations
    per term. With the default interval two terms cost 6 % of the training time.

    Off by default; add it to ``custom_hooks``::

        custom_hooks = [..., dict(type='mmfake.GradientConflictHook', interval=20)]

    Args:
        interval (int): Iterations from one measurement to the next. Defaults to 20.

    Raises:
        MMFakeError: If ``interval`` is below 1.
    """

    COSINE_KEY, RATIO_KEY = 'conflict/cos', 'conflict/ratio'

    def __init__(self, interval: int = 20) -> None:
        if interval < 1:
            raise MMFakeError(
                f'GradientConflictHook: interval must be at least 1, but got {interval}'
            )
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        """Step between the losses and their sum, where mmengine calls no hook."""
        model = model_of(runner)
        parse_losses = model.parse_losses

        def measured(losses: Dict[str, Any]) -> Tuple[Tensor, Dict[str, Tensor]]:
            if (runner.iter + 1) % self.interval == 0:
                self._measure(runner, model.backbone, losses)
            return parse_losses(losses)

        model.parse_losses = measured

    def after_train(self, runner: Runner) -> None:
        """Step out again."""
        model = model_of(runner)
        del model.parse_losses  # the method of the class is behind it

    def _measure(self, runner: Runner, encoder: nn.Module, losses: Dict[str, Any]) -> None:
        weights = [weight for weight in encoder.parameters() if weight.requires_grad]
        scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
        scale = scaler.get_scale() if scaler is not None else 1.0
        # 1. the terms that reach the encoder, of any rank
        terms = {name: _sum(value) for name, value in losses.items() if 'loss' in name}
        reaching = {name: term for name, term in terms.items() if _reaches(term, weights)}
        names = list(reaching)
        if get_world_size() > 1:
            names = sorted({name for found in all_gather_object(names) for name in found})
        # 2. their gradients, averaged over the ranks; a rank whose batch held nothing readable
        #    lacks them, and differentiates its zero
        gradients = {}
        for name in names:
            term = reaching[name] if name in reaching else sum(terms.values()) * 0.0
            gradients[name.replace('loss_', '')] = _gradient(term, weights, scale)
        for gradient in gradients.values():
            all_reduce(gradient, 'mean')
        # 3. cosine and ratio of each pair
        norms = {name: gradient.norm().item() for name, gradient in gradients.items()}
        usable = [name for name, norm in norms.items() if norm > 0 and math.isfinite(norm)]
        for a, b in combinations(usable, 2):
            cosine = torch.dot(gradients[a] / norms[a], gradients[b] / norms[b]).item()
            hub = runner.message_hub
            hub.update_scalar(f'train/{self.COSINE_KEY}/{a},{b}', max(-1.0, min(1.0, cosine)))
            hub.update_scalar(f'train/{self.RATIO_KEY}/{a},{b}', norms[a] / norms[b])


def _sum(value: Any) -> Tensor:
    """A term as mmengine adds it to the loss; a list of tensors is summed."""
    return sum(term.mean() for term in (value if isinstance(value, (list, tuple)) else [value]))


def _reaches(term: Tensor, weights: List[Tensor]) -> bool:
    """Whether some weight is in the graph of a term, found without a backward pass."""
    wanted, seen = {id(weight) for weight in weights}, set()
    waiting = [term.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if id(getattr(node, 'variable', None)) in wanted:
            return True
        seen.add(node)
        waiting += [before for before, _ in node.next_functions]
    return False


def _gradient(term: Tensor, weights: List[Tensor], scale: float) -> Tensor:
    """Gradient of a term as one vector, zeros where it does not reach a weight."""
    parts = torch.autograd.grad(term * scale, weights, retain_graph=True, allow_unused=True)
    parts = [
        torch.zeros_like(weight) if part is None else part for part, weight in zip(parts, weights)
    ]
    return torch.cat([part.flatten().float() for part in parts]) / scale
