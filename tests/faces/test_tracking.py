import itertools
import weakref

import cv2
import numpy as np
import pytest

from mmfake.faces.tracking import CutFinder, FaceTracker
from tests.faces.scripted import Scripted, frame, scene


def changes(pictures, **options):
    finder = CutFinder(**options)
    told = [finder.update(picture) for picture in pictures]
    return {n: change for n, change in enumerate(told) if change}


def uniform(value):
    return np.full((64, 64, 3), value, np.uint8)


def bright(picture, gain, offset=0):
    return np.uint8(np.clip(picture * gain + offset, 0, 255))


@pytest.mark.parametrize(('height', 'width'), [(16, 16), (64, 64), (120, 90), (720, 1280)])
def test_every_hard_cut(height, width):
    shots = [scene(seed, height, width) for seed in range(5)]
    for one, other in itertools.permutations(shots, 2):
        assert changes([one] * 3 + [other] * 6) == {3: 'cut'}


def test_cuts_from_and_to_black():
    assert changes([uniform(0)] * 5 + [scene(0)] * 5 + [uniform(0)] * 5) == {5: 'cut', 10: 'cut'}


def test_a_shot_of_one_frame_after_a_long_one_and_before_another():
    pictures = [scene(0)] * 5 + [scene(1)] + [scene(2)] * 5
    assert changes(pictures) == {5: 'cut', 6: 'cut'}


@pytest.mark.parametrize(('length', 'told'), [(1, 'back'), (3, 'back'), (4, 'cut')])
def test_a_white_flash_is_taken_back(length, told):
    pictures = [scene(0)] * 5 + [uniform(255)] * length + [scene(0)] * 5
    assert changes(pictures) == {5: 'cut', 5 + length: told}


def test_every_flash_is_taken_back():
    pictures = ([scene(0)] * 5 + [uniform(255)]) * 2 + [scene(0)] * 5
    assert changes(pictures) == {5: 'cut', 6: 'back', 11: 'cut', 12: 'back'}


@pytest.mark.parametrize(('gain', 'offset'), [(1.6, 0), (0.4, 0), (0.5, 120)])
def test_brighter_or_darker_is_no_cut(gain, offset):
    picture = bright(scene(3), 0.7)
    assert changes([picture, bright(picture, gain, offset), picture]) == {}


@pytest.mark.parametrize(('x', 'y'), [(0.1, 0.0), (0.2, 0.0), (0.0, 0.2), (0.1, 0.1)])
def test_fast_motion_is_no_cut(x, y):
    """A camera that turns by a part of the picture from frame to frame, over a long wall."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        patches = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        wall = cv2.resize(patches, (400, 400), interpolation=cv2.INTER_CUBIC)
        corners = [(int(100 * y * n), int(100 * x * n)) for n in range(15)]
        assert changes([wall[top : top + 100, left : left + 100] for top, left in corners]) == {}


def test_the_same_colours_elsewhere_are_no_cut():
    """A camera that is swung round in one room."""
    assert changes([scene(0), scene(0)[:, ::-1], scene(0)[::-1]]) == {}


def test_a_flickering_lamp_on_a_wall_is_no_cut():
    assert changes([uniform(40), uniform(46)] * 4) == {}  # not one of the six levels in common


def test_a_zoom_is_no_cut():
    wide = scene(0, 200, 200)
    sides = [int(200 * 0.85**n) for n in range(8)]
    assert changes([wide[:side, :side] for side in sides]) == {}


def test_a_fade_is_no_cut():
    one, other = (scene(seed).astype(float) for seed in (0, 1))
    shares = np.linspace(0, 1, 12)
    assert changes([np.uint8((1 - share) * one + share * other) for share in shares]) == {}


def test_noise_is_no_cut():
    rng = np.random.default_rng(0)
    noisy = [scene(0) * 0.7 + rng.normal(20, 25, (64, 64, 3)) for _ in range(8)]
    assert changes([np.uint8(np.clip(picture, 0, 255)) for picture in noisy]) == {}


def run(detector, frames, **options):
    tracker = FaceTracker(detector, **options)
    for picture in frames:
        tracker.update(picture)
    return tracker.finish()


def at(x, y=20, side=20):
    return [x, y, x + side, y + side]


@pytest.mark.parametrize(
    ('length', 'every', 'searched'),
    [
        (13, 5, [0, 5, 10, 12]),  # the last frame too
        (11, 5, [0, 5, 10]),  # but once
        (3, 1, [0, 1, 2]),
        (1, 5, [0]),
        (2, 5, [0, 1]),
    ],
)
def test_searches_every_kth_and_the_last_frame(length, every, searched):
    detector = Scripted(lambda n: [at(20)])
    (track,) = run(detector, map(frame, range(length)), every=every)
    assert detector.searched == searched
    assert (track.start, track.stop) == (0, length)
    assert np.flatnonzero(track.detected).tolist() == searched


def test_boxes_scores_and_points_between_detections_equal_a_loop():
    def box(n):
        return np.array([n**1.5, 2 + n, n**1.5 + 60 + n, 60 + 2 * n])

    detector = Scripted(lambda n: [box(n)], with_points=True)
    (track,) = run(detector, map(frame, range(14)), every=4)
    known = [0, 4, 8, 12, 13]
    for n in range(14):
        before = max(k for k in known if k <= n)
        after = min(k for k in known if k >= n)
        share = (n - before) / (after - before) if after > before else 0
        expected = (1 - share) * box(before) + share * box(after)
        assert track.boxes[n] == pytest.approx(expected, abs=1e-4)
        assert track.scores[n] == pytest.approx(0.5 + n / 1000)
        assert track.points[n, 0] == pytest.approx(expected[:2], abs=1e-4)
        assert track.points[n, 4] == pytest.approx(expected[2:], abs=1e-4)
        assert track.detected[n] == (n in known)


@pytest.mark.parametrize(('last_missed', 'tracks'), [(20, [(0, 36)]), (25, [(0, 6), (30, 36)])])
def test_a_gap_of_up_to_three_detections_is_bridged(last_missed, tracks):
    detector = Scripted(lambda n: [] if 10 <= n <= last_missed else [at(10 + n / 4)])
    found = run(detector, map(frame, range(36)))
    assert [(track.start, track.stop) for track in found] == tracks
    for track in found:
        expected = [at(10 + n / 4) for n in range(track.start, track.stop)]
        assert track.boxes == pytest.approx(np.float32(expected))


def test_no_missed_detection_is_bridged_if_none_may_be():
    detector = Scripted(lambda n: [] if n == 5 else [at(20)])
    found = run(detector, map(frame, range(11)), max_missed=0)
    assert [(track.start, track.stop) for track in found] == [(0, 1), (10, 11)]


def test_people_come_and_go():
    def script(n):
        return [at(2)] * (n < 13) + [at(40)] * (n >= 7)

    left, right = run(Scripted(script), map(frame, range(21)))
    assert (left.start, left.stop) == (0, 11)  # last seen in frame 10: nothing is extrapolated
    assert (right.start, right.stop) == (10, 21)
    assert right.boxes[0].tolist() == at(40)


@pytest.mark.parametrize('hidden', [False, True])
def test_two_people_cross(hidden):
    """One walks right, one left, at 2 px a frame; the one behind may be hidden while they meet."""

    def script(n):
        boxes = [at(10 + 2 * n, side=30), at(90 - 2 * n, side=30)]
        return boxes[:1] if hidden and abs(boxes[0][0] - boxes[1][0]) < 15 else boxes

    picture = np.zeros((64, 130, 3), np.uint8)
    one, other = run(Scripted(script), [frame(n, picture) for n in range(41)])
    assert one.boxes[:, 0] == pytest.approx(10 + 2 * np.arange(41), abs=1e-3)
    assert other.boxes[:, 0] == pytest.approx(90 - 2 * np.arange(41), abs=1e-3)


def test_one_who_turns_back_is_kept():
    # 25 px wide, 12 px to or fro between detections: one who had gone on would be 24 px away
    (track,) = run(Scripted(lambda n: [at(2.4 * abs(n - 10), side=25)]), map(frame, range(21)))
    assert len(track) == 21


def test_one_who_stops_unseen_is_kept():
    boxes = [[at(0)], [at(10)], [], [at(10)]]  # 20 px wide: they were expected at 30
    assert len(run(Scripted(boxes.__getitem__), map(frame, range(4)), every=1)) == 1


def test_links_are_the_best_for_all_not_for_the_first():
    # the box at 6 overlaps the person who was at 10 most, but then nobody is left for the other
    detector = Scripted(lambda n: [at(0), at(10)] if n == 0 else [at(6), at(16)])
    first, second = run(detector, map(frame, range(2)), every=1)
    assert first.boxes[:, 0].tolist() == [0, 6]
    assert second.boxes[:, 0].tolist() == [10, 16]


@pytest.mark.parametrize(('step', 'people'), [(10, 1), (21, 1), (22, 2)])
def test_too_little_overlap_is_another_person(step, people):
    # 20 px wide, looked for as 40 px wide: moved by 21 the overlap is 19/61, by 22 it is 18/62
    found = run(Scripted(lambda n: [at(step * n)]), map(frame, range(2)), every=1)
    assert len(found) == people


@pytest.mark.parametrize(('step', 'people'), [(10, 1), (11, 2)])
def test_who_was_missed_has_to_be_where_they_were(step, people):
    # 20 px wide: moved by 10 the overlap is 1/3, by 11 it is 9/31
    boxes = [[at(0)], [], [at(step)]]
    assert len(run(Scripted(boxes.__getitem__), map(frame, range(3)), every=1)) == people


def test_who_moves_fast_does_not_take_the_face_of_another():
    # one stays at 16, the other comes from the left of it to below it
    boxes = [[at(0), at(16)], [at(16), at(12, y=32)]]
    moved, stayed = run(Scripted(boxes.__getitem__), map(frame, range(2)), every=1)
    assert stayed.boxes.tolist() == [at(16)] * 2
    assert moved.boxes[1].tolist() == at(12, y=32)


def test_a_cut_ends_all_tracks():
    detector = Scripted(lambda n: [at(5), at(35)])
    pictures = [frame(n, scene(0 if n < 7 else 1)) for n in range(12)]
    found = run(detector, pictures)
    assert detector.searched == [0, 5, 6, 7, 10, 11]  # also the last of one shot and first of next
    assert [(track.start, track.stop) for track in found] == [(0, 7)] * 2 + [(7, 12)] * 2


def test_a_flash_does_not():
    """White in frames 6 to 8, where the detector sees phantoms."""
    detector = Scripted(lambda n: [at(40), at(2)] if 6 <= n <= 8 else [at(20)])
    white = np.full((64, 64, 3), 255, np.uint8)
    pictures = [frame(n, white if 6 <= n <= 8 else None) for n in range(16)]
    (track,) = run(detector, pictures)
    assert len(track) == 16
    assert track.boxes.tolist() == [at(20)] * 16
    assert not track.detected[6:9].any()
    assert detector.searched == [0, 5, 6, 9, 10, 15]


def test_another_size_of_the_picture_ends_all_tracks():
    pictures = [frame(n, scene(0, 64, 64 if n < 3 else 80)) for n in range(6)]
    found = run(Scripted(lambda n: [at(20)]), pictures)
    assert [(track.start, track.stop) for track in found] == [(0, 3), (3, 6)]


@pytest.mark.parametrize(
    ('height', 'width', 'square'),
    [(64, 64, [0, 0, 64, 64]), (90, 41, [0, 24, 41, 65]), (16, 101, [42, 0, 58, 16])],
)
def test_without_a_detector_the_centre_square_of_every_frame(height, width, square):
    pictures = [np.full((height, width, 3), 40 * n, np.uint8) for n in range(7)]
    (track,) = run(None, pictures, first_frame=3)
    assert (track.start, track.stop) == (3, 10)
    assert track.boxes.tolist() == [square] * 7
    assert not track.detected.any()


def test_nothing_to_find():
    assert run(Scripted(lambda n: []), map(frame, range(7))) == []
    assert run(Scripted(lambda n: [at(20)]), []) == []
    assert run(None, []) == []


@pytest.mark.parametrize('side', [1, 2, 16])
def test_tiny_frames(side):
    picture = np.zeros((side, side, 3), np.uint8)
    (track,) = run(Scripted(lambda n: [[0, 0, 1, 1]]), [frame(n, picture) for n in range(7)])
    assert len(track) == 7


@pytest.mark.parametrize(
    'picture',
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 1), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        [[[1, 2, 3]]],
    ],
)
@pytest.mark.parametrize('detects', [True, False])
def test_what_is_no_picture(picture, detects):
    tracker = FaceTracker(Scripted(lambda n: []) if detects else None)
    with pytest.raises(ValueError, match=r'a picture is \(H, W, 3\) uint8 RGB, this one is '):
        tracker.update(picture)


@pytest.mark.parametrize(
    'options',
    [dict(every=0), dict(max_missed=-1), dict(min_iou=0), dict(min_iou=1.1)],
)
def test_arguments_out_of_range(options):
    (value,) = options.values()
    with pytest.raises(ValueError, match=str(value)):
        FaceTracker(None, **options)


def test_frames_are_numbered_from_the_first_one():
    detector = Scripted(lambda n: [at(20)])
    (track,) = run(detector, map(frame, range(7)), first_frame=93)
    assert (track.start, track.stop) == (93, 100)
    assert detector.searched == [0, 5, 6]


def test_a_finished_tracker_takes_another_video():
    tracker = FaceTracker(Scripted(lambda n: [at(20)]), first_frame=2)
    for length, seed in ((6, 0), (9, 1)):  # the change of scene between them is not a cut
        for n in range(length):
            tracker.update(frame(n, scene(seed)))
        (track,) = tracker.finish()
        assert (track.start, track.stop) == (2, 2 + length)


def test_holds_no_picture_but_the_latest():
    tracker, alive = FaceTracker(Scripted(lambda n: [at(20)])), []
    for n in range(12):
        picture = frame(n)
        alive.append(weakref.ref(picture))
        tracker.update(picture)
        del picture
        assert sum(reference() is not None for reference in alive) <= 1
