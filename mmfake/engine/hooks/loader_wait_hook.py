"""Loader wait hook: warns of an epoch that mostly waits for its data loader."""

from __future__ import annotations

import logging
from typing import Optional

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...errors import MMFakeError
from ..machine import cores_at_hand, has_gpu


@HOOKS.register_module()
class LoaderWaitHook(Hook):
    """Warns at the end of a training epoch that has waited for its videos, and says what to raise.

    The times are those of mmengine's ``IterTimerHook``: ``data_time``, in the log line too, is what
    an iteration has waited for its batch, ``time`` the whole of it. The first iteration of an epoch
    is left out, as the loader starts there. Of several processes the one that has waited most
    counts: the others have waited for it. Without a GPU nothing is said where every core has a
    worker, as the cores compute as well.

    Args:
        most (float): Share of the time that may be spent waiting. Defaults to 0.2.

    Raises:
        MMFakeError: If ``most`` is no share.
    """

    def __init__(self, most: float = 0.2) -> None:
        if not 0 < most <= 1:
            raise MMFakeError(f'LoaderWaitHook: most={most}; use a share, e.g. 0.2 for 20 %.')
        self.most = most
        self._first = 0

    def before_train_epoch(self, runner: Runner) -> None:
        """Note where the epoch, or the rest of it, begins."""
        self._first = runner.iter

    def after_train_epoch(self, runner: Runner) -> None:
        """Compare what was waited with what was needed."""
        scalars = runner.message_hub.log_scalars
        iterations = runner.iter - self._first - 1
        if iterations < 1 or 'train/data_time' not in scalars:
            return
        waited, needed = (
            np.sum(scalars[f'train/{name}'].data[0][-iterations:]) for name in ('data_time', 'time')
        )
        share = torch.tensor(waited / max(needed, 1e-9))
        all_reduce(share, 'max')
        advice = _advice(runner.train_dataloader.num_workers)
        if share > self.most and advice:
            print_log(
                f'Epoch {runner.epoch + 1} waited for its videos in {share:.0%} of the time of '
                f'{iterations} iterations; {advice}.',
                logger='current',
                level=logging.WARNING,
            )


def _advice(workers: int) -> Optional[str]:
    """What to change, with so many workers; None if nothing would help."""
    cores = cores_at_hand()
    if workers < cores:
        return (
            f'raise train_dataloader.num_workers from {workers} to as much as {cores}, the cores '
            'of this process'
        )
    if not has_gpu():
        return None
    return (
        f'its {workers} workers have the {cores} cores of this process: give it more cores (Slurm: '
        'CPUS_PER_TASK), a faster disk, or clips that need no decoding (--format npy of '
        'data_prep/prepare_ffpp.py)'
    )
