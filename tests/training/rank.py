"""One of several processes that train together, a script: ``rank.py FOLDER SCALE JOBS``."""

import json
import sys

import harness
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfake.engine.hooks import NonFiniteLossHook


class SpoilOneRank(Hook):
    """NaN in the second iteration, in the batch of the last rank alone."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 1 and runner.rank == runner.world_size - 1:
            data_batch['inputs'][0] = data_batch['inputs'][0] * float('nan')


# Frozen at their initial statistics the batch norms change nothing, so that the weights have to.
FROZEN = dict(type='mmfake.S3D', norm_eval=True, init_cfg=dict(type='Kaiming', layer='Conv3d'))


def train(name, *options, hooks=(), settings):
    encoder = FROZEN if name == 'frozen' else dict(type='TinyTestEncoder', norm=False)
    cfg = harness.config_of(
        'bin_multi_con', f'{folder}/{name}', scale, *options, encoder=encoder, **settings
    )
    cfg.model.binary.cls_head.dropout_ratio = 0.0
    runner = Runner.from_cfg(cfg)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    state = harness.state_of(runner)
    guard = next(hook for hook in runner.hooks if isinstance(hook, NonFiniteLossHook))
    return dict(state, skipped=guard.count)


if __name__ == '__main__':
    folder, scale, jobs = sys.argv[1:]
    torch.set_num_threads(1)
    harness.make_host_fast(setattr)
    results = {}
    for name, job in json.loads(jobs).items():
        hooks = [SpoilOneRank()] if name == 'spoilt' else []
        results[name] = train(name, *job['options'], hooks=hooks, settings=job['settings'])
    rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else 'one'
    torch.save(results, f'{folder}/{rank}.pth')
