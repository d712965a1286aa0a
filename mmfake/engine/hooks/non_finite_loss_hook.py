"""Steps without a finite loss are not taken."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, all_reduce
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import Tensor

from ...errors import MMFakeError, sample_of


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Skips and counts the steps whose loss is NaN or infinite, and ends a run that has no other.

    A step is skipped on all ranks if the loss of one is not finite. No gradient is computed, the
    optimizer does not move, batch norm forgets the batch, and :class:`mmfake.LabelMoCoHook` takes
    in neither its keys nor a new average. With gradient accumulation the whole step is dropped,
    i.e. the gradients of all its batches. Nothing is repaired in weights that are no longer finite
    themselves: then the run ends at once, and no checkpoint is written with them.

    mmengine calls no hook between loss and gradient, so this one puts itself in front of
    ``update_params`` of whatever ``optim_wrapper`` the run has, mixed precision included. (The
    loss scaler of mixed precision goes on skipping steps whose scaled GRADIENTS overflow. That is
    part of its search for a scale and not counted here.) It costs one synchronisation with the
    GPU, and one exchange between the ranks, per iteration, in which a flag of another hook may ride
    along (``ASKED_KEY``). The warning names the ranks, the terms of the loss and the videos of
    their batches.

    Args:
        max_in_a_row (int): Number of skipped steps in a row that ends the run; a step is one of the
            optimizer, however many batches it accumulates. Defaults to 10.

    Raises:
        MMFakeError: If ``max_in_a_row`` is below 1.
    """

    STATE_KEY = 'non_finite_loss'
    # in the message hub, for other hooks: of this iteration
    SKIPPED_KEY = 'step_skipped'
    ASKED_KEY, ANSWER_KEY = 'flag_of_this_rank', 'flag_of_any_rank'

    def __init__(self, max_in_a_row: int = 10) -> None:
        if max_in_a_row < 1:
            raise MMFakeError(
                f'NonFiniteLossHook: max_in_a_row must be at least 1, but got {max_in_a_row}'
            )
        self.max_in_a_row = max_in_a_row
        self.count = self.in_a_row = 0
        self._bad = self._bad_here = False  # the present batch of any rank, of this one
        self._spoilt = False  # a batch of the present accumulation had no finite loss
        self._buffers: List[Tensor] = []

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Go on counting if the run is being resumed."""
        if runner._resume:
            self.count, self.in_a_row = checkpoint.get(self.STATE_KEY, (0, 0))

    def before_train(self, runner: Runner) -> None:
        """Step in front of the optimizer."""
        self._spoilt, self._buffers = False, []
        update_params = runner.optim_wrapper.update_params

        def guarded(loss: Tensor, *args, **kwargs) -> None:
            self._update(runner, update_params, loss, *args, **kwargs)

        runner.optim_wrapper.update_params = guarded

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None
    ) -> None:
        """Note the running statistics, which the forward pass of a bad batch would spoil."""
        buffers = list(runner.model.buffers())
        if [kept.shape for kept in self._buffers] == [buffer.shape for buffer in buffers]:
            copy_each(self._buffers, buffers)
        else:
            self._buffers = [buffer.clone() for buffer in buffers]

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Tell of a loss that was not finite.

        Raises:
            MMFakeError: If it was one too many in a row.
        """
        if not self._bad:
            return
        self._tell(runner, data_batch, outputs or {})
        if self.in_a_row >= self.max_in_a_row:
            raise MMFakeError(
                f'the loss was not finite in {self.in_a_row} steps in a row, up to iteration '
                f'{runner.iter + 1}; {_way_back(runner)}'
            )

    def _tell(self, runner: Runner, data_batch: DATA_BATCH, outputs: Dict[str, Any]) -> None:
        """Name what was not finite, where."""
        terms = [
            f'{name} {torch.as_tensor(value).detach().mean():g}'
            for name, value in outputs.items()
            if 'loss' in name and not torch.as_tensor(value).isfinite().all()
        ]
        videos = [sample.get('video_id', '?') for sample in data_batch['data_samples']]
        # every rank takes part, also one whose loss was finite: its videos are not to blame
        told = all_gather_object((', '.join(terms) or 'loss', videos) if self._bad_here else None)
        told = [
            (f'rank {rank}: ' if len(told) > 1 else '') + f'{one[0]} ({sample_of(one[1])})'
            for rank, one in enumerate(told)
            if one is not None
        ]
        print_log(
            f'Iteration {runner.iter + 1}: {"; ".join(told[:4])}; step skipped, '
            f'{self.in_a_row} in a row.',
            logger='current',
            level=logging.WARNING,
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Save the count.

        Raises:
            MMFakeError: If the weights are not finite, so that the last good checkpoint stays last.
        """
        self._check_weights(runner)
        checkpoint[self.STATE_KEY] = (self.count, self.in_a_row)

    def after_train(self, runner: Runner) -> None:
        """Step away from the optimizer, and sum up."""
        del runner.optim_wrapper.update_params  # the method of the class is behind it
        if self.count:
            print_log(
                f'{self.count} of {runner.iter} iterations had a loss that is not finite; the '
                'steps they belong to were skipped.',
                logger='current',
                level=logging.WARNING,
            )

    def _update(
        self, runner: Runner, update_params: Callable[..., None], loss: Tensor, *args, **kwargs
    ) -> None:
        # 1. whether the loss of any rank is not finite; another hook's flag rides along
        info = runner.message_hub.runtime_info
        bad = loss.detach().isfinite().all().logical_not().float()
        flags = torch.stack([bad, torch.full_like(bad, info.get(self.ASKED_KEY, False))])
        all_reduce(flags, 'max')
        self._bad, answer = map(bool, flags.tolist())
        runner.message_hub.update_info(self.ANSWER_KEY, answer, resumed=False)
        self._bad_here = self._bad and bool(bad)
        # 2. the counts
        self.count += self._bad
        self.in_a_row += self._bad and not self._spoilt  # once for a step
        self._spoilt |= self._bad
        runner.message_hub.update_info(self.SKIPPED_KEY, self._spoilt)
        # 3. the step, or what undoes the batch
        wrapper = runner.optim_wrapper
        if not self._spoilt:
            update_params(loss, *args, **kwargs)
            if wrapper.should_update():
                self.in_a_row = 0
            return
        self._check_weights(runner)
        copy_each(list(runner.model.buffers()), self._buffers)
        wrapper._inner_count += 1  # what backward() counts, which sets the rhythm of accumulation
        if wrapper.should_update():
            wrapper.zero_grad()
            self._spoilt = False

    def _check_weights(self, runner: Runner) -> None:
        weights = {name: x.detach() for name, x in runner.model.named_parameters() if x.numel()}
        # the largest number of each, as a sum of squares may overflow; one stop for all
        largest = torch._foreach_norm(list(weights.values()), math.inf)
        finite = torch.stack(largest).isfinite().tolist() if weights else []
        wrong = [name for name, is_finite in zip(weights, finite) if not is_finite]
        if wrong:
            raise MMFakeError(
                f'{len(wrong)} tensors of weights are not finite at iteration {runner.iter + 1}, '
                f'e.g. {wrong[0]}: a step made them so although its loss was finite; '
                f'{_way_back(runner)}'
            )


def copy_each(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """Copy values into tensors, all of a dtype in one launch."""
    for dtype in {value.dtype for value in values}:
        pairs = [pair for pair in zip(tensors, values) if pair[1].dtype == dtype]
        torch._foreach_copy_(*map(list, zip(*pairs)))


def _way_back(runner: Runner) -> str:
    pointer = Path(runner.work_dir, 'last_checkpoint')
    saved = 'no checkpoint was written yet'
    if pointer.is_file():
        saved = f'the last good checkpoint is {pointer.read_text().strip()}'
    return f'{saved}: lower the learning rate, or look at these videos, and go on with --resume.'
