import numpy as np
import pytest

from data_prep.prepare.person_search import continue_track
from mmfake.faces.tracking import FaceTracker
from tests.faces.scripted import Scripted, frame, make_track


def test_the_best_overlapping_tail_is_appended():
    ours = make_track([0, 0, 20, 20], length=10, score=0.8)
    near = make_track([4, 0, 24, 20], length=5, start=10, score=0.7)
    other = make_track([10, 0, 30, 20], length=9, start=10)
    for tails in ([near, other], [other, near]):
        joined = continue_track(ours, tails)
        assert (joined.start, joined.stop) == (0, 15)
        assert joined.boxes.tolist() == [[0, 0, 20, 20]] * 10 + [[4, 0, 24, 20]] * 5
        assert joined.scores == pytest.approx(np.float32([0.8] * 10 + [0.7] * 5))
        assert joined.detected.all()


def test_nothing_overlaps():
    ours = make_track([0, 0, 20, 20], length=10)
    assert continue_track(ours, []) is ours
    assert continue_track(ours, [make_track([60, 0, 80, 20], length=5, start=10)]) is ours
    # 20 px wide: moved by 11 the overlap is 9/31, just below 0.3
    aside = [make_track([11, 0, 31, 20], length=5, start=10)]
    assert continue_track(ours, aside) is ours
    assert len(continue_track(ours, aside, min_iou=0.29)) == 15


def test_a_gap_is_interpolated():
    ours = make_track([0, 0, 20, 20], length=3, start=2, with_points=True)
    joined = continue_track(ours, [make_track([4, 0, 24, 20], length=2, start=8, with_points=True)])
    left = [0, 0, 0, 1, 2, 3, 4, 4]
    assert joined.start == 2
    assert joined.boxes[:, 0] == pytest.approx(np.float32(left))
    assert joined.points[:, 2, 0] == pytest.approx(np.float32(left) + 10)
    assert joined.detected.tolist() == [True] * 3 + [False] * 3 + [True] * 2


@pytest.mark.parametrize(('start', 'length'), [(25, 30), (26, 10)])
def test_a_gap_may_be_fifteen_frames_long(start, length):
    tails = [make_track([0, 0, 20, 20], length=5, start=start)]
    assert len(continue_track(make_track([0, 0, 20, 20], length=10), tails)) == length


def test_common_frames_keep_the_boxes_of_the_track():
    ours = make_track([[n, 0, n + 20, 20] for n in range(10)])
    # begins in frame 6; where the two meet, in frame 9, it has 9 + 1
    tail = make_track([[n + 1, 0, n + 21, 20] for n in range(6, 15)], start=6)
    joined = continue_track(ours, [tail])
    assert joined.boxes[:, 0].tolist() == [*range(10), *range(11, 16)]
    assert joined.stop == 15


def test_a_tail_that_ends_first_adds_nothing():
    ours = make_track([0, 0, 20, 20], length=10)
    assert continue_track(ours, [make_track([0, 0, 20, 20], length=5, start=5)]) is ours


def test_equal_tails_have_an_order():
    ours = make_track([10, 0, 30, 20], length=10)
    left, right = (make_track([x, 0, x + 20, 20], length=5, start=10) for x in (8, 12))
    for tails in ([left, right], [right, left]):
        assert continue_track(ours, tails).boxes[-1, 0] == 8


def test_points_only_if_both_have_them():
    ours = make_track([0, 0, 20, 20], length=3, with_points=True)
    assert continue_track(ours, [make_track([0, 0, 20, 20], start=3)]).points is None


def test_with_a_tracker():
    """A manipulated video of 30 frames whose original has 18; two persons in both."""
    detector = Scripted(lambda n: [[n, 5, n + 30, 35], [5, 40, 25, 60]])
    tracks = []
    for first, last in ((0, 18), (18, 30)):
        tracker = FaceTracker(detector, first_frame=first)
        for n in range(first, last):
            tracker.update(frame(n))
        tracks.append(tracker.finish())
    whole = continue_track(tracks[0][0], tracks[1])
    assert whole.boxes == pytest.approx(np.float32([[n, 5, n + 30, 35] for n in range(30)]))
