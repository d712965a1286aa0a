"""The two commands of the product, run as a user runs them."""

import csv
import os
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
TRAIN, TEST = ROOT / 'tools' / 'train.py', ROOT / 'tools' / 'test.py'
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'


def one_line(done, *parts):
    """The command ended in one line of error, without a traceback."""
    assert done.returncode == 2, done.stderr
    assert 'Traceback' not in done.stderr + done.stdout
    (line,) = (line for line in done.stderr.splitlines() if line.startswith('error: '))
    assert all(str(part) in line for part in parts), line


@pytest.fixture(scope='module')
def trained(tmp_path_factory, command, smoke):
    """The work dir of one epoch of the regime with the most parts."""
    work_dir = tmp_path_factory.mktemp('trained')
    done = command('python', TRAIN, CONFIG, '--scale', smoke, '--work-dir', work_dir)
    assert done.returncode == 0, done.stderr
    done.work_dir = work_dir
    return done


def test_training_validates_on_seen_methods_and_saves_the_best(trained):
    output = trained.stdout + trained.stderr
    assert output.count('THE ENCODER STARTS FROM RANDOM WEIGHTS') == 1
    assert 'github.com/TengdaHan/CoCLR' in output
    assert 'FFPPDataset train, hold-out f2f: 16 videos (4 original, 4 df, 4 fs, 4 nt)' in output
    assert 'scored 8 of 8 videos' in output
    assert '| f2f' not in output
    for term in ('binary.loss_ce', 'binary.loss_contrast', 'multi.loss_contrast'):
        assert f'{term}: ' in output
    assert list(trained.work_dir.glob('best_deepfake_auc_epoch_1.pth'))


def test_test_scores_the_method_never_seen(trained, command, smoke):
    work_dir = trained.work_dir
    checkpoint = work_dir / 'best_deepfake_auc_epoch_1.pth'
    arguments = ['--scale', smoke, '--work-dir', work_dir]
    done = command('python', TEST, CONFIG, checkpoint, *arguments)
    assert done.returncode == 0, done.stderr
    assert 'scored 4 of 4 videos; not scored: 0' in done.stdout
    assert 'Threshold chosen on validation' in done.stdout
    rows = list(csv.DictReader((work_dir / 'scores.csv').open()))
    assert [row['method'] for row in rows] == ['f2f', 'f2f', 'original', 'original']
    assert all(0 <= float(row['score']) <= 1 and row['clips'] == '4' for row in rows)


def test_published_weights_score_the_same(trained, command, smoke, tmp_path):
    (published,) = trained.work_dir.glob('best_deepfake_auc_epoch_1-*.pth')
    scores = []
    for checkpoint in (published, trained.work_dir / 'best_deepfake_auc_epoch_1.pth'):
        out = tmp_path / f'{checkpoint.stem}.csv'
        options = ['--scale', smoke, '--work-dir', tmp_path, '--scores', out]
        assert command('python', TEST, CONFIG, checkpoint, *options).returncode == 0
        scores.append(out.read_text())
    assert scores[0] == scores[1]


def test_another_hold_out_is_refused(trained, command, smoke, tmp_path):
    other = CONFIG.with_name('bin_multi_con_holdout_fs.py')
    checkpoint = trained.work_dir / 'epoch_1.pth'
    options = ['--scale', smoke, '--work-dir', tmp_path]
    one_line(command('python', TEST, other, checkpoint, *options), 'fs is no method')
    one_line(
        command('python', TRAIN, other, '--resume', checkpoint, *options), 'this config trains'
    )


def test_other_clips_than_it_was_validated_with_are_refused(trained, command, smoke, tmp_path):
    checkpoint = trained.work_dir / 'epoch_1.pth'
    scale = tmp_path / 'larger.py'
    text = f'clip_size = dict(clip_len=9, image_size=40)\n_base_ = {str(smoke)!r}\n'
    scale.write_text(text)
    options = ['--scale', scale, '--work-dir', tmp_path / 'work']
    done = command('python', TEST, CONFIG, checkpoint, *options)
    one_line(done, 'clips of 8 x 32 x 32', '9 x 40 x 40', '--scale', 'refuse=False')
    assert not list(tmp_path.rglob('scores.csv'))
    anyway = ['--cfg-options', 'default_hooks.clip_shape.refuse=False']
    assert command('python', TEST, CONFIG, checkpoint, *options, *anyway).returncode == 0


def test_resume_goes_on(trained, command, smoke):
    options = ['--scale', smoke, '--work-dir', trained.work_dir, '--resume']
    done = command('python', TRAIN, CONFIG, *options, '--cfg-options', 'train_cfg.max_epochs=2')
    assert done.returncode == 0, done.stderr
    assert 'Epoch(train) [2][' in done.stdout
    assert 'Epoch(train) [1][' not in done.stdout
    assert 'dataset metainfo from the resumed checkpoint is different' not in done.stdout
    assert (trained.work_dir / 'epoch_2.pth').is_file()


def test_a_checkpoint_that_would_run_code_is_refused(command, smoke, tmp_path):
    class Attack:
        def __reduce__(self):
            return os.system, (f'touch {tmp_path}/ran',)

    torch.save(dict(state_dict={}, meta=Attack()), tmp_path / 'attack.pth')
    options = ['--scale', smoke, '--work-dir', tmp_path / 'work']
    done = command('python', TEST, CONFIG, tmp_path / 'attack.pth', *options)
    one_line(done, 'attack.pth: refused', 'posix.system')
    assert not (tmp_path / 'ran').exists()


def test_without_the_dataset_it_says_where_to_get_it_and_leaves_nothing(command, tmp_path):
    done = command('python', TRAIN, CONFIG, cwd=tmp_path)
    one_line(done, 'data/ffpp', 'github.com/ondyari/FaceForensics', 'tools/demo.sh')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('arguments', 'parts'),
    [
        ([TRAIN, 'nowhere.py'], ['nowhere.py: no such config file']),
        ([TEST, CONFIG, 'nowhere.pth'], ['nowhere.pth: no such checkpoint file']),
        ([TRAIN, CONFIG, '--scale', 'giant'], ['giant: no such config file']),
        ([TRAIN, CONFIG, '--resume', 'nowhere.pth'], ['nowhere.pth: no such checkpoint file']),
        ([TRAIN, ROOT / 'configs/_base_/datasets/ffpp.py'], ['the config has no model']),
        (
            [TRAIN, CONFIG, '--cfg-options', 'model.backbone.typo=3'],
            ['model of the config', 'typo'],
        ),
        ([TRAIN, ROOT / 'README.md'], ['README.md: not a config that can be read']),
        (
            [TRAIN, CONFIG, '--cfg-options', 'custom_hooks=[]'],
            ['model.binary.contrastive_head', 'LabelMoCoHook'],
        ),
    ],
)
def test_a_mistake_ends_in_one_line(command, arguments, parts, tmp_path):
    one_line(command('python', *arguments, cwd=tmp_path), *parts)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_video_is_named_and_not_scored(trained, command, smoke, tiny_tree, tmp_path):
    video = tiny_tree / 'original_sequences' / 'youtube' / 'c23' / 'videos' / '003.mp4'
    content = video.read_bytes()
    video.write_bytes(b'')
    try:
        options = ['--scale', smoke, '--work-dir', tmp_path]
        checkpoint = trained.work_dir / 'epoch_1.pth'
        done = command('python', TEST, CONFIG, checkpoint, *options)
    finally:
        video.write_bytes(content)
    assert done.returncode == 0, done.stderr
    assert 'scored 3 of 4 videos; not scored: 1' in done.stdout
    rows = {row['video']: row for row in csv.DictReader((tmp_path / 'scores.csv').open())}
    row = rows['ffpp/original/c23/003']
    assert (row['score'], row['status']) == ('', 'not-scored')
    assert row['reason']
