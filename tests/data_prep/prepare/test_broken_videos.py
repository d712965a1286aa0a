"""Videos that cannot be used: broken, lost or too slow ones cost a preparation themselves alone."""

from __future__ import annotations

import errno
import importlib
import shutil
from concurrent.futures import Future
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_prep import prepare_ffpp as ffpp_command
from data_prep.prepare import preparation, prepare_video
from mmfake.video.frame_reader import FrameReader
from tests.data_prep.prepare.conftest import DF, index_of

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
    index = index_of(out)
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
    index = index_of(out)
    assert list(index.status[['ffpp/fs/c23/002_003', 'ffpp/df/c23/000_001']]) == ['used', 'used']
    assert index.status['ffpp/df/c23/002_003'] == 'decode-failed'
    assert not list(out.glob('*/df/c23/002_003.[mn]p*'))


HANGS = """
import signal
from data_prep.prepare.prepare_video import prepare_video

def prepare(job):
    if (job.video.method, job.video.stem) == ('original', '000'):
        signal.pause()
    return prepare_video(job)
"""


def test_time_limit_ends_a_video_and_another_run_takes_it_in(tree, tmp_path, prepare, monkeypatch):
    out, few = tmp_path / 'out', ('--methods', 'df', *OPTIONS[4:])
    (tmp_path / 'hangs.py').write_text(HANGS)
    with monkeypatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        patch.setattr(preparation, 'prepare_video', importlib.import_module('hangs').prepare)
        status, said = prepare(tree, out, '--timeout', '3', options=few)
    assert status == 3
    index = index_of(out)
    assert index.reason['ffpp/original/c23/000'] == 'not done after 3 s'
    assert list(index.index[index.status == 'timed-out']) == ['ffpp/original/c23/000']
    # a fake whose original was given up is tracked by itself
    fake = index.loc['ffpp/df/c23/000_001']
    assert (fake.status, fake.track_of) == ('used', 'ffpp/df/c23/000_001')
    status, said = prepare(tree, out, options=few)
    assert status == 0
    fakes = index_of(out).query('method != "original"')
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
    index = index_of(out)
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
    index = index_of(out)
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
    assert index_of(out).status['ffpp/original/c23/002'] == 'used'
