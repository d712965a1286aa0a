import contextlib
import itertools
import math
import zipfile

import numpy as np
import pytest

from mmfake.errors import MMFakeError
from mmfake.faces.face_track import (
    FaceTrack,
    box_overlap,
    interpolate,
    rank_people,
    smooth_track,
)
from tests.faces.scripted import make_track

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


def test_length_stop_and_side():
    # longer sides 10, 20, 40, 15: median 17.5
    found = make_track([[0, 0, 10, 5], [0, 0, 3, 20], [5, 5, 45, 9], [0, 0, 15, 15]], start=6)
    assert (len(found), found.stop, found.side) == (4, 10, 17.5)


def test_a_saved_track_is_the_same(example, tmp_path):
    example.save(tmp_path / 'new' / '000.npz')
    assert same(FaceTrack.load(tmp_path / 'new' / '000.npz'), example)
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['000.npz']


def test_a_track_without_points(tmp_path):
    make_track([0, 0, 9, 9], length=3).save(tmp_path / 'a.npz')
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


def test_shapes_that_do_not_fit():
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


def test_equals_counting_pixels():
    rng = np.random.default_rng(0)

    def boxes(count):
        corners = np.sort(rng.integers(0, 13, (count, 2, 2)), axis=1)
        corners[:, 1] += 1
        return corners.reshape(count, 4)

    one, other = boxes(12), boxes(15)

    def mask(box):
        picture = np.zeros((14, 14), bool)
        picture[box[1] : box[3], box[0] : box[2]] = True
        return picture

    expected = [[(mask(a) & mask(b)).sum() / (mask(a) | mask(b)).sum() for b in other] for a in one]
    assert box_overlap(one, other) == pytest.approx(np.array(expected))


@pytest.mark.filterwarnings('error')
def test_empty_boxes_overlap_nothing():
    assert box_overlap(np.zeros((2, 4)), np.zeros((1, 4))).tolist() == [[0], [0]]
    assert box_overlap(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)


def test_by_hand():
    values = np.array([[[0, 10]], [[3, 40]], [[4, 0]]])
    filled = interpolate([5, 8, 9], values)
    assert filled.dtype == np.float32
    expected = [[[0, 10]], [[1, 20]], [[2, 30]], [[3, 40]], [[4, 0]]]
    assert filled == pytest.approx(np.float32(expected))


def test_one_frame():
    assert interpolate([7], np.array([3.5])).tolist() == [3.5]


def loop(values, sigma):
    """The definition: weights up to 4 sigma away, the ends repeated."""
    radius = int(4 * sigma + 0.5)
    weights = [math.exp(-0.5 * (d / sigma) ** 2) for d in range(-radius, radius + 1)]
    smoothed = []
    for n in range(len(values)):
        total = 0
        for d, weight in zip(range(-radius, radius + 1), weights):
            total += weight * values[min(max(n + d, 0), len(values) - 1)]
        smoothed.append(total / sum(weights))
    return np.array(smoothed)


@pytest.mark.parametrize('sigma', [0.5, 4.0])
def test_centre_and_side_equal_a_loop(sigma):
    rng = np.random.default_rng(0)
    centre, side = rng.uniform(40, 60, (30, 2)), rng.uniform(10, 30, (30, 2))
    shaky = make_track(np.hstack([centre - side / 2, centre + side / 2]), start=5, with_points=True)
    smooth = smooth_track(shaky, sigma)
    low, high = np.split(smooth.boxes, 2, axis=1)
    assert (low + high) / 2 == pytest.approx(loop(centre, sigma), abs=1e-4)
    assert high - low == pytest.approx(loop(side, sigma), abs=1e-4)
    for point in range(5):
        assert smooth.points[:, point] == pytest.approx(loop(centre, sigma), abs=1e-4)
    assert smooth.start == 5
    assert smooth.boxes.dtype == smooth.points.dtype == np.float32


def test_the_default_is_four_frames():
    step = make_track([[0, 0, 9, 9]] * 20 + [[50, 0, 59, 9]] * 20)
    expected = loop(step.boxes.astype(float), 4)
    assert smooth_track(step).boxes == pytest.approx(expected, abs=1e-4)


def test_what_is_still_stays():
    still = make_track([3, 4, 33, 54], length=9)
    assert smooth_track(still).boxes == pytest.approx(still.boxes, abs=1e-5)
    one = make_track([3, 4, 33, 54])
    assert smooth_track(one).boxes == pytest.approx(one.boxes, abs=1e-5)


def test_no_smoothing():
    shaky = make_track([[0, 0, 9, 9], [5, 5, 9, 9]])
    assert smooth_track(shaky, 0).boxes.tolist() == shaky.boxes.tolist()
    with pytest.raises(ValueError, match=r'sigma=-1'):
        smooth_track(shaky, -1)


def test_the_longest_times_the_largest():
    long = make_track([0, 0, 10, 10], length=100)  # 1000
    large = make_track([0, 0, 60, 30], length=20)  # 1200: the longer side counts
    brief = make_track([0, 0, 90, 90], length=2)  # 180
    for order in itertools.permutations([long, large, brief]):
        assert rank_people(order) == [large, long, brief]


def test_equal_tracks_have_an_order():
    early = make_track([30, 30, 40, 40], length=4)
    left = make_track([10, 30, 20, 40], length=4, start=1)
    upper = make_track([20, 10, 30, 20], length=4, start=1)
    lower = make_track([20, 30, 30, 40], length=4, start=1)
    for order in itertools.permutations([lower, upper, left, early]):
        assert rank_people(order) == [early, left, upper, lower]


def test_nobody():
    assert rank_people(iter([])) == []
