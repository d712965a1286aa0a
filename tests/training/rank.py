"""One of several processes that train together; ``lives.py`` forks them."""

import os
import signal

import harness
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfake.engine.hooks.non_finite_loss_hook import NonFiniteLossHook


class SpoilOneRank(Hook):
    """NaN in the second iteration, in the batch of the last rank alone."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 1 and runner.rank == runner.world_size - 1:
            data_batch['inputs'][0] = data_batch['inputs'][0] * float('nan')


class LoseOneRank(Hook):
    """kill -9 for the last rank, in the fourth iteration."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 3 and runner.rank == runner.world_size - 1:
            os.kill(os.getpid(), signal.SIGKILL)


HOOKS = dict(spoilt=SpoilOneRank, killed=LoseOneRank)


def train(folder, scale, name, *options, settings):
    encoder = harness.FROZEN if name == 's3d' else dict(type='TinyTestEncoder', frozen=True)
    cfg = harness.config_of(
        'bin_multi_con', f'{folder}/{name}', scale, *options, encoder=encoder, **settings
    )
    cfg.model.binary.cls_head.dropout_ratio = 0.0
    runner = Runner.from_cfg(cfg)
    if name in HOOKS and '--resume' not in options:
        runner.register_hook(HOOKS[name]())
    runner.train()
    state = harness.state_of(runner)
    guard = next(hook for hook in runner.hooks if isinstance(hook, NonFiniteLossHook))
    return dict(state, skipped=guard.count)


def be_rank(folder, scale, jobs):
    """Do the jobs, ``{name: {options, settings}}``; the ends go to ``FOLDER/RANK.pth``."""
    results = {}
    for name, job in jobs.items():
        results[name] = train(folder, scale, name, *job['options'], settings=job['settings'])
    rank = 'one'
    if torch.distributed.is_initialized():
        rank, results['backend'] = torch.distributed.get_rank(), torch.distributed.get_backend()
    torch.save(results, f'{folder}/{rank}.pth')
