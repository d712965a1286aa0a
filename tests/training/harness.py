"""Whole trainings in this process: the shipped configs, real videos, a tiny encoder."""

import gc
import itertools
import json
import runpy
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.runner import runner as host
from torch import nn

from mmfake.apis.train import set_training_options
from mmfake.engine.config import load_config
from mmfake.engine.hooks.label_moco_hook import LabelMoCoHook

ROOT = Path(__file__).parents[2]
_NUMBER = itertools.count()

# mmengine collects garbage for every dataset: spare it the million objects of the imports
gc.collect()
gc.freeze()


@MODELS.register_module(name='TinyTestEncoder', force=True)
class TinyEncoder(nn.Module):
    """(N, 3, 8, 32, 32) -> (N, 16, 1, 4, 4) with a batch norm; random weights are enough."""

    def __init__(self, norm=True, frozen=False):
        super().__init__()
        self.conv = nn.Conv3d(3, 16, 8, stride=8)
        self.norm = nn.BatchNorm3d(16) if norm else nn.Identity()
        self.frozen = frozen

    def train(self, mode=True):
        super().train(mode)
        self.norm.train(mode and not self.frozen)
        return self

    def forward(self, x):
        return self.norm(self.conv(x)).relu()


# Frozen at their initial statistics the batch norms change nothing, so that the weights have to.
FROZEN = dict(type='mmfake.S3D', norm_eval=True, init_cfg=dict(type='Kaiming', layer='Conv3d'))


def make_host_fast(set_attribute):
    """Spare what takes most of a tiny run: asking gcc its version, and yapf at every checkpoint."""
    set_attribute(host, 'collect_env', dict)
    set_attribute(Config, 'pretty_text', property(lambda self: repr(self.to_dict())))


def config_of(regime, work_dir, scale, *options, encoder=None, also_save=None, **settings):
    """What ``tools/train.py`` makes of its command line, with a tiny encoder.

    ``also_save`` iterations there is a checkpoint in mid-epoch, see :func:`in_mid_epoch`.
    """
    config = ROOT / 'configs' / 'mtl' / f'{regime}_holdout_f2f.py'
    words = [str(config), '--scale', str(scale), '--work-dir', str(work_dir), *options]
    args = runpy.run_path(str(ROOT / 'tools' / 'train.py'))['parse_args'](words)
    cfg = load_config(args.config, args.scale, work_dir=args.work_dir, launcher=args.launcher)
    set_training_options(cfg, resume=args.resume, amp=args.amp)
    cfg.model.backbone = encoder or dict(type='TinyTestEncoder')
    if cfg.model.backbone.type == 'TinyTestEncoder':
        for stream in (cfg.model.binary, cfg.model.get('multi') or {}):
            for head in (stream[name] for name in stream if name.endswith('head')):
                head.in_channels = 16
    cfg.val_evaluator.n_bootstrap = 20
    cfg.custom_hooks = cfg.get('custom_hooks') or []
    if also_save:
        cfg.custom_hooks.append(
            dict(
                type='mmfake.SafeCheckpointHook',
                by_epoch=False,
                interval=also_save,
                save_last=False,
                out_dir=str(Path(work_dir, 'iterations')),
            )
        )
    cfg.merge_from_dict(settings)
    # runs of one name share their message hub, and the default name has a resolution of a second
    cfg.experiment_name = f'training_{next(_NUMBER)}'
    return cfg


def in_mid_epoch(work_dir, iteration):
    """The checkpoint that ``also_save`` gave."""
    return str(Path(work_dir, 'iterations', Path(work_dir).name, f'iter_{iteration}.pth'))


def trained(cfg):
    """Train, and give the runner back."""
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def state_of(runner):
    """All that a run has learnt or counted, but times and names of files."""
    hub = runner.message_hub
    state = dict(
        weights=dict(getattr(runner.model, 'module', runner.model).state_dict()),
        optimizer=runner.optim_wrapper.state_dict(),
        schedulers=[scheduler.state_dict() for scheduler in runner.param_schedulers],
        history={key: buffer.data for key, buffer in hub.log_scalars.items() if 'time' not in key},
        best_score=hub.get_info('best_score'),
        best=Path(hub.get_info('best_ckpt')).name,
        kept=hub.get_info('keep_ckpt_ids'),
        files=sorted(
            path.name for path in Path(runner.work_dir).glob('*.pth') if '-' not in path.name
        ),
        place=(runner.epoch, runner.iter),
    )
    for hook in runner.hooks:
        if isinstance(hook, LabelMoCoHook):
            state['ema'] = hook.key_encoder.state_dict()
            state['queues'] = {name: queue.state_dict() for name, queue in hook.queues.items()}
    return state


def assert_same(expected, found, path='state'):
    """Bit for bit, through all containers."""
    assert type(expected) is type(found), path
    if isinstance(expected, dict):
        assert list(expected) == list(found), path
        for key in expected:
            assert_same(expected[key], found[key], f'{path}.{key}')
    elif isinstance(expected, (list, tuple)):
        assert len(expected) == len(found), path
        for index, pair in enumerate(zip(expected, found)):
            assert_same(*pair, f'{path}.{index}')
    elif isinstance(expected, torch.Tensor):
        assert torch.equal(expected, found), path
    elif hasattr(expected, 'tobytes'):  # numpy, NaN included
        assert expected.tobytes() == found.tobytes(), path
    elif callable(expected):
        assert expected.__name__ == found.__name__, path
    else:
        assert expected == found or expected != expected, path


def logged(work_dir):
    """What all runs in a work dir logged: (epoch, step or validation) -> values, later ones win."""
    lines = {}
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            values = json.loads(line)
            values = {key: v for key, v in values.items() if 'time' not in key and key != 'memory'}
            lines['iter' in values, values['step']] = json.dumps(values)
    return lines
