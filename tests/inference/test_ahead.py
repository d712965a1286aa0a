"""What is made ahead in a thread: order, bound, errors, and its end."""

import threading

import pytest

from mmfake.errors import MMFakeError
from mmfake.inference.ahead import Ahead
from mmfake.inference.head_start import head_start
from mmfake.inference.video_scan import VideoScan


def test_items_come_in_their_order():
    with Ahead(iter(range(100)), 3, threading.Event()) as ahead:
        assert list(ahead) == list(range(100))


def test_no_more_than_so_many_wait():
    made, taken, most = [], 0, 0

    def items():
        for number in range(50):
            made.append(number)
            yield number

    with Ahead(items(), 3, threading.Event()) as ahead:
        for _ in ahead:
            taken += 1
            most = max(most, len(made) - taken)
    assert (taken, len(made)) == (50, 50)
    assert most <= 3 + 1  # and one in its hand


def test_what_is_raised_is_raised_where_the_next_item_is_taken():
    def items():
        yield 1
        raise MMFakeError('broken')

    seen = []
    with pytest.raises(MMFakeError, match='broken'), Ahead(items(), 3, threading.Event()) as ahead:
        seen.extend(ahead)
    with Ahead(items(), 3, threading.Event()) as ahead:
        assert next(iter(ahead)) == 1
    assert seen in ([], [1])


@pytest.mark.parametrize('most', [1, 10**9])
def test_leaving_ends_the_thread_and_closes_the_items(most):
    closed = threading.Event()
    stopped = threading.Event()

    def items():
        try:
            while not stopped.is_set():
                yield 0
        finally:
            closed.set()

    def take():
        with Ahead(items(), most, stopped) as ahead:
            assert next(iter(ahead)) == 0
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        take()
    assert closed.is_set()
    assert threading.active_count() == before


# ---- the first video, before its detector is loaded


def clips_of(inferencer, scan):
    scan.settle(inferencer.model.pipeline, None)
    return [(clip.start_frame, clip.inputs.sum().item()) for clip in scan.clips()]


def test_a_video_that_is_begun_gives_the_same_clips(inferencer, write_film, noise_film, tmp_path):
    film = write_film(tmp_path / 'a.mp4', noise_film(0, 30))
    with head_start([str(film)], None, 'largest', None, str(tmp_path)) as scan:
        found = clips_of(inferencer, scan)
    (prediction,) = inferencer(str(film), face=False)['predictions']
    (person,) = prediction['people']
    assert [start for start, _ in found] == [clip['start_frame'] for clip in person['clips']]
    with head_start([str(film)], None, 'largest', None, str(tmp_path)) as scan:
        found = inferencer([str(film)] * 2, batch_size=4, face=False, begun=scan)
    assert [video['people'] for video in found['predictions']] == [prediction['people']] * 2
    # not if it is not among what is left, or never settled
    other = write_film(tmp_path / 'b.mp4', noise_film(1, 30))
    before = threading.active_count()
    with head_start([str(film)], None, 'largest', None, str(tmp_path)) as scan:
        (judged,) = inferencer(str(other), face=False, begun=scan)['predictions']
    assert judged['video'] == str(other)
    with pytest.raises(MMFakeError), head_start([str(film)], None, 'all', None, str(tmp_path)):
        raise MMFakeError('no such config')
    assert threading.active_count() == before


def test_a_video_is_read_before_its_detector_is_known(
    monkeypatch, write_film, noise_film, tmp_path
):
    film, is_read = write_film(tmp_path / 'a.mp4', noise_film(0)), threading.Event()
    monkeypatch.setattr(VideoScan, '_know', lambda *_: is_read.set())
    with head_start([str(film)], None, 'largest', None, str(tmp_path)):
        assert is_read.wait(60)  # and not only when the model has been loaded


def test_what_is_not_begun(write_film, noise_film, tmp_path):
    film = write_film(tmp_path / 'a.mp4', noise_film(0))
    (tmp_path / 'list.txt').write_text('a.mp4')
    (tmp_path / 'out').mkdir()
    for name in ('gone.mp4', 'list.txt', '.'):
        with head_start([str(tmp_path / name)], None, 'largest', None, str(tmp_path)) as scan:
            assert scan is None
    (tmp_path / 'out' / 'results.jsonl').write_text('')  # maybe it was judged before
    with head_start([str(film)], None, 'largest', None, str(tmp_path / 'out')) as scan:
        assert scan is None
