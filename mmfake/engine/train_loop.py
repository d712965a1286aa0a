"""Training by epochs that a resumed run enters where it was left."""

from __future__ import annotations

import logging
from itertools import islice
from typing import Any, Iterable, Sequence, Union

import torch
from mmaction.registry import LOOPS
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from ..datasets.samplers import BalancedSampler, SeededStream
from ..errors import MMFakeError
from .run_log import forget_warnings, repeat_warnings


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's ``EpochBasedTrainLoop`` that makes a resumed run equal to an undisturbed one.

    Added is what mmengine 0.10.7 does not restore:

    - the place in the epoch. A checkpoint written in mid-epoch (``CheckpointHook(by_epoch=False)``)
      is gone on from with the next batch, without loading those before; mmengine begins the epoch
      anew and so trains for more iterations than it says.
    - a validation that was due when the run ended. ``CheckpointHook`` saves an epoch before its
      validation; resumed from there, mmengine never validates that epoch.
    - the seed of the samples, if the config has none: mmengine has built the loader with a random
      one before it reads the checkpoint's.

    The augmentation of a sample follows from seed and place for any sampler, see
    :class:`SeededStream`. A run resumed with another number of batches per epoch (other batch size,
    other number of processes) goes on at the same share of the epoch, after a warning.

    Args:
        runner (Runner): The runner.
        dataloader (DataLoader | dict): Loader of the training set.
        **kwargs: As for :class:`mmengine.runner.EpochBasedTrainLoop`.
    """

    # entries of the message hub, which is saved in each checkpoint
    PLACE_KEY, VALIDATED_KEY = 'place_in_epoch', 'validated_epoch'

    def __init__(self, runner: Runner, dataloader: Union[DataLoader, dict], **kwargs) -> None:
        super().__init__(runner, dataloader, **kwargs)
        self._loader_cfg, self._loader_seed = dataloader, runner.seed
        self._done = 0
        _check_batches(self.dataloader)

    def run(self) -> torch.nn.Module:
        """Train.

        Returns:
            nn.Module: The model.
        """
        resumed = self._iter > 0
        if resumed:
            self._restore()
        else:
            self.runner.message_hub.update_info(self.VALIDATED_KEY, 0)
        self.runner.call_hook('before_train')
        # what was said of the initial weights, last before epoch 1
        if self.runner._has_loaded:
            forget_warnings(self.runner.logger)
        repeat_warnings(self.runner.logger, f'Before epoch {self._epoch + 1}')
        if resumed and not self._done:
            self._validate()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Iterate over the rest of an epoch."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done, self._done = self._done, 0
        for idx, data_batch in enumerate(self.batches_after(done), done):
            self.run_iter(idx, data_batch)
        self._note_place(0)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Iterate one batch.

        Args:
            idx (int): Its index in the epoch.
            data_batch (dict): The batch.
        """
        self._note_place(idx + 1)
        super().run_iter(idx, data_batch)

    def _note_place(self, done: int) -> None:
        place = [done, len(self.dataloader)]
        self.runner.message_hub.update_info(self.PLACE_KEY, place)

    def _restore(self) -> None:
        """Take over place and seed of the checkpoint."""
        if self.runner.seed != self._loader_seed and isinstance(self._loader_cfg, dict):
            different = self.runner._randomness_cfg.get('diff_rank_seed', False)
            self.dataloader = self.runner.build_dataloader(
                self._loader_cfg, seed=self.runner.seed, diff_rank_seed=different
            )
        length = len(self.dataloader)
        self._done, before = self.runner.message_hub.get_info(self.PLACE_KEY, [0, length])
        if before != length:
            self._done = self._done * length // before
            print_log(
                f'The checkpoint was written with {before} batches per epoch, now there are '
                f'{length} (other batch size or number of processes): training goes on after '
                f'batch {self._done} of epoch {self._epoch + 1}, not bit-identical.',
                logger='current',
                level=logging.WARNING,
            )

    def batches_after(self, done: int) -> Iterable[Any]:
        """Load the batches of the epoch but the first ``done``, whose samples are not loaded."""
        batches = self.dataloader.batch_sampler
        if not hasattr(batches, 'sampler') or not hasattr(batches, 'batch_size'):
            return islice(self.dataloader, done, None)  # a batch sampler of one's own: load, drop
        if not isinstance(batches.sampler, SeededStream):
            batches.sampler = SeededStream(batches.sampler, self.runner.seed)
        batches.sampler.epoch = self._epoch
        batches.sampler.start = done * batches.batch_size
        return self.dataloader

    def _validate(self) -> None:
        """Validate if it is due and not done yet."""
        self._decide_current_val_interval()
        due = (
            self.runner.val_loop is not None
            and self._epoch >= self.val_begin
            and (self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs)
        )
        if due and self.runner.message_hub.get_info(self.VALIDATED_KEY, 0) != self._epoch:
            self.runner.message_hub.update_info(self.VALIDATED_KEY, self._epoch)
            self.runner.val_loop.run()


def _check_batches(loader: DataLoader) -> None:
    """Refuse an epoch without end or whole batch; warn of pairs that an odd batch size splits."""
    size = loader.batch_size
    if isinstance(loader.sampler, InfiniteSampler):
        raise MMFakeError(
            'train_dataloader.sampler is an InfiniteSampler, with which an epoch has no end: take '
            "dict(type='DefaultSampler', shuffle=True), or train by iterations with "
            "train_cfg=dict(_delete_=True, type='IterBasedTrainLoop', ...)."
        )
    if not len(loader):
        videos, share, processes = len(loader.dataset), len(loader.sampler), get_world_size()
        each = f', {share} for each of {processes} processes' if processes > 1 else ''
        raise MMFakeError(
            f'{videos} videos to train on{each}, train_dataloader.batch_size={size}, drop_last: no '
            f'whole batch; set a batch size of at most {share}.'
        )
    if isinstance(loader.sampler, BalancedSampler) and size and size % 2:
        print_log(
            f'train_dataloader.batch_size={size} is odd: a batch cannot be half originals and half '
            'manipulated videos.',
            logger='current',
            level=logging.WARNING,
        )
