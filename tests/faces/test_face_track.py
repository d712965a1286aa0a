import contextlib
import zipfile

import numpy as np
import pytest

from mmfake.errors import MMFakeError
from mmfake.faces.face_track import FaceTrack

ARRAYS = ('boxes', 'scores', 'detected', 'points')


@pytest.fixture
def example():
    rng = np.random.default_rng(0)
    boxes = np.float32(np.sort(rng.uniform(0, 100, (7, 4)), axis=1))
    points = np.float32(rng.uniform(0, 100, (7, 5, 2)))
    return FaceTrack(3, boxes, np.float32(rng.uniform(size=7)), np.arange(7) % 3 == 0, points)


def same(one, other):
    return one.start == other.start and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in ARRAYS
    )


def test_length_stop_and_side(track):
    # longer sides 10, 20, 40, 15: median 17.5
    found = track([[0, 0, 10, 5], [0, 0, 3, 20], [5, 5, 45, 9], [0, 0, 15, 15]], start=6)
    assert (len(found), found.stop, found.side) == (4, 10, 17.5)


def test_a_saved_track_is_the_same(example, tmp_path):
    example.save(tmp_path / 'new' / '000.npz')
    assert same(FaceTrack.load(tmp_path / 'new' / '000.npz'), example)
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['000.npz']


def test_a_track_without_points(track, tmp_path):
    track([0, 0, 9, 9], length=3).save(tmp_path / 'a.npz')
    assert FaceTrack.load(tmp_path / 'a.npz').points is None


def test_the_same_track_gives_the_same_bytes(example, tmp_path):
    for name in ('a.npz', 'b.track'):  # no .npz is appended either
        example.save(tmp_path / name)
    assert (tmp_path / 'a.npz').read_bytes() == (tmp_path / 'b.track').read_bytes()
    with zipfile.ZipFile(tmp_path / 'a.npz') as archive:  # the clock is not in them
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_a_damaged_file_is_refused_or_harmless(example, tmp_path):
    path = tmp_path / 'track.npz'
    example.save(path)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [good[:length] for length in range(0, len(good), 37)]
    for place in rng.choice(len(good), 300, replace=False):
        changed = bytearray(good)
        changed[place] ^= 1 << rng.integers(8)
        damaged.append(bytes(changed))
    read = []
    for content in damaged:
        path.write_bytes(content)
        with contextlib.suppress(MMFakeError):
            read.append(FaceTrack.load(path))
    assert all(same(track, example) for track in read)  # a flag or a date of the archive
    assert len(read) < 0.2 * len(damaged)


def other_files():
    boxes = np.float32([[0, 0, 1, 1]])
    track = dict(start=0, boxes=boxes, scores=np.float32([1]), detected=np.array([True]))
    yield 'pickled objects', dict(track, scores=np.array([None]))
    yield 'text for start', dict(track, start='one')
    yield 'no boxes', {name: track[name] for name in ('start', 'scores', 'detected')}
    yield 'two scores', dict(track, scores=np.float32([1, 1]))
    yield 'no frame', dict(track, boxes=boxes[:0], scores=boxes[:0, 0], detected=boxes[:0, 0] > 0)
    yield 'not finite', dict(track, boxes=boxes * np.nan)
    yield 'points of another shape', dict(track, points=boxes[None])
    yield 'text for boxes', dict(track, boxes=np.array([['a', 'b', 'c', 'd']]))
    yield 'a number for boxes', dict(track, boxes=np.float32(1))


@pytest.mark.parametrize('arrays', [pytest.param(a, id=name) for name, a in other_files()])
def test_an_archive_of_something_else(arrays, tmp_path):
    np.savez(tmp_path / 'x.npz', **arrays)
    with pytest.raises(MMFakeError, match=r'x\.npz: the face track cannot be read .*make it again'):
        FaceTrack.load(tmp_path / 'x.npz')


def test_another_kind_of_file(tmp_path):
    np.save(tmp_path / 'array.npy', np.zeros(3))
    (tmp_path / 'text.npz').write_text('hello')
    (tmp_path / 'folder.npz').mkdir()
    for name in ('array.npy', 'text.npz', 'folder.npz', 'absent.npz'):
        with pytest.raises(MMFakeError, match=f'{name}: the face track cannot be read'):
            FaceTrack.load(tmp_path / name)


def test_shapes_that_do_not_fit(track):
    with pytest.raises(ValueError, match=r'scores of a track: \(2,\) float64 for \(1,\)'):
        FaceTrack(0, np.zeros((1, 4)), np.zeros(2), np.zeros(1, bool))
    with pytest.raises(ValueError, match='boxes of a track'):
        FaceTrack(0, np.full((1, 4), np.inf), np.zeros(1), np.zeros(1, bool))


def test_its_beginning(example):
    head = example.head(4)
    assert (head.start, len(head)) == (3, 4)
    for name in ARRAYS:
        assert np.array_equal(getattr(head, name), [*getattr(example, name)][:4])
    assert same(example.head(99), example)
