"""The two commands of the product: each once in a process of its own with S3D, then forked."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

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
    """The work dir of one epoch of the regime with the most parts, as shipped."""
    work_dir = tmp_path_factory.mktemp('trained')
    options = ['--scale', smoke, '--work-dir', work_dir]
    done = command('python', TRAIN, CONFIG, *options, fresh=True)
    assert done.returncode == 0, done.stderr
    done.work_dir = work_dir
    return done


@pytest.fixture(scope='module')
def tiny(tmp_path_factory, command, tiny_encoder):
    """The same with a tiny encoder."""
    work_dir = tmp_path_factory.mktemp('tiny')
    done = command('python', TRAIN, CONFIG, '--scale', tiny_encoder, '--work-dir', work_dir)
    assert done.returncode == 0, done.stderr
    return work_dir


def test_training_validates_on_seen_methods_and_saves_the_best(trained):
    output = trained.stdout + trained.stderr
    lines = trained.stdout.splitlines()
    first = next(place for place, line in enumerate(lines) if 'Epoch(train) [1][1' in line)
    reminders = [place for place, line in enumerate(lines) if 'STARTS FROM RANDOM WEIGHTS' in line]
    assert reminders[1:] == [first - 1, len(lines) - 1]
    assert 'github.com/TengdaHan/CoCLR' in output
    assert len(lines) < 700
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
    done = command('python', TEST, CONFIG, checkpoint, *arguments, fresh=True)
    assert done.returncode == 0, done.stderr
    assert 'scored 4 of 4 videos; not scored: 0' in done.stdout
    meta = torch.load(checkpoint, weights_only=False)['meta']
    known = 'val_threshold' in meta  # an epoch of 16 videos may be no better than chance
    told = 'Threshold chosen on validation' if known else 'No threshold from validation'
    assert told in done.stdout
    assert f'AUC {meta["validation"]["auc"]:.3f} [' in done.stdout
    assert ('no better than chance' in trained.stdout + trained.stderr) != known
    rows = list(csv.DictReader((work_dir / 'scores.csv').open()))
    assert [row['method'] for row in rows] == ['f2f', 'f2f', 'original', 'original']
    assert all(0 <= float(row['score']) <= 1 and row['clips'] == '4' for row in rows)


def test_published_weights_score_the_same(tiny, command, tiny_encoder, tmp_path):
    (published,) = tiny.glob('best_deepfake_auc_epoch_1-*.pth')
    scores = []
    for checkpoint in (published, tiny / 'best_deepfake_auc_epoch_1.pth'):
        out = tmp_path / f'{checkpoint.stem}.csv'
        options = ['--scale', tiny_encoder, '--work-dir', tmp_path, '--scores', out]
        assert command('python', TEST, CONFIG, checkpoint, *options).returncode == 0
        scores.append(out.read_text())
    assert scores[0] == scores[1]


def contents(folder):
    """Every file and folder, with the content of the files but the lock."""
    files = {path: path.is_file() and path.read_bytes() for path in folder.rglob('*')}
    return {path: content for path, content in files.items() if path.name != '.lock'}


@pytest.mark.parametrize('other', ['a config of another hold-out', '--holdout fs'])
def test_another_hold_out_is_refused_and_leaves_nothing(
    tiny, command, tiny_encoder, tmp_path, other
):
    words = [CONFIG.with_name('bin_multi_con_holdout_fs.py')]
    if other == '--holdout fs':
        words = [CONFIG, *other.split()]
    checkpoint = tiny / 'epoch_1.pth'
    options = ['--scale', tiny_encoder, '--work-dir', tmp_path]
    one_line(command('python', TEST, *words, checkpoint, *options), 'fs is no method')
    before = contents(tiny)
    resumed = [*words, '--resume', '--scale', tiny_encoder, '--work-dir', tiny]
    one_line(command('python', TRAIN, *resumed), 'this config trains')
    assert contents(tiny) == before


def test_the_config_of_a_test_does_not_take_the_place_of_the_training_s(
    tiny, command, tiny_encoder
):
    dump = (tiny / CONFIG.name).read_text()
    options = ['--scale', tiny_encoder, '--work-dir', tiny]
    assert command('python', TEST, CONFIG, tiny / 'epoch_1.pth', *options).returncode == 0
    assert (tiny / CONFIG.name).read_text() == dump
    dumps = [tiny / f'test_{CONFIG.name}', *tiny.glob('*/vis_data/config.py')]
    assert len(dumps) >= 3
    for path in dumps:
        cfg = Config.fromfile(path)
        assert (cfg.load_from, cfg.resume) == (None, False)


def test_other_clips_than_it_was_validated_with_are_refused(tiny, command, tiny_encoder, tmp_path):
    checkpoint = tiny / 'epoch_1.pth'
    scale = tmp_path / 'larger.py'
    text = f'clip_size = dict(clip_len=9, image_size=40)\n_base_ = {str(tiny_encoder)!r}\n'
    scale.write_text(text)
    options = ['--scale', scale, '--work-dir', tmp_path / 'work']
    done = command('python', TEST, CONFIG, checkpoint, *options)
    one_line(done, 'clips of 8 x 32 x 32', '9 x 40 x 40', '--scale', 'refuse=False')
    assert not list(tmp_path.rglob('scores.csv'))
    anyway = ['--cfg-options', 'default_hooks.clip_shape.refuse=False']
    assert command('python', TEST, CONFIG, checkpoint, *options, *anyway).returncode == 0


def test_resume_goes_on(tiny, command, tiny_encoder):
    options = ['--scale', tiny_encoder, '--work-dir', tiny, '--resume']
    changed = ['train_cfg.max_epochs=2', 'sync_bn=mmcv', 'model.binary.cls_head.dropout_ratio=0.5']
    done = command('python', TRAIN, CONFIG, *options, '--cfg-options', *changed)
    assert done.returncode == 0, done.stderr
    assert 'sync_bn=mmcv has no effect in a single process' in done.stdout
    told = 'than its checkpoint has (model.binary.cls_head.dropout_ratio: 0.2, now 0.5)'
    assert told in done.stdout
    assert 'Epoch(train) [2][' in done.stdout
    assert 'Epoch(train) [1][' not in done.stdout
    assert 'dataset metainfo from the resumed checkpoint is different' not in done.stdout
    assert (tiny / 'epoch_2.pth').is_file()
    assert not Config.fromfile(tiny / CONFIG.name).resume


def test_a_checkpoint_that_would_run_code_is_refused(command, tiny_encoder, tmp_path):
    class Attack:
        def __reduce__(self):
            return os.system, (f'touch {tmp_path}/ran',)

    torch.save(dict(state_dict={}, meta=Attack()), tmp_path / 'attack.pth')
    options = ['--scale', tiny_encoder, '--work-dir', tmp_path / 'work']
    done = command('python', TEST, CONFIG, tmp_path / 'attack.pth', *options)
    one_line(done, 'attack.pth: refused', 'posix.system')
    assert not (tmp_path / 'ran').exists()


def test_a_checkpoint_of_another_kind_ends_in_one_line(tiny, command, tiny_encoder, tmp_path):
    checkpoint = torch.load(tiny / 'epoch_1.pth', weights_only=False)
    checkpoint['optimizer'] = 3
    torch.save(checkpoint, tmp_path / 'odd.pth')
    options = ['--scale', tiny_encoder, '--work-dir', tmp_path / 'work']
    done = command('python', TRAIN, CONFIG, '--resume', tmp_path / 'odd.pth', *options)
    one_line(done, 'odd.pth')


def test_without_the_dataset_it_says_where_to_get_it(command, tmp_path):
    done = command('python', TRAIN, CONFIG, cwd=tmp_path)
    one_line(done, 'data/ffpp', 'github.com/ondyari/FaceForensics', 'tools/demo.sh')
    assert not list(tmp_path.rglob('*.pth'))


SETTINGS = [
    # a word that is no KEY=VALUE, also where it was meant as something else
    (['foo'], ['--cfg-options foo: not KEY=VALUE (it has no "=")']),
    (['=3'], ['--cfg-options =3: not KEY=VALUE (a part of its key is empty)']),
    (['train_cfg..a=3'], ['--cfg-options train_cfg..a=3: not KEY=VALUE (a part of its key']),
    (['x=[1,(2]'], ['--cfg-options x=[1,(2]: not KEY=VALUE', 'Imbalanced brackets']),
    # an entry of a list that is not there, a key below a number
    (['custom_hooks.3.momentum=0.9'], ['custom_hooks is a list of 1 entries']),
    (['train_dataloader.batch_size.x=3'], ['train_dataloader.batch_size is 4, which has nothing']),
    (['train_dataloader=3'], ['train_dataloader of the config is 3, and has to be a dict']),
    # what no class takes
    (
        ['optim_wrapper.optimizer.lrr=1'],
        ['optim_wrapper.optimizer.lrr of the config: TypeError', 'did you mean lr?'],
    ),
    (['param_scheduler.0.start_fac=1'], ['param_scheduler.0.start_fac of', 'start_factor?']),
    (['model.binary.cls_head.typo=3'], ['model.binary.cls_head.typo of the config: TypeError']),
    (['model.binary.cls_head.type=mmfake.MLPhead'], ['model.binary.cls_head', 'mean MLPHead?']),
    (
        ['train_dataloader.dataset.holdot=df'],
        ['train_dataloader.dataset.holdot of the config', 'did you mean holdout?'],
    ),
    (
        ['default_hooks.chekpoint.interval=1'],
        ['the config has no default_hooks.chekpoint; did you mean checkpoint?'],
    ),
    (['optim_wrapper=3'], ['optim_wrapper of the config is 3, and has to be a dict']),
    (['load_from=3'], ['load_from of the config is 3, and has to be a path']),
    (['model.binary=3'], ['model.binary of the config is 3, and has to be a dict']),
    (['model.streams=[a]'], ["model.streams of the config is ['a'], and has to be a dict"]),
    (['train_cfg=3'], ['the Runner cannot take the config: TypeError: train_loop should be']),
    (['randomness.seed=x'], ["randomness.seed of the config is 'x', and has to be"]),
    (['custom_hooks=[dict(type=A)]'], ['custom_hooks of the config is', 'a list of dicts']),
    (['default_hooks.logger.intervall=1'], ['default_hooks.logger.intervall', 'mean interval?']),
    # what nobody reads, or what a transform takes and does not look at
    (['train_dataloder.batch_size=4'], ['no train_dataloder; did you mean train_dataloader?']),
    (['train_dataloader.dataset.pipeline.1.clip_length=5'], ['SampleFrames', 'mean clip_len?']),
    # loaders that disagree
    (['train_dataloader.dataset.holdout=df'], ['holdout df, val_dataloader f2f', '--holdout']),
    (['test_dataloader.dataset.holdout=df'], ['holds out df as never seen, but train_dataloader']),
    # numbers
    (['train_dataloader.batch_size=0'], ['train_dataloader.batch_size is 0']),
    (['train_dataloader.dataset.pipeline.1.clip_len=0'], ['pipeline.1.clip_len is 0']),
    (['train_dataloader.batch_size=17'], ['16 videos to train on', 'size=17', 'at most 16']),
    (['val_evaluator.n_bootstap=9'], ['val_evaluator.n_bootstap', 'mean n_bootstrap?']),
    (['train_cfg.max_epoch=9'], ['train_cfg.max_epoch of the config', 'mean max_epochs?']),
    # the width of the encoder
    (
        ['model.binary.cls_head.in_channels=31', 'model.multi.contrastive_head.in_channels=31'],
        ['ResNet3d gives 32 channels', 'model.binary.cls_head.in_channels is 31: set it to 32'],
    ),
    # a value that a class refuses
    (['optim_wrapper.optimizer.lr=-1'], ['optim_wrapper.optimizer', 'Invalid learning rate: -1']),
    (['visualizer.vis_backends.0.type=WandbVisBackend'], ['wandb']),
    (['custom_hooks=[]'], ['model.binary.contrastive_head', 'LabelMoCoHook']),
]


@pytest.mark.parametrize(('settings', 'parts'), SETTINGS, ids=[' '.join(s) for s, _ in SETTINGS])
def test_a_wrong_setting_ends_a_training_in_one_line(
    settings, parts, command, tiny_encoder, tmp_path
):
    options = ['--scale', tiny_encoder, '--work-dir', tmp_path / 'work']
    one_line(command('python', TRAIN, CONFIG, *options, '--cfg-options', *settings), *parts)
    assert not list(tmp_path.rglob('*.pth'))


@pytest.mark.parametrize(
    ('settings', 'parts'),
    [
        (['foo'], ['--cfg-options foo: not KEY=VALUE']),
        (['test_dataloader.batch_size.x=3'], ['test_dataloader.batch_size is 4']),
        (['test_evaluator=None'], ['an option of the test does not fit this config']),
        (['test_evaluator.n_bootstap=9'], ['test_evaluator.0.n_bootstap', 'mean n_bootstrap?']),
        (['test_dataloader.dataset.holdot=df'], ['test_dataloader.dataset.holdot', 'holdout?']),
    ],
)
def test_a_wrong_setting_ends_a_test_in_one_line(
    settings, parts, tiny, command, tiny_encoder, tmp_path
):
    options = ['--scale', tiny_encoder, '--work-dir', tmp_path / 'work']
    checkpoint = tiny / 'epoch_1.pth'
    done = command('python', TEST, CONFIG, checkpoint, *options, '--cfg-options', *settings)
    one_line(done, *parts)
    assert not list(tmp_path.rglob('scores.csv'))


@pytest.mark.parametrize(
    ('arguments', 'parts'),
    [
        ([TRAIN, 'nowhere.py'], ['nowhere.py: no such config file']),
        ([TEST, CONFIG, 'nowhere.pth'], ['nowhere.pth: no such checkpoint file']),
        ([TRAIN, CONFIG, '--scale', 'giant'], ['--scale giant: neither a file nor', 'mini']),
        ([TEST, CONFIG, 'x-1a2b.pth', 'x.pth'], ['2 checkpoints are given', 'give x.pth']),
        ([TEST, ROOT / 'README.md', CONFIG], ['not a config that can be read']),
        ([TEST, CONFIG, CONFIG], ['is a config', 'CONFIG comes first, then CHECKPOINT']),
        ([TRAIN, CONFIG, '--resume', 'nowhere.pth'], ['nowhere.pth: no such checkpoint file']),
        ([TRAIN, ROOT / 'configs/_base_/datasets/ffpp.py'], ['the config has no model']),
        ([TRAIN, ROOT / 'README.md'], ['README.md: not a config that can be read']),
        (
            [TRAIN, CONFIG, '--auto-scale-lr', '--cfg-options', 'auto_scale_lr=None'],
            ['--auto-scale-lr: the config has no auto_scale_lr'],
        ),
        (
            [TRAIN, CONFIG, '--no-validate', '--cfg-options', 'default_hooks=None'],
            ['an option of training does not fit this config'],
        ),
        ([TEST, CONFIG, CONFIG, '--dump', 'x.csv'], ['--dump x.csv: the file name must end in']),
    ],
)
def test_a_mistake_ends_in_one_line_and_leaves_nothing(command, arguments, parts, tmp_path):
    one_line(command('python', *arguments, cwd=tmp_path), *parts)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('scale', 'parts'),
    [
        ('clip_size = dict(clip_len=8)', ['clip_size', "'image_size'"]),
        ('train_dataloader = dict(batch_size=dict(x=1))', ['batch_size']),
    ],
)
def test_a_scale_that_does_not_fit_ends_in_one_line(command, scale, parts, tmp_path):
    (tmp_path / 'scale.py').write_text(scale)
    done = command('python', TRAIN, CONFIG, '--scale', 'scale.py', cwd=tmp_path)
    one_line(done, 'the scale scale.py does not fit this config', *parts)


def test_a_second_training_in_the_same_folder_is_refused(command, tiny_encoder, tmp_path):
    """Until the first one dies, be it by kill -9 and with loader workers that outlive it."""
    work_dir = tmp_path / 'work'
    words = ['python', TRAIN, CONFIG, '--scale', tiny_encoder, '--work-dir', work_dir]
    words += ['--cfg-options', 'train_cfg.max_epochs=1', 'train_dataloader.num_workers=2']
    first = subprocess.Popen(
        [sys.executable, *map(str, words[1:]), 'train_cfg.max_epochs=1000'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for line in first.stdout:
            if 'Epoch(train)' in line:
                break
        one_line(command(*words), f'{work_dir}: another training is running in this work dir')
    finally:
        first.kill()
    first.stdout.close()
    first.wait()
    assert command(*words).returncode == 0


def test_a_broken_video_is_named_and_not_scored(tiny, command, tiny_encoder, tiny_tree, tmp_path):
    video = tiny_tree / 'original_sequences' / 'youtube' / 'c23' / 'videos' / '003.mp4'
    content = video.read_bytes()
    video.write_bytes(b'')
    try:
        options = ['--scale', tiny_encoder, '--work-dir', tmp_path]
        done = command('python', TEST, CONFIG, tiny / 'epoch_1.pth', *options)
    finally:
        video.write_bytes(content)
    assert done.returncode == 0, done.stderr
    assert 'scored 3 of 4 videos; not scored: 1' in done.stdout
    rows = {row['video']: row for row in csv.DictReader((tmp_path / 'scores.csv').open())}
    row = rows['mini_ffpp/original/c23/003']
    assert (row['score'], row['status']) == ('', 'not-scored')
    assert row['reason']
