from __future__ import annotations

import pickle

import numpy as np
import pytest

from data_prep.clip_writer import write_clip
from mmfake.video.frame_reader import VideoError
from mmfake.video.stored_clip import JpgClip, NpyClip

OPENED = {'npy': NpyClip, 'jpg': JpgClip}


@pytest.fixture
def video(numbered):
    return np.stack([numbered.picture(number, 48, 60) for number in range(12)])


@pytest.fixture(params=OPENED)
def clip(request, video, tmp_path):
    path = tmp_path / f'clip.{request.param}'
    write_clip(path, video, 25, request.param)
    return OPENED[request.param](path)


def test_interface_of_decord(clip, video, numbered):
    assert len(clip) == 12
    assert clip.get_avg_fps() == 25.0
    assert type(clip)(clip.path, fps=30).get_avg_fps() == 30.0
    frames = clip.get_batch(np.array([3, 11, 0, 3, -1])).asnumpy()
    assert [numbered.number_of(frame) for frame in frames] == [3, 11, 0, 3, 11]
    assert (frames.shape, frames.dtype) == ((5, 48, 60, 3), np.uint8)
    assert np.abs(frames[0].astype(int) - video[3]).mean() < 3


def test_frames_belong_to_the_caller(clip):
    """Transforms like Flip write into them."""
    first = clip.get_batch([2, 2]).asnumpy()
    first[0] = 255
    assert (first[1] != 255).any()
    assert (clip.get_batch([2]).asnumpy() != 255).any()


@pytest.mark.parametrize('index', [12, -13])
def test_no_such_frame(clip, index):
    with pytest.raises(IndexError):
        clip.get_batch([0, index])


def damage_npy(path, video):
    """Ways in which an array is none, or not a clip."""
    path.parent.mkdir()
    np.save(path, video)
    content = path.read_bytes()
    yield 'cut', content[:-1], 'not a whole .npy file'
    yield 'in the header', content[:50], 'not a whole .npy file'
    yield 'empty', b'', 'not a whole .npy file'
    yield 'text', b'<html>404</html>' * 20, 'not a whole .npy file'
    for name, array, reason in (
        ('float', video.astype(np.float32), r'it holds \(12, 48, 60, 3\) float32'),
        ('one picture', video[0], r'it holds \(48, 60, 3\) uint8, not \(T, H, W, 3\) uint8'),
        ('grey', video[..., :1], r'it holds \(12, 48, 60, 1\) uint8'),
        ('no frame', video[:0], r'it holds \(0, |not a whole .npy file'),
    ):
        np.save(path, array)
        yield name, path.read_bytes(), reason
    np.save(path, np.array([Trap()], dtype=object), allow_pickle=True)
    yield 'pickled', path.read_bytes(), 'not a whole .npy file'
    yield 'pickle', pickle.dumps(Trap()), 'not a whole .npy file'


class Trap:
    def __reduce__(self):
        return pytest.fail, ('code of the file was run',)


def test_damaged_array(video, tmp_path):
    seen = 0
    for name, content, reason in damage_npy(tmp_path / 'x' / 'a.npy', video):
        path = tmp_path / f'{name}.npy'
        path.write_bytes(content)
        with pytest.raises(VideoError, match=reason):
            NpyClip(path)
        seen += 1
    assert seen == 10
    with pytest.raises(VideoError, match='cannot be opened'):
        NpyClip(tmp_path / 'none.npy')


def test_damaged_folder(video, tmp_path):
    path = tmp_path / 'a'
    write_clip(path, video, 25, 'jpg')
    (path / 'Thumbs.db').write_bytes(b'what file managers leave behind')
    assert len(JpgClip(path)) == 12
    frame = path / '000005.jpg'
    content = frame.read_bytes()
    for damaged in (content[: len(content) // 2], b'', b'<html>'):
        frame.write_bytes(damaged)
        clip = JpgClip(path)
        assert clip.get_batch([4]).asnumpy().any()
        with pytest.raises(VideoError, match='000005.jpg cannot be decoded'):
            clip.get_batch([4, 5])
    frame.unlink()
    with pytest.raises(VideoError, match='000005.jpg is missing among 11 frames'):
        JpgClip(path)
    with pytest.raises(VideoError, match='a folder without a frame such as 000000.jpg'):
        JpgClip(tmp_path)
    with pytest.raises(VideoError, match='cannot be opened'):
        JpgClip(tmp_path / 'none')
