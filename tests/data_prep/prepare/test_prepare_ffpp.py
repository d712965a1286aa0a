"""The whole command: from a raw tree to the dataset that reads it, broken videos included."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
from concurrent.futures import Future
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest

from data_prep import prepare_ffpp as ffpp_command
from data_prep.prepare import preparation, prepare_video
from data_prep.prepare.index_file import PROVENANCE
from data_prep.prepare.preparation import one_run
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.index import COLUMNS
from mmfake.errors import MMFakeError
from mmfake.video.frame_reader import FrameReader

DF = ('--methods', 'df')


@pytest.fixture(scope='module')
def raw(tmp_path_factory, write_tree):
    return write_tree(tmp_path_factory.mktemp('raw') / 'ffpp')


def _index(out):
    return pd.read_csv(out / 'index.csv', dtype=str, keep_default_na=False).set_index('id')


def _frames(path):
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format='rgb24') for f in container.decode(video=0)])


def test_every_video_becomes_a_clip(raw, tmp_path, prepare):
    out = tmp_path / 'out'
    status, said = prepare(raw, out)
    assert status == 0
    assert '40 videos: 0 done before, 40 to do, 0 missing' in said
    assert '40 videos made' in said
    index = _index(out)
    assert ('id', *index.columns) == (*COLUMNS, *PROVENANCE)
    assert len(index) == 40
    assert set(index.status) == {'used'}
    # an original, then its fakes
    assert list(index.index[:5]) == [
        f'ffpp/{name}'
        for name in ('original/c23/000', *(f'{m}/c23/000_001' for m in ('df', 'f2f', 'fs', 'nt')))
    ]
    row = index.loc['ffpp/nt/c23/003_002']
    assert (row.split, row.target, row.source, row.fps) == ('train', '003', '002', '25')
    # 26 frames less four, cut to what the original has, at most 24
    assert row.frames == '22'
    assert row.track_of == 'ffpp/original/c23/003'
    assert index.loc['ffpp/original/c23/003'].frames == '24'
    clip = _frames(out / row.path)
    assert clip.shape == (22, 32, 32, 3)
    grey = 30 + 5 * 3 + 6 * np.arange(22)  # the film of target 003
    assert np.abs(clip.mean(axis=(1, 2, 3)) - grey).max() < 3
    source = (out / row.source_file).resolve()
    assert source == raw / 'manipulated_sequences/NeuralTextures/c23/videos/003_002.mp4'


def test_the_dataset_reads_it_and_a_second_run_does_nothing(raw, tmp_path, prepare, contents):
    out = tmp_path / 'out'
    prepare(raw, out, '--format', 'npy')
    dataset = FFPPDataset(pipeline=[], split='train', holdout='f2f', data_root=str(out))
    dataset.full_init()
    assert len(dataset) == 16
    assert dataset.get_data_info(0)['filename'] == str(out / 'clips/original/c23/000.npy')
    before = contents(out)
    times = {path: path.stat().st_mtime_ns for path in (out / 'clips').rglob('*')}
    status, said = prepare(raw, out, '--format', 'npy')
    assert status == 0
    assert '40 videos: 40 done before, 0 to do' in said
    assert 'nothing had to be made' in said
    assert contents(out) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.fixture(scope='module')
def small(tmp_path_factory, write_tree):
    """Six identities, one manipulation: --methods df."""
    splits = dict(train=[['000', '001']], val=[['002', '003']], test=[['004', '005']])
    return write_tree(tmp_path_factory.mktemp('small') / 'ffpp', splits, ('df',))


def _damage(raw, out, write):
    with open(out / 'clips/df/c23/000_001.mp4', 'r+b') as stream:
        stream.truncate(100)
    (out / 'clips/original/c23/002.mp4').unlink()
    (out / 'records/df/c23/004_005.json').write_text('{"facts": {')


def _lose_a_track(raw, out, write):
    """And the record of its fake, which must not be tracked by itself for that."""
    (out / 'tracks/original/c23/000.npz').unlink()
    (out / 'records/df/c23/000_001.json').unlink()


def _touch(raw, out, write):
    path = raw / 'original_sequences/youtube/c23/videos/000.mp4'
    shutil.copyfile(path, path.with_suffix('.copy'))
    path.with_suffix('.copy').replace(path)


def _new_original(raw, out, write):
    film = np.full((26, 48, 64, 3), 77, np.uint8)
    write(raw / 'original_sequences/youtube/c23/videos/000.mp4', film)


@pytest.mark.parametrize(
    ('change', 'words', 'made'),
    [
        (_damage, (), 3),
        (_lose_a_track, (), 2),
        (None, ('--format', 'npy'), 12),
        (_touch, (), 0),  # another time, the same content
        (_new_original, (), 2),  # the original and its fake
        (None, ('--size', '36'), 12),
        (None, ('--own-track',), 12),
    ],
)
def test_only_what_changed_is_made_again(
    small, tmp_path, prepare, write_raw, change, words, made, contents
):
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    shutil.copytree(small, raw)
    prepare(raw, out, *DF)
    if change:
        change(raw, out, write_raw)
    status, said = prepare(raw, out, *DF, *words)
    assert status == 0
    assert (f'{made} videos made' if made else 'nothing had to be made') in said
    # and the result is that of a fresh run
    prepare(raw, tmp_path / 'fresh', *DF, *words)
    ours, fresh = (
        {name: data for name, data in contents(folder).items() if not name.startswith('records')}
        for folder in (out, tmp_path / 'fresh')
    )
    assert ours == fresh


def test_other_methods_join_the_index(raw, tmp_path, prepare):
    out = tmp_path / 'out'
    prepare(raw, out, '--methods', 'df')
    status, said = prepare(raw, out, '--methods', 'nt')
    assert status == 0
    assert '8 videos of earlier runs with other methods stay in the index' in said
    assert _index(out).method.value_counts().to_dict() == dict(df=8, nt=8, original=8)
    # rows that are no longer true leave it
    _, said = prepare(raw, out, '--methods', 'df', '--size', '36')
    assert '8 videos of earlier runs left the index: other settings, or other splits' in said
    assert set(_index(out).method) == {'original', 'df'}
    (out / 'index.csv').write_text('id,path\nx,y,z,w\n')
    with pytest.raises(MMFakeError, match='index .* is damaged or no index of a preparation'):
        prepare(raw, out, '--methods', 'df')


def test_one_run_at_a_time_ended_by_sigterm_like_ctrl_c(small, tmp_path, prepare):
    index = tmp_path / 'out' / 'index.csv'
    with one_run(index), pytest.raises(MMFakeError, match='another run is writing it'):
        prepare(small, index.parent, *DF)
    with pytest.raises(KeyboardInterrupt), one_run(index):
        os.kill(os.getpid(), signal.SIGTERM)
    with one_run(index):
        pass


def test_a_dry_run_and_a_place_that_cannot_be_written_to(small, tmp_path, prepare):
    status, said = prepare(small, tmp_path / 'out', *DF, '--dry-run')
    assert status == 0
    assert '12 videos: 0 done before, 12 to do, 0 missing' in said
    assert not (tmp_path / 'out').exists()
    (tmp_path / 'file').write_text('')
    with pytest.raises(MMFakeError, match=r'--out .*file cannot be written to \('):
        prepare(small, tmp_path / 'file', *DF)


@pytest.mark.parametrize(
    ('words', 'match'),
    [
        (['--size', '33'], '--size 33'),
        (['--size', '48'], '--size 48 is a width that decord cannot read'),
        (['--frames', '8'], '--min-frames 16 is not from 1 to --frames 8'),
        (['--margin', '9'], 'margin=9.0 of the face settings is not from'),
        (['--jobs', '0'], '--jobs 0'),
        (['--timeout', '0'], '--timeout 0'),
        (['--shard', '3/2'], "--shard '3/2' is not i/n"),
        (['--detector', 'yunet'], '--model FILE and --detector yunet go together'),
        (['--compression', 'c24'], "unknown compression 'c24'"),
        (['--compression', 'c40'], 'no folder .*c40'),
        (['--methods', 'xyz'], "unknown manipulation 'xyz'"),
        (['--splits', 'nowhere'], 'split file nowhere/train.json not found: copy'),
    ],
)
def test_wrong_usage_is_one_line_and_nothing_is_written(small, tmp_path, prepare, words, match):
    with pytest.raises(MMFakeError, match=match) as error:
        prepare(small, tmp_path / 'out', *DF, *words)
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'out').exists()


def test_the_raw_dataset_is_never_written_to(small, prepare, contents):
    before = contents(small)
    for out in (small, small / 'manipulated_sequences' / 'Deepfakes' / 'c23' / 'videos'):
        with pytest.raises(MMFakeError, match='lies in the raw dataset'):
            prepare(small, out)
    assert contents(small) == before


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        ffpp_command.main(['--help'])
    said = ' '.join(capsys.readouterr().out.split())
    for word in ('OUT/index.csv', 'examples:', 'exit status', 'default: centerface', '--own-track'):
        assert word in said


def test_records_say_what_a_clip_was_made_from(small, tmp_path, prepare):
    out = tmp_path / 'out'
    prepare(small, out, *DF)
    record = json.loads((out / 'records/df/c23/000_001.json').read_text())
    raw = small / 'manipulated_sequences/Deepfakes/c23/videos/000_001.mp4'
    assert record['inputs']['source']['size'] == raw.stat().st_size
    assert record['inputs']['settings']['size'] == '32'
    assert record['inputs']['guide'][0] == 'ffpp/original/c23/000'


# ---- videos that cannot be used


SPLITS = dict(train=[['000', '001']], val=[['002', '003']], test=[['004', '005']])


@pytest.fixture(scope='module')
def tree(tmp_path_factory, write_raw, raw_file, face_film):
    """Six identities with a real face, three manipulations of each: 24 videos."""
    root = tmp_path_factory.mktemp('faces') / 'ffpp'
    (root / 'splits').mkdir(parents=True)
    for name, pairs in SPLITS.items():
        (root / 'splits' / f'{name}.json').write_text(str(pairs).replace("'", '"'))
    first = root / 'first.mp4'
    write_raw(first, face_film(20))
    for target, source in (('000', '001'), ('002', '003'), ('004', '005')):
        for a, b in ((target, source), (source, target)):
            paths = [raw_file(root, 'original', a)]
            paths += [raw_file(root, method, f'{a}_{b}') for method in ('df', 'f2f', 'fs')]
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(first, path)
    first.unlink()
    return root


OPTIONS = ('--methods', 'df', 'f2f', 'fs', '--size', '32', '--frames', '16', '--min-frames', '12')


def test_broken_videos_among_good_ones(
    tree, tmp_path, prepare, write_raw, raw_file, face_film, contents
):
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    shutil.copytree(tree, raw)
    raw_file(raw, 'df', '000_001').write_bytes(b'')
    raw_file(raw, 'f2f', '000_001').write_text('this is no video ' * 99)
    raw_file(raw, 'fs', '002_003').unlink()
    whole = raw_file(raw, 'df', '004_005').read_bytes()
    raw_file(raw, 'df', '004_005').write_bytes(whole[: len(whole) // 2])
    write_raw(raw_file(raw, 'fs', '004_005'), face_film(5))
    write_raw(raw_file(raw, 'original', '003'), np.full((20, 180, 320, 3), 90, np.uint8))
    tiny = [cv2.resize(picture, (112, 64)) for picture in face_film(20)]
    write_raw(raw_file(raw, 'original', '005'), tiny)

    status, said = prepare(raw, out, options=OPTIONS)
    assert status == 3
    index = _index(out)
    unused = index[index.status != 'used']
    assert unused.status.to_dict() == {
        'ffpp/df/c23/000_001': 'decode-failed',
        'ffpp/f2f/c23/000_001': 'decode-failed',
        'ffpp/fs/c23/002_003': 'missing',
        'ffpp/df/c23/004_005': 'decode-failed',
        'ffpp/fs/c23/004_005': 'too-short',
        'ffpp/original/c23/003': 'no-face',
        'ffpp/original/c23/005': 'face-too-small',
    }
    assert index.reason['ffpp/df/c23/000_001'] == 'empty file; copy it anew'
    assert index.reason['ffpp/fs/c23/004_005'].startswith('5 frames')
    assert index.reason['ffpp/original/c23/003'] == 'centerface found no face in 20 frames'
    assert len(index) == 24
    assert not any(unused.path)
    assert all((out / path).is_file() for path in index.path if path)
    # the fakes of an original without a face are tracked by themselves
    assert index.track_of['ffpp/df/c23/003_002'] == 'ffpp/df/c23/003_002'
    assert index.track_of['ffpp/df/c23/002_003'] == 'ffpp/original/c23/002'
    # the table: 24 expected, 17 used
    total = said.split('\nall ')[1].splitlines()[0].split()
    assert total[:2] == ['24', '17']
    for name in ('no-face', 'face-too-small', 'too-short', 'decode-failed', 'missing'):
        assert name in said
    log = (out / 'index.log').read_text()
    assert 'ffpp/df/c23/000_001: decode-failed: empty file' in log

    # nothing is tried twice that must end the same way
    before = contents(out)
    status, said = prepare(raw, out, options=OPTIONS)
    assert status == 3
    assert 'nothing had to be made' in said
    assert contents(out) == before
    # a mended video is taken in, one that is no longer usable loses its clip
    raw_file(raw, 'df', '002_003').write_bytes(b'')
    shutil.copyfile(raw_file(tree, 'fs', '002_003'), raw_file(raw, 'fs', '002_003'))
    shutil.copyfile(raw_file(tree, 'df', '000_001'), raw_file(raw, 'df', '000_001'))
    prepare(raw, out, options=OPTIONS)
    index = _index(out)
    assert list(index.status[['ffpp/fs/c23/002_003', 'ffpp/df/c23/000_001']]) == ['used', 'used']
    assert index.status['ffpp/df/c23/002_003'] == 'decode-failed'
    assert not list(out.glob('*/df/c23/002_003.[mn]p*'))


def test_time_limit_ends_a_video_and_another_run_takes_it_in(tree, tmp_path, prepare):
    out, few = tmp_path / 'out', ('--methods', 'df', *OPTIONS[4:])
    status, said = prepare(tree, out, '--timeout', '0.001', options=few)
    assert status == 3
    index = _index(out)
    ended = index[index.status == 'timed-out']
    assert len(ended)  # nothing is cropped in a millisecond; a process may be noticed a little late
    assert set(ended.reason) == {'not done after 0.001 s'}
    assert set(index.status) <= {'timed-out', 'used'}
    status, said = prepare(tree, out, options=few)
    assert status == 0
    # also those whose original was given up before, and which were tracked by themselves
    fakes = _index(out).query('method != "original"')
    assert all(owner.startswith('ffpp/original/') for owner in fakes.track_of)


def test_strict_stops_at_the_first(tree, tmp_path, raw_file, capfd):
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    shutil.copytree(tree, raw)
    raw_file(raw, 'original', '000').write_bytes(b'')
    words = ['--root', str(raw), '--out', str(out), '--strict', '--jobs', '2', *OPTIONS]
    assert ffpp_command.main(words) == 3
    said = capfd.readouterr().err.splitlines()[-1]
    assert said.startswith('--strict stops at ffpp/original/c23/000: decode-failed: empty file')
    # the index says of every video how it stands
    index = _index(out)
    assert len(index) == 24
    assert index.status['ffpp/original/c23/000'] == 'decode-failed'
    assert 'missing' in set(index.status)


class _OneProcess:
    """Stands for the pool of workers: does each job here, when its outcome is asked for."""

    def __init__(self, function, *_):
        self._function, self._jobs = function, []
        self.submit = self._jobs.append

    def finished(self):
        while self._jobs:
            job, future = self._jobs.pop(0), Future()
            try:
                future.set_result(self._function(job))
            except Exception as error:
                future.set_exception(error)
            yield job, future

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize('format', ['mp4', 'jpg'])
def test_a_source_that_goes_away_while_it_is_cut_costs_that_video_alone(
    small, tmp_path, prepare, raw_file, monkeypatch, format
):
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    shutil.copytree(small, raw)
    lost, torn = raw_file(raw, 'original', '002'), raw_file(raw, 'df', '004_005')

    class Reader(FrameReader):
        """Reads what is to be cut; the search for the face has a reader of its own."""

        def __iter__(self):
            for number, frame in enumerate(super().__iter__()):
                if self.path == str(lost) and number == 5:
                    lost.unlink()
                if self.path == str(torn) and number == 5:
                    raise OSError(errno.EIO, 'Input/output error')
                yield frame
            Path(self.path).stat()  # as the reader compares the size of the file in the end

    monkeypatch.setattr(prepare_video, 'FrameReader', Reader)
    monkeypatch.setattr(preparation, 'WorkerPool', _OneProcess)
    words = (*DF, '--format', format, '--frames', '270')  # to the last
    status, _ = prepare(raw, out, *words)
    assert status == 3
    index = _index(out)
    unused = index[index.status != 'used']
    assert unused.status.to_dict() == {
        'ffpp/original/c23/002': 'missing',
        'ffpp/df/c23/004_005': 'decode-failed',
    }
    assert unused.reason['ffpp/original/c23/002'] == 'the file went away while it was read'
    assert unused.reason['ffpp/df/c23/004_005'] == 'cannot be read (Input/output error)'
    # once it is back it is used: nothing was noted about it for good
    monkeypatch.undo()
    shutil.copyfile(raw_file(small, 'original', '002'), lost)
    prepare(raw, out, *words)
    assert _index(out).status['ffpp/original/c23/002'] == 'used'
