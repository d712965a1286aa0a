"""The configs of frame detectors: their parts, their mini scale, and every regime on frames."""

import json
from pathlib import Path

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.hooks import Hook

from mmfake.apis.run import build_runner
from mmfake.apis.train import set_training_options
from mmfake.engine.config import load_config

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'configs'
HOLDOUTS = ['df', 'f2f', 'fs', 'nt']
REGIMES = ['bin_ce_con', 'bin_multi_con']
REGIMES += [
    pytest.param(name, marks=pytest.mark.nightly)
    for name in ('baseline_s3d', 'bin_ce', 'bin_con', 'bin_multi_ce')
]
WINNER = 'dfdc_winner_holdout_{}.py'


def load(held_out):
    return Config.fromfile(CONFIGS / 'frames' / WINNER.format(held_out))


def steps_of(loader):
    return {step['type']: step for step in loader.dataset.pipeline}


@pytest.mark.parametrize('held_out', HOLDOUTS)
def test_a_leaf_is_four_bases_of_one_model(held_out):
    namespace = {}
    exec((CONFIGS / 'frames' / WINNER.format(held_out)).read_text(), namespace)
    assert [key for key in namespace if key != '__builtins__'] == ['_base_']
    assert len(namespace['_base_']) == 4
    cfg = load(held_out).to_dict()
    for split in ('train', 'val', 'test'):
        assert cfg[f'{split}_dataloader']['dataset'].pop('holdout') == held_out
    other = load('df').to_dict()
    for split in ('train', 'val', 'test'):
        other[f'{split}_dataloader']['dataset'].pop('holdout')
    assert json.dumps(cfg, default=str) == json.dumps(other, default=str)


def test_the_row_is_b7_with_one_linear_layer():
    cfg = load('fs')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    counts = [sum(p.numel() for p in part.parameters()) for part in (model.backbone, model.binary)]
    assert counts == [63_786_960, 2 * 2560 + 2]
    assert model.cls_head.average_clips == 'prob'


def test_a_test_video_is_32_frames_of_380_px(tiny_tree):
    """Evenly spread: one of each 32nd part of the video."""
    cfg = load('fs')
    cfg.test_dataloader.dataset.data_root = str(tiny_tree)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    sample = dataset[0]
    assert sample['inputs'].shape == (32, 3, 1, 380, 380)
    assert sample['data_samples'].enlarged == ((64, 64), (380, 380))
    sampler = next(step for step in dataset.pipeline.transforms if hasattr(step, 'num_clips'))
    chosen = sampler(dict(total_frames=320, avg_fps=25.0, start_index=0))['frame_inds']
    assert [int(number) // 10 for number in chosen] == list(range(32))


@pytest.mark.parametrize('held_out', HOLDOUTS)
def test_the_mini_scale_leaves_single_frames(held_out):
    cfg = load_config(str(CONFIGS / 'frames' / WINNER.format(held_out)), 'mini')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        steps = steps_of(loader)
        assert steps['SampleFrames']['clip_len'] == 1
        assert steps['Resize']['scale'][1] == 64
    assert cfg.model.backbone.backbone.arch == 'b0'
    model = MODELS.build(cfg.model)
    assert model.cls_head.in_channels == model.backbone.backbone.out_channels
    ends = [part.end for part in cfg.param_scheduler]
    assert ends == [cfg.train_cfg.max_epochs]
    assert 'scales' not in cfg


@pytest.mark.parametrize(('scale', 'expected'), [('mini', 0.5), ('other', 0.25), (None, 2.0)])
def test_what_a_config_says_of_a_scale_is_over_the_scale(scale, expected, tmp_path):
    (tmp_path / 'mine.py').write_text(
        'optim_wrapper = dict(optimizer=dict(lr=2.0, momentum=0.1))\n'
        'scales = dict(mini=dict(optim_wrapper=dict(optimizer=dict(_delete_=True, lr=0.5))))\n'
    )
    for name in ('mini', 'other'):
        (tmp_path / f'{name}.py').write_text('optim_wrapper = dict(optimizer=dict(lr=0.25))\n')
    path = scale and str(tmp_path / f'{scale}.py')
    optimizer = load_config(str(tmp_path / 'mine.py'), path).optim_wrapper.optimizer
    assert optimizer.lr == expected
    assert ('momentum' in optimizer) == (scale != 'mini')


def test_transforms_of_a_scale_adjust_those_of_their_type_in_each_pipeline(tmp_path):
    scale = tmp_path / 'small.py'
    scale.write_text(
        "transforms = [dict(type='mmfake.SelfBlend', radius=3.0), dict(type='Flip', flip_ratio=0)]"
    )
    adjusted = {'Flip': dict(type='Flip', flip_ratio=0)}
    blend = {'mmfake.SelfBlend': dict(type='mmfake.SelfBlend', radius=3.0)}
    for name, expected in (('bin_ce', adjusted), ('sbi_ce', {**adjusted, **blend})):
        path = str(CONFIGS / 'mtl' / f'{name}_holdout_df.py')
        before, after = (
            steps_of(load_config(path, s).train_dataloader) for s in (None, str(scale))
        )
        assert {key: step for key, step in after.items() if step != before[key]} == expected


class FirstStepError(Exception):
    """Ends a training after its first step."""


class FirstStep(Hook):
    priority = 'LOWEST'

    def after_train_iter(self, *args, **kwargs):
        raise FirstStepError


@pytest.mark.parametrize('regime', REGIMES)
def test_every_regime_trains_on_frames(regime, smoke, tmp_path):
    """The step reaches the first layer of the encoder, and the queue holds a key a frame."""
    bases = [
        f'models/{regime}.py',
        'datasets/ffpp_frames_holdout_f2f.py',
        'schedules/adam_50e.py',
        'default_runtime.py',
    ]
    # a name of its own, as mmengine keeps what two runs of one name and one second share
    path = tmp_path / f'frames_{regime}.py'
    path.write_text(f'_base_ = {[str(CONFIGS / "_base_" / base) for base in bases]}\n')
    cfg = load_config(str(path), str(smoke), work_dir=str(tmp_path / 'work'))
    encoder = dict(type='MobileNetV2', widen_factor=0.25, norm_cfg=dict(type='BN'))
    cfg.model.backbone = dict(type='mmfake.PerFrame', backbone=encoder)
    for stream in (cfg.model.binary, cfg.model.get('multi') or {}):
        for head in (stream[name] for name in stream if name.endswith('head')):
            head.in_channels = 1280
    set_training_options(cfg)
    runner = build_runner(cfg)
    runner.register_hook(FirstStep())
    with pytest.raises(FirstStepError):
        runner.train()
    assert runner.message_hub.get_scalar('train/loss').current() > 0
    # what the step has reached has a state in Adam
    moved = {
        name
        for name, parameter in runner.model.named_parameters()
        if parameter in runner.optim_wrapper.optimizer.state
    }
    assert 'backbone.backbone.conv1.conv.weight' in moved
    assert any(name.startswith('binary.cls_head.') for name in moved)
    if cfg.custom_hooks:
        (hook,) = (hook for hook in runner.hooks if type(hook).__name__ == 'LabelMoCoHook')
        assert all(queue.keys.shape[0] == 16 for queue in hook.queues.values())
