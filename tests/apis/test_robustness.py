"""The robustness command on a small network and a rendered tree: tables, resuming, refusals."""

import json

import pandas as pd
import pytest
import torch

from mmfake.apis.many_tests import _settings, plan_test, read_detectors
from mmfake.apis.robustness import _refused, _where
from mmfake.datasets.perturbed import perturb
from mmfake.engine.config import load_config
from mmfake.errors import MMFakeError
from mmfake.evaluation.scores_file import read_scores_file
from mmfake.video.degradations import LEVELS

CONFIG = 'configs/mtl/bin_ce_holdout_f2f.py'


@pytest.fixture
def no_figures(monkeypatch):
    """Where only texts and numbers are looked at: laying figures out takes seconds."""
    monkeypatch.setattr('mmfake.apis.robustness.save_png_and_svg', lambda figure, stem: None)


def test_the_table_is_that_of_tests_made_one_by_one(
    small_scale, checkpoints, tmp_path, tool, capfd
):
    out = tmp_path / 'out'
    words = [CONFIG, *checkpoints, '--scale', small_scale, '--out', str(out), '--bootstrap', '50']
    words += ['--kinds', 'noise', '--levels', '2']
    assert tool('robustness').main(words) == 0
    printed = capfd.readouterr()
    assert printed.err.count('tested ') == 4
    assert 'before anything is cut out' in printed.out
    assert 'Perturb(' not in printed.out  # each test warns that its pipeline has it
    sidecar = json.loads((out / 'bin_ce_holdout_f2f_5' / 'noise_2' / 'scores.json').read_text())
    assert any('Perturb(' in line for line in sidecar['warnings'])
    table = pd.read_csv(out / 'robustness.csv')
    assert set(table['seeds']) == {'3 5'}
    assert {(out / f'robustness{end}').is_file() for end in ('.md', '.png', '.svg')} == {True}
    record = json.loads((out / 'robustness.json').read_text())
    assert [run['threshold'] for run in record['runs']] == [0.4] * 4

    # the same by hand
    by_hand = tmp_path / 'by_hand.py'
    by_hand.write_text(f"""
_base_ = {str(tmp_path / 'leaf.py')!r}
from mmfake.datasets.perturbed import perturb

perturb(_base_, 'test', 'noise', 2, seed=0)
""")
    load_config(CONFIG, small_scale).dump(tmp_path / 'leaf.py')
    work = str(tmp_path / 'work')
    assert tool('test').main([str(by_hand), checkpoints[1], '--work-dir', work]) == 0
    mine = read_scores_file(out / 'bin_ce_holdout_f2f_5' / 'noise_2' / 'scores.csv')
    assert mine.equals(read_scores_file(f'{work}/scores.csv'))
    clean = read_scores_file(out / 'bin_ce_holdout_f2f_5' / 'clean' / 'scores.csv')
    assert not mine['score'].equals(clean['score'])

    # again: nothing is tested, and a file that is gone or changed is made anew
    first = (out / 'robustness.csv').read_bytes()
    (out / 'bin_ce_holdout_f2f_3' / 'noise_2' / 'test.json').unlink()
    with open(out / 'bin_ce_holdout_f2f_3' / 'clean' / 'scores.csv', 'a') as file:
        file.write('\n')
    capfd.readouterr()
    assert tool('robustness').main(words) == 0
    told = capfd.readouterr().err
    assert (told.count('tested '), told.count('skipped ')) == (2, 2)
    assert (out / 'robustness.csv').read_bytes() == first


def test_kinds_that_would_do_nothing(
    small_scale, checkpoints, tmp_path, tool, capfd, monkeypatch, no_figures
):
    words = [
        CONFIG,
        checkpoints[0],
        '--scale',
        small_scale,
        '--out',
        str(tmp_path),
        '--levels',
        '1',
    ]
    with pytest.raises(MMFakeError, match="'patch' puts .* none on pictures of 64 x 64 px"):
        tool('robustness').main([*words, '--kinds', 'blur', 'patch'])
    assert not any(tmp_path.iterdir())

    # of all kinds they are left out
    two = {kind: LEVELS[kind] for kind in ('patch', 'contrast')}
    monkeypatch.setattr('mmfake.apis.robustness.LEVELS', two)
    assert tool('robustness').main([*words, '--kinds', 'all', '--bootstrap', '20']) == 0
    text = capfd.readouterr().out
    assert "- Left out: degradation 'patch' puts" in text
    assert [line.split()[1] for line in text.splitlines() if line.startswith('| ')] == [
        *('detector', 'bin_ce_holdout_f2f', 'kind', 'contrast')
    ]


def test_a_single_frame_has_no_frame_rate(small_scale):
    cfg = load_config(
        CONFIG, small_scale, options={'test_dataloader.dataset.pipeline.1.clip_len': 1}
    )
    assert set(_refused(cfg, LEVELS)) == {'patch', 'frame_rate'}


def test_any_decoder_and_any_wrapper_of_the_dataset_will_do(small_scale):
    cfg = load_config(CONFIG, small_scale)
    inner = cfg.test_dataloader.dataset
    inner.pipeline = [
        dict(
            step,
            type=step['type'].replace('mmfake.VideoInit', 'PyAVInit').replace('Decord', 'PyAV'),
        )
        for step in inner.pipeline
    ]
    assert set(_refused(cfg, LEVELS)) == {'patch'}
    cfg.test_dataloader.dataset = dict(type='ConcatDataset', datasets=[inner])
    assert set(_refused(cfg, LEVELS)) == {'patch'}
    assert 'the frames of the videos as they are' in _where(cfg)


def test_one_test_that_fails_does_not_keep_the_others(
    small_scale, checkpoints, tmp_path, tool, capfd, no_figures
):
    words = [
        CONFIG,
        checkpoints[0],
        '--scale',
        small_scale,
        '--out',
        str(tmp_path),
        '--levels',
        '1',
    ]
    words += ['--kinds', 'blur', '--bootstrap', '20']
    place = tmp_path / 'bin_ce_holdout_f2f_3' / 'blur_1'
    place.parent.mkdir()
    place.write_text('in the way')
    assert tool('robustness').main(words) == 3
    printed = capfd.readouterr()
    assert 'failed: bin_ce_holdout_f2f, seed 3, blur 1: ' in printed.err
    assert '- Not finished: bin_ce_holdout_f2f, seed 3, blur 1' in printed.out
    place.unlink()
    assert tool('robustness').main(words) == 0
    assert capfd.readouterr().err.count('skipped ') == 1


@pytest.mark.parametrize(
    ('words', 'names', 'told'),
    [
        (['{c}', 'none.pth'], None, 'none.pth: no such checkpoint file'),
        (['{a}', '{c}'], None, 'a config comes first'),
        (['{c}'], None, 'no checkpoint follows'),
        (['{c}', '{a}', '{a}'], None, 'have the same weights; give one of them'),
        (['{c}', '{a}', '{b}'], ['x'], '--names has 1 names for 2 checkpoints'),
    ],
)
def test_words_that_do_not_fit(words, names, told, checkpoints):
    places = dict(c=CONFIG, a=checkpoints[0], b=checkpoints[1])
    with pytest.raises(MMFakeError, match=told):
        read_detectors([word.format(**places) for word in words], names)


def test_a_checkpoint_and_its_published_copy_are_no_two_seeds(checkpoints, tmp_path):
    content = torch.load(checkpoints[0], weights_only=False)
    torch.save({key: content[key] for key in ('state_dict', 'meta')}, tmp_path / 'published.pth')
    with pytest.raises(MMFakeError, match=r'published\.pth have the same weights'):
        read_detectors([CONFIG, checkpoints[0], str(tmp_path / 'published.pth')])


def test_two_epochs_of_a_training_are_no_two_seeds(checkpoints, tmp_path):
    content = torch.load(checkpoints[0], weights_only=False)
    content['state_dict'] = {key: value + 1 for key, value in content['state_dict'].items()}
    torch.save(content, tmp_path / 'later.pth')
    words = [CONFIG, checkpoints[0], str(tmp_path / 'later.pth')]
    with pytest.raises(MMFakeError, match=r'later\.pth are both of seed 3: they are no two seeds'):
        read_detectors(words)
    one, other = read_detectors(words, ['epoch 1', 'epoch 2'])
    assert (one.seed, other.seed) == (3, 3)
    del content['meta']['seed']  # whose seed nobody knows
    torch.save(content, tmp_path / 'later.pth')
    one, other = read_detectors(words)
    assert (one.seed, other.seed) == (0, 1)


@pytest.mark.parametrize(
    ('option', 'anew'), [('threshold', True), ('n_bootstrap', False), ('confidence', False)]
)
def test_another_threshold_makes_a_test_anew(checkpoints, small_scale, tmp_path, option, anew):
    (detector,) = read_detectors([CONFIG, checkpoints[0]])
    before = plan_test(detector, 'clean', tmp_path, scale=small_scale)
    options = {f'test_evaluator.{option}': 0.6}
    after = plan_test(detector, 'clean', tmp_path, scale=small_scale, options=options)
    assert (_settings(before) != _settings(after)) == anew


def test_seeds_are_those_of_the_trainings_where_they_tell(checkpoints):
    one, other = read_detectors([CONFIG, *checkpoints])
    assert (one.name, one.seed, other.seed) == ('bin_ce_holdout_f2f', 3, 5)
    one, other = read_detectors([CONFIG, *checkpoints], ['my run/1', 'b'])
    assert (one.folder, other.folder) == ('my_run_1_3', 'b_5')


def test_a_worker_tells_a_mistake_in_one_line(small_scale, checkpoints, tmp_path, tool):
    cfg = load_config(CONFIG, small_scale)
    perturb(cfg, 'test', 'patch', 1)
    cfg.test_dataloader.update(num_workers=1)
    cfg.dump(tmp_path / 'patched.py')
    words = [str(tmp_path / 'patched.py'), checkpoints[0], '--work-dir', str(tmp_path / 'work')]
    with pytest.raises(MMFakeError) as caught:
        tool('test').main(words)
    assert str(caught.value).startswith("degradation 'patch' puts its squares")
