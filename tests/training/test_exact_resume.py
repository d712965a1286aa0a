import random

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfake import FFPPDataset

REGIMES = ['bin_ce_con', 'bin_multi_con']
REGIMES += [
    pytest.param(name, marks=pytest.mark.nightly)
    for name in ('baseline_s3d', 'bin_ce', 'bin_con', 'bin_multi_ce')
]


def random_states():
    return dict(python=random.random(), numpy=np.random.rand(), torch=torch.rand(1))


@pytest.mark.parametrize('regime', REGIMES)
def test_two_and_two_epochs_are_four_and_so_is_the_rest_of_one(regime, harness, smoke, tmp_path):
    """Four iterations an epoch: the thirteenth is the first of the fourth."""
    four = {'train_cfg.max_epochs': 4}
    straight, halves, rest = (tmp_path / name for name in ('straight', 'halves', 'rest'))
    cfg = harness.config_of(regime, straight, smoke, also_save=13, **four)
    expected = harness.state_of(harness.trained(cfg)), random_states()
    harness.trained(harness.config_of(regime, halves, smoke, **{'train_cfg.max_epochs': 2}))
    second = harness.config_of(regime, halves, smoke, '--resume', **four)
    harness.assert_same(expected, (harness.state_of(harness.trained(second)), random_states()))
    assert harness.logged(straight) == harness.logged(halves)
    thirteenth = harness.in_mid_epoch(straight, 13)
    last = harness.config_of(regime, rest, smoke, '--resume', thirteenth, **four)
    runner = harness.trained(last)
    assert harness.logged(rest).items() <= harness.logged(straight).items()
    assert len(harness.logged(rest)) == 4  # iterations 14 to 16, a validation
    found = harness.state_of(runner), random_states()
    for state in (expected, found):
        del state[0]['files'], state[0]['kept']  # the first three epochs are not there
    harness.assert_same(expected, found)


# workers, sampler: the second draws its augmentation in the worker unless it is seeded
LOADERS = [(0, 'mmfake.PairedSampler'), (2, 'DefaultSampler')]


@pytest.mark.parametrize(('workers', 'sampler'), LOADERS)
def test_resumed_in_mid_epoch(workers, sampler, harness, smoke, tmp_path):
    """Two epochs of four iterations with a checkpoint after each: any of them will do."""

    def run(work_dir, *options):
        settings = {
            'train_cfg.max_epochs': 2,
            'train_dataloader.num_workers': workers,
            'train_dataloader.persistent_workers': workers > 0,
            'train_dataloader.sampler.type': sampler,
            'default_hooks.checkpoint.by_epoch': False,
            'default_hooks.checkpoint.max_keep_ckpts': -1,
            'default_hooks.logger.interval': 3,
        }
        cfg = harness.config_of('bin_multi_con', tmp_path / work_dir, smoke, *options, **settings)
        runner = harness.trained(cfg)
        state = harness.state_of(runner)
        del state['files'], state['kept']
        return state

    expected = run('straight')
    for iteration in (1, 4) if workers == 0 else (5,):
        checkpoint = str(tmp_path / 'straight' / f'iter_{iteration}.pth')
        harness.assert_same(expected, run(f'from_{iteration}', '--resume', checkpoint))
        lines, straight = (
            harness.logged(tmp_path / f'from_{iteration}'),
            harness.logged(tmp_path / 'straight'),
        )
        assert lines.items() <= straight.items()
        assert len(lines) >= 2


def repeated(dataset):
    return dict(type='RepeatDataset', times=2, dataset=dataset)


def joined(dataset):
    return dict(type='ConcatDataset', datasets=[dataset, dataset])


@pytest.mark.parametrize(
    ('wrap', 'sampler'),
    [
        (repeated, 'mmfake.PairedSampler'),
        (joined, 'DefaultSampler'),
        pytest.param(repeated, 'DefaultSampler', marks=pytest.mark.nightly),
        pytest.param(joined, 'mmfake.PairedSampler', marks=pytest.mark.nightly),
    ],
)
def test_wrapped_datasets_resume_in_mid_epoch(wrap, sampler, harness, smoke, tmp_path):
    """Drawn without the seed of its place, the augmentation would be another after the resume."""

    def run(name, *options):
        settings = {'train_dataloader.sampler.type': sampler, 'train_dataloader.batch_size': 8}
        cfg = harness.config_of('bin_ce', tmp_path / name, smoke, *options, also_save=3, **settings)
        cfg.train_dataloader.dataset = wrap(cfg.train_dataloader.dataset)
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.default_hooks.checkpoint.update(save_best=None)
        runner = harness.trained(cfg)
        return dict(runner.model.state_dict()), harness.logged(tmp_path / name)

    weights, lines = run('straight')
    resumed, rest = run('resumed', '--resume', harness.in_mid_epoch(tmp_path / 'straight', 3))
    harness.assert_same(weights, resumed)
    assert rest == {key: line for key, line in lines.items() if key[1] > 3}
    assert len(rest) == 1


def test_skipped_samples_are_not_loaded(harness, smoke, tmp_path, monkeypatch):
    settings = {
        'default_hooks.checkpoint.by_epoch': False,
        'default_hooks.checkpoint.interval': 3,
    }
    harness.trained(harness.config_of('bin_ce', tmp_path, smoke, **settings))
    loaded = []
    prepare = FFPPDataset.prepare_data
    monkeypatch.setattr(
        FFPPDataset,
        'prepare_data',
        lambda self, index: loaded.append(self.protocol.split) or prepare(self, index),
    )
    checkpoint = str(tmp_path / 'iter_3.pth')
    runner = harness.trained(
        harness.config_of('bin_ce', tmp_path, smoke, '--resume', checkpoint, **settings)
    )
    assert loaded.count('train') == 4  # of 16: one batch of four is left
    assert (runner.epoch, runner.iter) == (1, 4)


def test_another_batch_size_goes_on_at_the_same_share(harness, smoke, tmp_path, capfd):
    settings = {
        'default_hooks.checkpoint.by_epoch': False,
        'default_hooks.checkpoint.interval': 2,
    }
    harness.trained(harness.config_of('bin_ce', tmp_path, smoke, **settings))
    checkpoint = str(tmp_path / 'iter_2.pth')
    settings['train_dataloader.batch_size'] = 2
    runner = harness.trained(
        harness.config_of('bin_ce', tmp_path, smoke, '--resume', checkpoint, **settings)
    )
    told = 'written with 4 batches per epoch, now there are 8'
    assert told in capfd.readouterr().out
    assert runner.iter == 2 + 4  # half of the epoch is left


def test_a_random_seed_is_resumed_too(harness, smoke, tmp_path):
    """mmaction2's own train.py sets no seed: the loader must get the checkpoint's."""

    def config(work_dir, *options, **settings):
        cfg = harness.config_of('bin_ce', tmp_path / work_dir, smoke, *options, **settings)
        cfg.randomness = dict(seed=None)
        return cfg

    first = harness.trained(config('first', **{'train_cfg.max_epochs': 1}))
    checkpoint = str(tmp_path / 'first' / 'epoch_1.pth')
    ends = [
        harness.trained(config(name, '--resume', checkpoint, **{'train_cfg.max_epochs': 2}))
        for name in 'ab'
    ]
    assert {runner.seed for runner in ends} == {first.seed}
    harness.assert_same(*(dict(runner.model.state_dict()) for runner in ends))


def test_an_epoch_that_ended_before_its_validation_is_validated_on_resume(harness, smoke, tmp_path):
    class Stop(Hook):
        def before_val(self, runner):
            raise KeyboardInterrupt

    cfg = harness.config_of('bin_ce', tmp_path, smoke)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Stop())
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    assert not list(tmp_path.glob('best*'))
    resumed = harness.trained(harness.config_of('bin_ce', tmp_path, smoke, '--resume'))
    assert resumed.iter == 4
    assert (tmp_path / 'best_deepfake_auc_epoch_1.pth').is_file()
