"""Options of a training, and its end where it cannot write."""

import errno
import os
from pathlib import Path

import pytest
from mmengine.config import Config

from mmfake import MMFakeError
from mmfake.apis.train import set_training_options

CONFIG = Path(__file__).parents[2] / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'


@pytest.mark.parametrize(
    ('options', 'config', 'expected'),
    [
        ([], None, dict(seed=0)),
        (['--seed', '5'], None, dict(seed=5)),
        ([], dict(seed=7), dict(seed=7)),
        (['--seed', '5', '--deterministic'], dict(seed=7), dict(seed=5, deterministic=True)),
        (['--diff-rank-seed'], dict(seed=7), dict(seed=7, diff_rank_seed=True)),
    ],
)
def test_what_the_command_line_says_of_randomness_wins(options, config, expected, tool):
    args = tool('train').parse_args([str(CONFIG), *options])
    given = dict(
        seed=args.seed, diff_rank_seed=args.diff_rank_seed, deterministic=args.deterministic
    )
    cfg = Config(dict(randomness=config))
    set_training_options(cfg, **given)
    assert cfg.randomness == expected


@pytest.mark.parametrize('amp', [True, 'bfloat16'])
def test_mixed_precision_on_a_cpu_is_bfloat16(amp, monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper')))
    set_training_options(cfg, amp=amp)
    expected = dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))
    assert cfg.optim_wrapper == expected


@pytest.mark.parametrize(('amp', 'dtype'), [('float16', None), (True, 'float16')])
def test_float16_on_a_cpu_is_refused(amp, dtype, monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    wrapper = dict(type='OptimWrapper', **(dict(dtype=dtype) if dtype else {}))
    with pytest.raises(MMFakeError, match='--amp float16 needs a GPU, .* bfloat16: --amp bfloat16'):
        set_training_options(Config(dict(optim_wrapper=wrapper)), amp=amp)


def test_a_processor_without_bfloat16_is_told(monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    monkeypatch.setattr('mmfake.apis.train.has_bfloat16', lambda: False)
    told = []
    monkeypatch.setattr('mmfake.apis.train.print_log', lambda text, **_: told.append(text))
    set_training_options(Config(dict(optim_wrapper=dict(type='OptimWrapper'))), amp=True)
    assert ['no instructions for bfloat16' in text for text in told] == [True]


@pytest.mark.parametrize(
    ('words', 'config', 'expected'),
    [
        ([], {}, dict(type='OptimWrapper')),
        (['--amp'], {}, dict(loss_scale='dynamic')),
        (['--amp', 'float16'], {}, dict(loss_scale='dynamic', dtype='float16')),
        (['--amp', 'bfloat16'], {}, dict(loss_scale=dict(enabled=False), dtype='bfloat16')),
        (['--amp'], dict(dtype='bfloat16', loss_scale=2.0), dict(loss_scale=2.0, dtype='bfloat16')),
    ],
)
@pytest.mark.parametrize('first', [True, False])
def test_mixed_precision_by_type(words, config, expected, first, tool, monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    monkeypatch.setattr('torch.cuda.is_bf16_supported', lambda: True)
    args = tool('train').parse_args([*words, str(CONFIG)] if first else [str(CONFIG), *words])
    assert args.config == str(CONFIG)
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper', **config)))
    set_training_options(cfg, amp=args.amp)
    assert cfg.optim_wrapper == {'type': 'AmpOptimWrapper', **expected}


def test_bfloat16_on_a_gpu_without_it_is_refused(monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    monkeypatch.setattr('torch.cuda.is_bf16_supported', lambda: False)
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper')))
    with pytest.raises(MMFakeError, match='--amp bfloat16: this GPU has no bfloat16; use --amp fl'):
        set_training_options(cfg, amp='bfloat16')


@pytest.mark.parametrize('name', ['train', 'test'])
def test_a_full_disk_ends_in_one_line(name, tool, tiny_encoder, tmp_path, capfd, largest_file):
    """No file may grow beyond 9,000 bytes, as the copy of the config would."""
    (tmp_path / 'x.pth').touch()
    words = [str(CONFIG), '--scale', str(tiny_encoder), '--work-dir', str(tmp_path / 'work')]
    words += [str(tmp_path / 'x.pth')] if name == 'test' else []
    words += ['--cfg-options', f'experiment_name=full_{name}']  # mmengine's is the time in s
    main = tool(name).main
    with largest_file(9000), pytest.raises(MMFakeError) as error:
        main(words)
    assert f'work: the disk is full ({os.strerror(errno.EFBIG)}); ' in str(error.value)
    assert '\n' not in str(error.value)
    assert 'Traceback' not in capfd.readouterr().err


@pytest.mark.parametrize('name', ['train', 'test'])
def test_a_work_dir_that_cannot_be_made_ends_in_one_line(name, tool, tiny_encoder, tmp_path):
    (tmp_path / 'x.pth').touch()
    words = [str(CONFIG), '--scale', str(tiny_encoder), '--work-dir', f'{tmp_path}/x.pth/x']
    words += [str(tmp_path / 'x.pth')] if name == 'test' else []
    with pytest.raises(MMFakeError, match='pth/x: a work dir cannot be made .*Not a directory'):
        tool(name).main(words)
