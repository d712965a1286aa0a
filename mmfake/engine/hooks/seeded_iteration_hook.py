"""Random numbers of an iteration that depend on nothing but its number."""

from __future__ import annotations

import random

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.runner import Runner


@HOOKS.register_module()
class SeededIterationHook(Hook):
    """Seeds Python, numpy and torch anew before each training iteration.

    The seed is made of the run's seed, the number of the iteration and the rank. So the dropout of
    an iteration is the same however often the run was resumed before it, and whatever validation
    drew; nothing needs to be saved, and a run may be resumed with another number of processes.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None
    ) -> None:
        """Seed.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Index of the batch in the epoch.
            data_batch (dict, optional): Unused. Defaults to None.
        """
        key = (runner.seed, runner.iter, get_rank())
        python, numpy, pytorch = map(int, np.random.SeedSequence(key).generate_state(3))
        random.seed(python)
        np.random.seed(numpy)
        torch.manual_seed(pytorch)  # of every device
