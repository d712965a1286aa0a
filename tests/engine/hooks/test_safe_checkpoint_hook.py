import errno
import os
import resource
import signal
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch
from mmengine.fileio import LocalBackend
from mmengine.hooks import Hook

from mmfake import MMFakeError

MOCO = dict(type='mmfake.LabelMoCoHook', queue_size=10)


def files(folder, pattern='*.pth'):
    return sorted(path.name for path in Path(folder).glob(pattern))


def one_line(error, *parts):
    message = str(error.value)
    assert '\n' not in message
    assert all(part in message for part in parts), message


class Watch(Hook):
    """Which checkpoints were there before each write."""

    def __init__(self):
        self.seen = []

    def before_save_checkpoint(self, runner, checkpoint):
        self.seen.append(files(runner.work_dir))


def test_the_oldest_goes_after_the_newest_has_come(train, tmp_path):
    watch = Watch()
    train(4, [watch], max_keep_ckpts=1)
    assert watch.seen == [[], ['epoch_1.pth'], ['epoch_2.pth'], ['epoch_3.pth']]
    assert files(tmp_path / 'work') == ['epoch_4.pth']
    work = tmp_path / 'work'
    assert (work / 'last_checkpoint').read_text() == str(work / 'epoch_4.pth')


def test_mmengine_reads_what_it_writes_and_the_reverse(train, tmp_path, run):
    theirs = dict(checkpoint=dict(type='CheckpointHook', interval=1))
    run([MOCO], 1, default_hooks=theirs).train()
    assert train(2, resume=True).iter == 6
    third = run([MOCO], 3, default_hooks=theirs, resume=True)
    third.train()
    assert third.iter == 9


@pytest.mark.parametrize(
    'damage', ['truncated', 'empty', 'missing', 'text', 'weights', 'list', 'flipped']
)
def test_falls_back_to_the_one_before(train, tmp_path, damage, capfd):
    train(3)
    last = tmp_path / 'work' / 'epoch_3.pth'
    content = last.read_bytes()
    if damage == 'missing':
        last.unlink()
    elif damage == 'weights':
        torch.save(dict(state_dict={}), last)
    elif damage == 'list':
        torch.save([1, 2], last)
    else:
        kinds = dict(truncated=content[: len(content) // 2], empty=b'', text=b'not a checkpoint')
        flipped = bytearray(content)
        with ZipFile(last) as archive:  # in the bytes of the largest tensor
            entry = max(archive.infolist(), key=lambda one: one.file_size)
            flipped[content.index(archive.read(entry)) + 9] ^= 1
        kinds['flipped'] = bytes(flipped)
        last.write_bytes(kinds[damage])
    capfd.readouterr()
    runner = train(4, resume=True)
    output = capfd.readouterr()
    (line,) = (x for x in (output.out + output.err).splitlines() if 'Going on from' in x)
    assert 'epoch_3.pth' in line
    assert line.endswith('epoch_2.pth.')
    assert runner.iter == 12


def test_a_later_one_of_an_earlier_run_is_not_the_one_before(train, tmp_path, capfd):
    """Epochs 1 to 3 of an old run, then 1 and 2 of a new one, the second of which is damaged."""
    work = tmp_path / 'work'
    train(3)
    train(2)
    (work / 'epoch_2.pth').write_bytes(b'')
    assert train(2, resume=True).iter == 6
    output = capfd.readouterr().out
    assert f'Going on from the one before: {work / "epoch_1.pth"}' in output
    assert 'resumed epoch: 1' in output


@pytest.mark.parametrize('pointer', ['', '\0' * 20, 'elsewhere/epoch_2.pth', None])
def test_a_pointer_that_was_cut_off_moved_or_never_written(train, tmp_path, pointer, capfd):
    train(2)
    path = tmp_path / 'work' / 'last_checkpoint'
    if pointer is None:
        path.unlink()
    else:
        path.write_text(pointer)
    capfd.readouterr()
    assert train(3, resume=True).iter == 9
    output = capfd.readouterr().out
    assert 'resumed epoch: 2' in output
    assert ('names no checkpoint: the highest number counts.' in output) == (
        'else' not in str(pointer)
    )


def test_ten_comes_after_nine(train, tmp_path):
    train(2)
    for before, after in (('epoch_1.pth', 'epoch_9.pth'), ('epoch_2.pth', 'epoch_10.pth')):
        (tmp_path / 'work' / before).rename(tmp_path / 'work' / after)
    for other in ('epoch_10-abcdef01.pth', 'epoch_11.pth.tmp'):
        (tmp_path / 'work' / other).write_bytes(b'broken')
    (tmp_path / 'work' / 'last_checkpoint').unlink()
    watch = Watch()
    train(3, [watch], resume=True)
    assert len(watch.seen) == 1  # the third epoch alone was left


def test_none_is_whole(train, tmp_path):
    train(2)
    for path in (tmp_path / 'work').glob('*.pth'):
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(MMFakeError) as error:
        train(3, resume=True)
    one_line(error, 'none of its checkpoints', 'epoch_2.pth', 'epoch_1.pth', 'without --resume')


def test_nothing_to_resume_from_starts_anew_and_says_so(train, capfd):
    assert train(1, resume=True).iter == 3
    assert 'no checkpoint yet, training starts anew' in capfd.readouterr().out


def test_leftovers_of_a_killed_run_are_removed(train, tmp_path):
    (tmp_path / 'work').mkdir()
    for name in ('.epoch_1.pth.77.tmp', '.last_checkpoint.77.tmp', '.mine.tmp', '.notes.7.tmp'):
        (tmp_path / 'work' / name).write_text('half')
    train(1)
    assert files(tmp_path / 'work', '.*') == ['.mine.tmp', '.notes.7.tmp']


@pytest.mark.parametrize('spared', [1, 2])
def test_what_was_outdated_when_the_run_was_killed_is_removed_later(
    train, tmp_path, monkeypatch, spared
):
    """Killed before its first removal, that of epoch_1.pth, or its second, that of the best."""
    remove, left = LocalBackend.remove, [spared]

    def die(self, path):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        remove(self, path)

    settings = dict(scores=[0.1, 0.9, 0.5], max_keep_ckpts=1, save_best='score', rule='greater')
    monkeypatch.setattr(LocalBackend, 'remove', die)
    with pytest.raises(KeyboardInterrupt):
        train(2, **settings)
    monkeypatch.undo()
    spared_file = ['epoch_1.pth', 'best_score_epoch_1.pth'][spared - 1]
    assert spared_file in files(tmp_path / 'work')
    train(3, resume=True, **settings)
    assert files(tmp_path / 'work') == ['best_score_epoch_2.pth', 'epoch_3.pth']


def test_a_full_disk_leaves_the_last_checkpoint(train, tmp_path):
    """No file of this process may grow beyond a limit, as on a disk that is full by then."""

    class FillDisk(Hook):
        priority = 'LOWEST'

        def after_train_epoch(self, runner):
            if runner.epoch == 1:
                size = (tmp_path / 'work' / 'epoch_2.pth').stat().st_size
                resource.setrlimit(resource.RLIMIT_FSIZE, (size - 100, hard))

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(MMFakeError) as error:
            train(3, [FillDisk()], max_keep_ckpts=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    one_line(error, 'epoch_3.pth', os.strerror(errno.EFBIG), 'make room and go on with --resume')
    assert files(tmp_path / 'work') == ['epoch_2.pth']
    assert files(tmp_path / 'work', '.*') == []
    assert train(3, resume=True).iter == 9


def test_published_copies_do_not_pile_up(train, tmp_path):
    keys = ['meta', 'state_dict']
    for epochs in (1, 2, 3, 4):
        train(epochs, resume=True, published_keys=keys, max_keep_ckpts=2)
    # the copy of a checkpoint goes with it: epoch_3 and epoch_4 are kept
    stems = [name.split('-')[0] for name in files(tmp_path / 'work', '*-*.pth')]
    assert stems == ['epoch_3', 'epoch_4']
    last = tmp_path / 'work' / 'epoch_4.pth'
    checkpoint = torch.load(last, weights_only=False)
    checkpoint['meta']['time'] = 'another'  # as if it had been saved and published again
    torch.save(checkpoint, last)
    train(4, resume=True, published_keys=keys, max_keep_ckpts=2)
    assert len(files(tmp_path / 'work', '*-*.pth')) == 2
    (copy,) = (tmp_path / 'work').glob('epoch_4-*.pth')
    published = torch.load(copy, weights_only=False)
    assert set(published) == set(keys)
    assert published['meta']['time'] == 'another'


def test_the_best_goes_after_the_better_has_come(train, tmp_path):
    watch = Watch()
    best = dict(save_best='score', rule='greater', published_keys=['meta', 'state_dict'])
    train(3, [watch], scores=[0.5, 0.4, 0.6], max_keep_ckpts=1, **best)
    # each epoch, then a new best one, then the epoch again, which now knows of it
    assert watch.seen == [
        [],
        ['epoch_1.pth'],
        ['best_score_epoch_1.pth', 'epoch_1.pth'],
        ['best_score_epoch_1.pth', 'epoch_1.pth'],
        ['best_score_epoch_1.pth', 'epoch_2.pth'],
        ['best_score_epoch_1.pth', 'epoch_3.pth'],
        ['best_score_epoch_1.pth', 'best_score_epoch_3.pth', 'epoch_3.pth'],
    ]
    stems = [name.split('-')[0].split('.')[0] for name in files(tmp_path / 'work')]
    assert stems == ['best_score_epoch_3', 'best_score_epoch_3', 'epoch_3', 'epoch_3']


def test_several_metrics_have_a_best_each(train, tmp_path):
    class Second(Hook):
        priority = 'VERY_HIGH'

        def after_val_epoch(self, runner, metrics=None):
            metrics['cost'] = [3, 1, 2][runner.epoch - 1]

    both = dict(save_best=['score', 'cost'], rule=['greater', 'less'])
    train(2, [Second()], scores=[0.5, 0.4, 0.6], **both)
    train(3, [Second()], scores=[0.5, 0.4, 0.6], resume=True, **both)
    assert files(tmp_path / 'work', 'best*') == [
        'best_cost_epoch_2.pth',
        'best_score_epoch_3.pth',
    ]


def numbers(path):
    """Epoch and iteration of a checkpoint."""
    meta = torch.load(path, weights_only=False)['meta']
    return meta['epoch'], meta['iter']


# two epochs of three iterations, of which k make a step; the last one is always a step
@pytest.mark.parametrize(
    ('k', 'settings', 'expected'),
    [
        (1, {}, dict(epoch_1=(1, 3), epoch_2=(2, 6))),
        (2, {}, dict(epoch_1=(1, 4), epoch_2=(2, 6))),
        (4, {}, dict(epoch_1=(1, 4), epoch_2=(2, 6))),
        (5, {}, dict(epoch_1=(1, 5), epoch_2=(2, 6))),
        (2, dict(by_epoch=False, interval=3), dict(iter_4=(1, 4), iter_6=(2, 6))),
        (2, dict(by_epoch=False), dict(iter_2=(0, 2), iter_4=(1, 4), iter_6=(2, 6))),
    ],
)
def test_checkpoints_fall_on_optimizer_steps(train, tmp_path, k, settings, expected):
    """One that is due in the middle of a step waits for its end; resumed there, a run is exact."""
    straight = train(2, accumulate=k, **settings)
    found = {path.stem: numbers(path) for path in (tmp_path / 'work').glob('*.pth')}
    if not settings.get('by_epoch', True):  # mmengine counts the epoch that is being trained
        expected = {name: (1 if n > 3 else 0, n) for name, (_, n) in expected.items()}
    assert found == expected
    first = tmp_path / 'work' / f'{min(expected)}.pth'
    resumed = train(2, accumulate=k, resume=True, load_from=str(first), work_dir='new', **settings)
    weights, again = (dict(runner.model.state_dict()) for runner in (straight, resumed))
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_the_best_waits_with_the_checkpoint_that_knows_the_better(train, tmp_path):
    """Epochs 1 and 2 end in the middle of a step: a run killed there goes on with the old best."""
    watch = Watch()
    settings = dict(scores=[0.4, 0.5, 0.6], save_best='score', rule='greater', max_keep_ckpts=1)
    train(3, [watch], accumulate=5, **settings)
    assert watch.seen == [
        [],
        ['best_score_epoch_1.pth'],  # epoch 1, after five iterations
        ['best_score_epoch_1.pth', 'epoch_1.pth'],
        ['best_score_epoch_1.pth', 'best_score_epoch_2.pth', 'epoch_1.pth'],  # epoch 2, after nine
        ['best_score_epoch_2.pth', 'epoch_2.pth'],  # epoch 3 ends there
        ['best_score_epoch_2.pth', 'epoch_3.pth'],
        ['best_score_epoch_2.pth', 'best_score_epoch_3.pth', 'epoch_3.pth'],
    ]
    assert files(tmp_path / 'work') == ['best_score_epoch_3.pth', 'epoch_3.pth']
