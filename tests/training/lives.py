"""Trainings in processes of their own: some are killed, some train together, some count.

A script: the name of the function, ``live``, ``be_rank`` or ``count``, and its arguments as JSON.
"""

import json
import os
import random
import resource
import signal
import sys

import harness
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfake.engine.checkpoint_files import AtomicLocalBackend
from mmfake.engine.hooks.non_finite_loss_hook import NonFiniteLossHook

# ---- killed anywhere


def live(folder, scale, settings, fate):
    """Train, going on from what is there.

    Args:
        folder (str): Gets ``work`` and ``end.pth``.
        scale (str): Config merged over that of the regime.
        settings (dict): Further settings.
        fate (list | None): ``[kind, seed, calls]``: when to be killed.
    """
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1  # a trace that gives no other trace back is told of calls alone
        if calls == death:
            os.kill(os.getpid(), signal.SIGKILL)

    dice = random.Random(fate and fate[1])
    death = dice.randrange(1, fate[2]) if fate and fate[0] == 'call' else None
    if fate and fate[0] == 'write':
        die_in_write(dice.randrange(1, 4), dice.random())
    cfg = harness.config_of('bin_multi_con', f'{folder}/work', scale, '--resume', **settings)
    runner = Runner.from_cfg(cfg)
    if not fate or fate[0] == 'call':
        os.register_at_fork(after_in_child=lambda: sys.settrace(None))  # no worker dies of it
        sys.settrace(count)
    runner.train()
    sys.settrace(None)
    torch.save((calls, harness.state_of(runner)), f'{folder}/end.pth')


def die_in_write(number, share):
    """Kill -9 in a write of a checkpoint when a share of it is on the disk."""
    put = AtomicLocalBackend.put

    def dying_put(self, content, path):
        nonlocal number
        number -= 1
        if not number:
            signal.signal(signal.SIGXFSZ, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            limit = int(share * len(content))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        put(self, content, path)

    AtomicLocalBackend.put = dying_put


# ---- one of several


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


# ---- on a pretend GPU


class CountIterations(Hook):
    """Keeps what each iteration cost; the second has a video that cannot be read."""

    priority = 'LOWEST'

    def __init__(self, gpu):
        self.gpu, self.found = gpu, []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 0:
            self.gpu.reset()  # what the start has cost
        if runner.iter == 1:
            data_batch['data_samples'][0].set_metainfo(dict(unreadable='no frame'))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        stops = [f'{kind} {where}' for kind, where in self.gpu.stops.elements()]
        self.found.append(dict(stops=stops, launches=dict(self.gpu.launches)))
        self.gpu.reset()


def count(folder, scale, regimes, settings):
    """Train regimes on a pretend GPU; what each iteration costs goes to ``FOLDER/counts.json``."""
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from pretend_gpu import DEVICE, PretendGPU

    gpu, counts = PretendGPU(), {}
    harness.host.get_device = lambda: DEVICE
    for regime in regimes:
        cfg = harness.config_of(regime, f'{folder}/{regime}', scale, **settings)
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = cfg.default_hooks.checkpoint = None
        with gpu:
            runner = Runner.from_cfg(cfg)
            hook = CountIterations(gpu)
            runner.register_hook(hook)
            runner.train()
        counts[regime] = hook.found
    with open(f'{folder}/counts.json', 'w') as file:
        json.dump(counts, file)


if __name__ == '__main__':
    harness.make_host_fast(setattr)
    dict(live=live, be_rank=be_rank, count=count)[sys.argv[1]](**json.loads(sys.argv[2]))
