"""Configs as commands read them: files, scale, data root, settings."""

import functools
import re
import tempfile
from pathlib import Path

import pytest

from mmfake import MMFakeError
from mmfake.engine.config import _read, load_config

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs' / 'mtl').glob('*_holdout_*.py'))
# each regime and each hold-out
SOME = [path for path in CONFIGS if path.stem.startswith('bin_ce_h') or path.stem.endswith('f2f')]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(f'text = {"x" * 500!r}')
    return path


def test_a_full_temporary_folder_is_not_blamed_on_the_config(config, largest_file):
    with largest_file(100), pytest.raises(MMFakeError) as error:
        _read(str(config))
    assert 'no room to read it, as the temporary folder cannot be written to' in str(error.value)
    assert 'TMPDIR' in str(error.value)


def test_no_temporary_folder_at_all_is_not_blamed_on_the_config(config, largest_file, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', None)  # as in a new process
    with largest_file(0), pytest.raises(MMFakeError, match='No usable temporary directory'):
        _read(str(config))


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('x = (', 'SyntaxError'),
        ('open("absent.txt")', 'FileNotFoundError: [Errno 2]'),
        (
            'def f():\n    try:\n        open("absent.txt")\n    except OSError:\n'
            '        print(x)\n    x = 1\nf()',
            'UnboundLocalError',
        ),
    ],
)
def test_a_mistake_of_the_config_is(config, text, reason):
    config.write_text(text)
    with pytest.raises(MMFakeError, match=f'config that can be read .{re.escape(reason)}'):
        _read(str(config))


@pytest.mark.parametrize('path', SOME, ids=lambda path: path.stem)
def test_the_mini_scale_fits(path, monkeypatch):
    """Against the same config without it: what the scale names, and nothing else, differs."""
    monkeypatch.chdir(ROOT)
    plain, mini = load_config(str(path)), load_config(str(path), scale='mini')
    for name in ('train', 'val', 'test'):
        loader = mini[f'{name}_dataloader']
        assert loader.dataset.data_root == 'data/mini_ffpp'
        steps = {step['type']: step for step in loader.dataset.pipeline}
        assert steps['SampleFrames']['clip_len'] == 8
        sizes = {step['scale'][1] for step in loader.dataset.pipeline if step['type'] == 'Resize'}
        assert sizes == {64}
        assert len(steps) == len(
            {step['type'] for step in plain[f'{name}_dataloader'].dataset.pipeline}
        )
    # blends alone are half as many samples and harder to learn
    epochs = 24 if path.stem.startswith('sbi_ce') else 8
    assert (mini.train_cfg.max_epochs, plain.train_cfg.max_epochs) == (epochs, 50)
    assert mini.param_scheduler[-1].end == epochs
    hooks = [hook for hook in mini.custom_hooks if hook.type == 'mmfake.LabelMoCoHook']
    assert len(hooks) == len(plain.custom_hooks) == ('con' in path.stem.split('_holdout_')[0])
    assert all((hook.momentum, hook.queue_size) == (0.99, 256) for hook in hooks)
    assert mini.model == plain.model


def test_later_ones_win_and_the_work_dir_follows_from_the_name(tmp_path):
    (tmp_path / 'scale.py').write_text("data_root = 'of_scale'\ntrain_cfg = dict(max_epochs=2)")
    scale = str(tmp_path / 'scale.py')
    cfg = load_config(
        str(CONFIGS[0]), scale, data_root='given', options={'train_cfg.max_epochs': 3}
    )
    assert cfg.train_dataloader.dataset.data_root == 'given'
    assert cfg.train_cfg.max_epochs == 3
    assert cfg.work_dir == f'work_dirs/{CONFIGS[0].stem}'
    assert load_config(str(CONFIGS[0]), work_dir='mine').work_dir == 'mine'


def test_the_data_root_reaches_a_wrapped_dataset(config):
    config.write_text(
        "dataset = dict(type='RepeatDataset', times=2, dataset=dict(type='x', data_root='old'))\n"
        'train_dataloader = dict(dataset=dataset)'
    )
    dataset = load_config(str(config), data_root='new').train_dataloader.dataset
    assert dataset.dataset.data_root == 'new'
    assert 'data_root' not in dataset


@pytest.mark.parametrize(
    ('key', 'reason'),
    [
        ('hooks.0.x', 'hooks is a list of 0 entries, which count from 0'),
        ('pair.x', 'pair is a list of 2 entries'),
        ('pair.0', 'pair is a list: give it whole'),
        ('loader.size.x', 'loader.size is 3, which has nothing below it'),
    ],
)
def test_a_setting_that_leads_nowhere_is_told_with_its_place(config, key, reason):
    config.write_text('hooks = []\npair = [dict(), dict()]\nloader = dict(size=3)')
    with pytest.raises(MMFakeError, match=f'--cfg-options {key}: does not fit, {reason}'):
        load_config(str(config), options={key: 1})
    assert load_config(str(config), options={'pair.0.x': 1}).pair[0].x == 1


SOME_CONFIG = """
clip_len = 32
optim_wrapper = dict(type='OptimWrapper', paramwise_cfg=dict(custom_keys=dict(a=dict(x=1))))
train_dataloader = dict(batch_size=2)
default_hooks = dict()
"""


@pytest.mark.parametrize(
    ('key', 'reason'),
    [
        ('train_dataloder.batch_size', 'no train_dataloder; did you mean train_dataloader?'),
        ('nothing.like.it', 'no nothing.'),
        ('load_form', 'no load_form; did you mean load_from?'),
        ('train_dataloader.datset.holdout', 'no train_dataloader.datset.'),
        ('optim_wrapper.clip_gard.max_norm', 'no optim_wrapper.clip_gard; did you mean clip_grad?'),
        ('default_hooks.logger.interval', 'no default_hooks.logger.'),
    ],
)
def test_a_setting_that_nobody_reads_is_refused(config, key, reason):
    config.write_text(SOME_CONFIG)
    with pytest.raises(MMFakeError) as error:
        load_config(str(config), options={key: 1})
    assert str(error.value) == f'--cfg-options {key}: the config has {reason}'


@pytest.mark.parametrize(
    'options',
    [
        {'randomness.seed': 3},  # of the Runner
        {'optim_wrapper.clip_grad.max_norm': 1},  # of the class OptimWrapper
        {'optim_wrapper.paramwise_cfg.custom_keys.b.lr_mult': 1},
        {'default_hooks.logger.type': 'LoggerHook', 'default_hooks.logger.interval': 1},
        {'my_own': 1, 'train_dataloader.prefetch_factor': 4},
    ],
)
def test_a_new_setting_that_somebody_reads_is_set(config, options):
    config.write_text(SOME_CONFIG)
    cfg = load_config(str(config), options=options)
    for key, value in options.items():
        assert functools.reduce(getattr, key.split('.'), cfg) == value


def test_a_name_of_mmcv_1_is_told_with_that_of_today(config):
    config.write_text(SOME_CONFIG)
    for key in ('evaluation.interval', 'total_epochs'):
        with pytest.raises(MMFakeError, match=f'{key}: nothing reads .*mmcv 1; set .*train_cfg'):
            load_config(str(config), options={key: 1})


def test_a_variable_that_was_read_already_is_refused(config):
    config.write_text(SOME_CONFIG)
    with pytest.raises(MMFakeError, match='clip_len is a variable .* changes nothing'):
        load_config(str(config), options={'clip_len': 16})


@pytest.mark.parametrize(
    ('lines', 'reason'),
    [
        ('clip_len = 16', 'clip_len is a variable .* changes nothing; call set_clip_size'),
        ('data_root = "elsewhere"', 'data_root is a variable .* give --data-root DIR'),
        ('test_pipeline = []', r'test_pipeline is a .* set test_dataloader.dataset.pipeline.N.KEY'),
        ('optim_wraper = dict(lr=1)', 'nothing reads optim_wraper; did you mean optim_wrapper?'),
        ('total_epochs = 5', 'nothing reads total_epochs, .* mmcv 1; set train_cfg.max_epochs.$'),
        ('data = dict(workers_per_gpu=2)', 'nothing reads data, .*; set train_dataloader, val_'),
        ('optimizer = dict(lr=1)', 'nothing reads optimizer, .*; set optim_wrapper.optimizer.$'),
        ('custom_hook = [1]', 'nothing reads custom_hook; did you mean custom_hooks?'),
    ],
)
def test_a_name_in_an_inheriting_config_that_nobody_reads_is_refused(config, lines, reason):
    config.with_name('base.py').write_text(SOME_CONFIG)
    config.write_text(f"_base_ = 'base.py'\n{lines}\n")
    with pytest.raises(MMFakeError, match=f'^{config}: {reason}'):
        load_config(str(config))
    # also where another config inherits the one with the mistake
    above = config.with_name('above.py')
    above.write_text("_base_ = ['config.py']\nload_from = None\n")
    with pytest.raises(MMFakeError, match=f'^{config}: {reason}'):
        load_config(str(above))


def test_a_name_in_an_inheriting_config_that_somebody_reads_is_set(config):
    config.with_name('base.py').write_text(SOME_CONFIG)
    config.write_text(
        "_base_ = './base.py'\nclip_len = 16\nmy_own = 2\nload_from = 'x.pth'\n"
        'train_dataloader = dict(clip_len=clip_len)\n'
    )
    assert load_config(str(config)).train_dataloader.clip_len == 16
    config.write_text("_base_ = './base.py'\nimage_size = 9\n")
    above = config.with_name('above.py')
    above.write_text("_base_ = 'config.py'\nval_dataloader = dict(side=_base_.image_size)\n")
    assert load_config(str(above)).val_dataloader.side == 9


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('mymods', "cannot import mymods .No module named 'mymods'.*PYTHONPATH=FOLDER"),
        ('os.nothing', "cannot import os.nothing .No module named 'os.nothing'"),
        ('needs_more', "cannot import needs_more .No module named 'not_installed'"),
    ],
)
def test_a_module_that_is_not_there_is_named(config, monkeypatch, name, reason):
    config.with_name('needs_more.py').write_text('import not_installed')
    monkeypatch.syspath_prepend(str(config.parent))
    config.write_text(f'custom_imports = dict(imports=["mmfake.register", "{name}"])')
    with pytest.raises(MMFakeError, match=f'^{config}: {reason}'):
        load_config(str(config))


def test_typing_mistakes_in_names_of_files(config):
    config.write_text('x = 1')
    with pytest.raises(MMFakeError, match='confg.py: no such .* did you mean .*config.py'):
        load_config(str(config.with_name('confg.py')))
    with pytest.raises(MMFakeError, match='--scale minni: .*which are mini; did you mean mini'):
        load_config(str(config), scale='minni')
    weights = config.with_name('best.pth')
    weights.touch()
    with pytest.raises(MMFakeError, match='best.pth is a checkpoint, .* CONFIG, then CHECKPOINT'):
        load_config(str(weights))


@pytest.mark.parametrize(
    ('holdout', 'kept', 'n_classes'), [('nt', 'nt', 4), ('none', None, 5), (None, 'f2f', 4)]
)
def test_one_option_sets_hold_out_and_compression_of_all_loaders(holdout, kept, n_classes):
    path = CONFIGS[0].with_name('bin_multi_ce_holdout_f2f.py')
    cfg = load_config(str(path), holdout=holdout, compression='c40' if holdout else None)
    for name in ('train', 'val', 'test'):
        dataset = cfg[f'{name}_dataloader'].dataset
        assert dataset.holdout == kept
        assert dataset.compression == ('c40' if holdout else 'c23')
    heads = cfg.model.multi.cls_head, cfg.model.binary.cls_head
    assert [head.num_classes for head in heads] == [n_classes, 2]


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        (dict(holdout='f2'), "unknown manipulation 'f2'"),
        (dict(holdout='cdf'), "holdout 'cdf' is not among the methods"),
        (dict(compression='c41'), "unknown compression 'c41'"),
    ],
)
def test_a_hold_out_or_compression_that_is_none(options, reason):
    with pytest.raises(MMFakeError, match=reason):
        load_config(str(CONFIGS[0]), **options)


def test_a_default_hook_that_is_none_is_left_out(config):
    config.write_text("default_hooks = dict(timer=None, protocol=None, mine=dict(type='Mine'))")
    hooks = load_config(str(config)).default_hooks
    assert hooks.to_dict() == dict(timer=None, mine=dict(type='Mine'))
