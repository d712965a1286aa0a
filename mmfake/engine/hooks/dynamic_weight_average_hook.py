"""Dynamic weight average (DWA) hook: losses weighted by how slowly they fall."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Sequence

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.runner import Runner

from ...errors import MMFakeError
from . import model_of
from .non_finite_loss_hook import NonFiniteLossHook


@HOOKS.register_module()
class DynamicWeightAverageHook(Hook):
    r"""Weighs several losses by their relative descending rates.

    Equation 7 of the joint-embedding detector, the dynamic weight average of MTAN (arXiv
    1803.10704), with K losses:

    .. math::

        \lambda_i(t) = \frac{K \exp(w_i(t-1) / \tau)}{\sum_j \exp(w_j(t-1) / \tau)}, \quad
        w_i(t-1) = \frac{\ell_i(t-1)}{\ell_i(t-2)}

    The weights sum to K and are 1 until there are two past losses. The paper gives neither tau nor
    the length of a step t: tau 2, and the means of whole epochs, are those of MTAN and of LIQE
    (arXiv 2303.14968), whose formula it is. Then ratios of 0.8 to 1.2 move a weight by less than a
    tenth. A loss that was 0 counts as one that stays.

    The means are of the unweighted losses of all ranks, without the steps that
    :class:`mmfake.NonFiniteLossHook` skips; they are saved in each checkpoint and restored on
    resume, not on ``load_from``. The log shows the loss ``binary.loss_ce``, say, multiplied by its
    weight, and beside it ``binary.raw_ce`` and ``binary.weight_ce``, means of the same iterations
    with the ``log_processor`` of ``configs/_base_/default_runtime.py``.

    A model has to offer ``weigh_losses()``; see :class:`mmfake.DualStreamRecognizer`. Any of its
    losses can be weighed, e.g. ``('binary.loss_ce', 'multi.loss_ce')``.

    Args:
        losses (Sequence[str]): Names of at least two losses as the log has them, e.g.
            ``('binary.loss_binary', 'binary.loss_global', 'binary.loss_local')``.
        temperature (float): :math:`\tau`. Defaults to 2.0.
        by (str): What a step is, ``'epoch'`` or ``'iter'``. Defaults to 'epoch'.

    Raises:
        MMFakeError: If an argument is out of range, or a checkpoint to resume from was not trained
            with these losses.
    """

    STATE_KEY = 'dynamic_weight_average'

    def __init__(self, losses: Sequence[str], temperature: float = 2.0, by: str = 'epoch') -> None:
        if isinstance(losses, str) or len(set(losses)) < 2 or len(set(losses)) < len(losses):
            raise MMFakeError(
                f'DynamicWeightAverageHook: losses={losses!r}; name two or more different losses.'
            )
        if not temperature > 0:
            raise MMFakeError(
                f'DynamicWeightAverageHook: temperature={temperature}; it has to be positive.'
            )
        if by not in ('epoch', 'iter'):
            raise MMFakeError(f"DynamicWeightAverageHook: by={by!r}; set 'epoch' or 'iter'.")
        self.losses, self.temperature, self.by = list(losses), temperature, by
        self._is_restored = False
        self._forget()

    def _forget(self) -> None:
        self.past: List[List[float]] = []  # the losses of the last two steps, the older first
        self.running = [0.0] * (len(self.losses) + 1)  # sums within this step, and their number

    @property
    def weights(self) -> List[float]:
        """list[float]: The weight of each loss now."""
        if len(self.past) < 2:
            return [1.0] * len(self.losses)
        older, newer = self.past
        rates = [now / before if before > 0 else 1.0 for before, now in zip(older, newer)]
        # shifted by the largest, which cancels, so that no exponential overflows
        shares = [math.exp((rate - max(rates)) / self.temperature) for rate in rates]
        return [len(shares) * share / sum(shares) for share in shares]

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Restore the past losses if the run is being resumed.

        Raises:
            MMFakeError: If the checkpoint has none, or those of other losses.
        """
        if not runner._resume:
            return
        state = checkpoint.get(self.STATE_KEY)
        if state is None or list(state['losses']) != self.losses:
            found = 'none' if state is None else f'those of {", ".join(state["losses"])}'
            raise MMFakeError(
                'DynamicWeightAverageHook: the checkpoint to resume from has no past losses of '
                f'{", ".join(self.losses)}, but {found}; start a new run from its weights with '
                '--cfg-options load_from=CHECKPOINT and without --resume.'
            )
        self.past = [list(step) for step in state['past']]
        self.running = list(state['running'])
        self._is_restored = True

    def before_train(self, runner: Runner) -> None:
        """Set the weights, those of the checkpoint in a resumed run."""
        if not self._is_restored:
            self._forget()
        self._is_restored = False
        self._weigh(runner)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: Optional[Dict[str, Any]] = None,
    ) -> None:
        """Add the losses of all ranks to the means of this step."""
        if runner.message_hub.runtime_info.get(NonFiniteLossHook.SKIPPED_KEY, False):
            return
        # every rank takes part, also one whose batch held no readable video and so no such loss
        outputs = outputs or {}
        here = [0.0] * len(self.running)
        names = [name.replace('loss', 'raw') for name in self.losses]
        if all(name in outputs for name in names):
            here = [*torch.stack([outputs[name].detach() for name in names]).tolist(), 1.0]
        sums = torch.tensor(here, dtype=torch.float64)
        all_reduce(sums)
        self.running = [before + now for before, now in zip(self.running, sums.tolist())]
        if self.by == 'iter':
            self._end_step(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """End the step if it is an epoch; this hook runs before ``CheckpointHook``."""
        if self.by == 'epoch':
            self._end_step(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Save the past losses, which every rank knows."""
        checkpoint[self.STATE_KEY] = dict(losses=self.losses, past=self.past, running=self.running)

    def _end_step(self, runner: Runner) -> None:
        """Turn the sums into means, and the means into weights."""
        *sums, count = self.running
        if not count:  # nothing readable, or every step was skipped
            return
        self.past = [*self.past[-1:], [value / count for value in sums]]
        self.running = [0.0] * len(self.running)
        self._weigh(runner)

    def _weigh(self, runner: Runner) -> None:
        model_of(runner).weigh_losses(dict(zip(self.losses, self.weights)))
