"""Unreadable videos: names and counts the training videos that could not be used."""

from __future__ import annotations

import logging
from typing import Any, Dict, Optional, Tuple

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, all_reduce
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset

from ...datasets.unreadable import is_unreadable
from ...errors import MMFakeError, sample_of
from .non_finite_loss_hook import NonFiniteLossHook


@HOOKS.register_module()
class UnreadableVideosHook(Hook):
    """Says which videos training goes on without.

    :class:`mmfake.FFPPDataset` marks a video that cannot be decoded, or is shorter than a clip, and
    never puts another in its place. This hook names each once, with the reason, when a batch of any
    rank first holds it, and sums up at the end of training. The list is part of the checkpoint, so
    a resumed run counts on.
    (At test, :class:`mmfake.DeepfakeMetric` reports such a video as not scored.)

    All ranks hold the same list after every iteration, so that a checkpoint, which rank 0 writes
    alone, is complete also in mid-epoch. That costs a flag per iteration, which rides with that of
    :class:`mmfake.NonFiniteLossHook` where the run has it, and the names only in an iteration that
    met a new one.

    A decoder that never returns would stop a run for ever: ``loader_timeout`` becomes the
    ``timeout`` of every loader that has workers and no limit of its own (in a loader without
    workers torch refuses one).

    Args:
        loader_timeout (float): Seconds to wait for a batch, 0 for no limit. Defaults to 0.
    """

    STATE_KEY = 'unreadable_videos'

    def __init__(self, loader_timeout: float = 0) -> None:
        self.loader_timeout = loader_timeout
        self.reasons: Dict[str, str] = {}
        self._met: Dict[str, Tuple[str, str]] = {}  # new ones in this rank's batch

    def before_train(self, runner: Runner) -> None:
        """Limit the time of the training loader."""
        self._limit(runner.train_dataloader)

    def before_val(self, runner: Runner) -> None:
        """Limit the time of the validation loader."""
        self._limit(runner.val_dataloader)

    def before_test(self, runner: Runner) -> None:
        """Limit the time of the test loader."""
        self._limit(runner.test_dataloader)

    def _limit(self, loader: DataLoader) -> None:
        if loader.num_workers and not loader.timeout:
            loader.timeout = self.loader_timeout

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Go on with the list of the run that is resumed."""
        if runner._resume:
            self.reasons.update(checkpoint.get(self.STATE_KEY, {}))

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None
    ) -> None:
        """Find the videos of this rank's batch that cannot be used."""
        self._met = {
            sample.video_id: (sample.unreadable, sample.filename)
            for sample in data_batch['data_samples']
            if is_unreadable(sample) and sample.video_id not in self.reasons
        }
        asked = NonFiniteLossHook.ASKED_KEY
        runner.message_hub.update_info(asked, bool(self._met), resumed=False)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Name the videos of this batch, on whatever rank, that cannot be used."""
        any_met = runner.message_hub.pop_info(NonFiniteLossHook.ANSWER_KEY, None)
        if any_met is None:  # nobody has asked the other ranks
            flag = torch.tensor(float(bool(self._met)))
            all_reduce(flag, 'max')
            any_met = bool(flag)
        if not any_met:
            return
        for of_one_rank in all_gather_object(self._met):
            for video, (reason, filename) in of_one_rank.items():
                if video not in self.reasons:
                    self.reasons[video] = reason
                    print_log(
                        f'{video} cannot be used, training goes on without it: {reason} '
                        f'({filename})',
                        logger='current',
                        level=logging.WARNING,
                    )

    def after_train_epoch(self, runner: Runner) -> None:
        """Look whether too many cannot be used, before the checkpoint is written.

        Raises:
            MMFakeError: If more than half of the videos cannot be used: then it is not them.
        """
        if not self.reasons:
            return
        total = _count_videos(runner.train_dataloader.dataset)
        if len(self.reasons) > total / 2:
            raise MMFakeError(
                f'{len(self.reasons)} of {total} training videos cannot be used, e.g. '
                f'{sample_of(sorted(self.reasons), 1)}: {next(iter(self.reasons.values()))}; '
                'prepare them anew, or take them out of the index.'
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Save the list."""
        checkpoint[self.STATE_KEY] = dict(self.reasons)

    def after_train(self, runner: Runner) -> None:
        """Sum up."""
        if self.reasons:
            total = _count_videos(runner.train_dataloader.dataset)
            print_log(
                f'{len(self.reasons)} of {total} training videos could not be used: '
                f'{sample_of(sorted(self.reasons))}.',
                logger='current',
                level=logging.WARNING,
            )


def _count_videos(dataset: Dataset) -> int:
    """Count the videos: a ``RepeatDataset`` is longer than that, two of a concatenation may share.

    mmengine's wrappers pass the question for a sample on to what they wrap; of a dataset that does
    not know its videos, each sample counts as one.
    """
    if not hasattr(dataset, 'get_data_info'):
        return len(dataset)
    samples = (dataset.get_data_info(index) for index in range(len(dataset)))
    return len({sample.get('video_id', index) for index, sample in enumerate(samples)})
