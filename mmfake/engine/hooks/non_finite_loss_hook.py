"""Steps without a finite loss are not taken."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, all_reduce
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import Tensor, nn

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
    GPU, and one number exchanged between the ranks, per iteration. The warning names the ranks, the
    terms of the loss and the videos of their batches.

    Args:
        max_in_a_row (int): Number of skipped steps in a row that ends the run; a step is one of the
            optimizer, however many batches it accumulates. Defaults to 10.

    Raises:
        MMFakeError: If ``max_in_a_row`` is below 1.
    """

    STATE_KEY = 'non_finite_loss'
    SKIPPED_KEY = 'step_skipped'  # in the message hub, for other hooks: of this iteration

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
        self._spoilt = False
        update_params = runner.optim_wrapper.update_params

        def guarded(loss: Tensor, *args, **kwargs) -> None:
            self._update(runner, update_params, loss, *args, **kwargs)

        runner.optim_wrapper.update_params = guarded

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None
    ) -> None:
        """Note the running statistics, which the forward pass of a bad batch would spoil."""
        self._buffers = [buffer.clone() for buffer in runner.model.buffers()]

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
        finite = loss.detach().isfinite().all().float()
        self._bad_here = not finite.item()
        all_reduce(finite, 'min')
        self._bad = not finite.item()
        self.count += self._bad
        self.in_a_row += self._bad and not self._spoilt  # once for a step
        self._spoilt |= self._bad
        runner.message_hub.update_info(self.SKIPPED_KEY, self._spoilt)
        wrapper = runner.optim_wrapper
        if not self._spoilt:
            update_params(loss, *args, **kwargs)
            if wrapper.should_update():
                self.in_a_row = 0
            return
        self._check_weights(runner)
        for buffer, before in zip(runner.model.buffers(), self._buffers):
            buffer.copy_(before)
        wrapper._inner_count += 1  # what backward() counts, which sets the rhythm of accumulation
        if wrapper.should_update():
            wrapper.zero_grad()
            self._spoilt = False

    def _check_weights(self, runner: Runner) -> None:
        model: nn.Module = runner.model
        wrong = [name for name, value in model.named_parameters() if not value.isfinite().all()]
        if wrong:
            raise MMFakeError(
                f'{len(wrong)} tensors of weights are not finite at iteration {runner.iter + 1}, '
                f'e.g. {wrong[0]}: a step made them so although its loss was finite; '
                f'{_way_back(runner)}'
            )


def _way_back(runner: Runner) -> str:
    pointer = Path(runner.work_dir, 'last_checkpoint')
    saved = 'no checkpoint was written yet'
    if pointer.is_file():
        saved = f'the last good checkpoint is {pointer.read_text().strip()}'
    return f'{saved}: lower the learning rate, or look at these videos, and go on with --resume.'
