import os
import pickle

import numpy as np
import pytest
from PIL import Image

from data_prep.clip_writer import write_clip
from mmfake.video.frame_reader import VideoError
from mmfake.video.stored_clip import JpgClip, NpyClip, PictureList, open_stored_clip
from tests.video import numbered

OPENED = {'npy': NpyClip, 'jpg': JpgClip}


@pytest.fixture
def video():
    return np.stack([numbered.picture(number, 48, 60) for number in range(12)])


@pytest.fixture(params=OPENED)
def clip(request, video, tmp_path):
    path = tmp_path / f'clip.{request.param}'
    write_clip(path, video, 25, request.param)
    return OPENED[request.param](path)


def test_interface_of_decord(clip, video):
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


def test_what_is_opened(clip, tmp_path):
    assert type(open_stored_clip(clip.path, 30)) is type(clip)
    assert open_stored_clip(tmp_path / f'{"x" * 300}.mp4') is None
    with pytest.raises(VideoError, match=r'a\.NPY: cannot be opened'):
        open_stored_clip(tmp_path / 'a.NPY')


def test_pictures_whose_names_became_capitals(video, tmp_path):
    write_clip(tmp_path / 'a', video, 25, 'jpg')
    for file in list((tmp_path / 'a').iterdir()):
        file.rename(file.with_suffix('.JPG'))
    frames = open_stored_clip(tmp_path / 'a').get_batch([7, 11]).asnumpy()
    assert [numbered.number_of(frame) for frame in frames] == [7, 11]


class Trap:
    def __reduce__(self):
        return pytest.fail, ('code of the file was run',)


NOT_WHOLE = 'not a whole .npy file'


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (lambda content: content[:-1], NOT_WHOLE),
        (lambda content: content[:50], NOT_WHOLE),
        (lambda content: b'', NOT_WHOLE),
        (lambda content: b'<html>404</html>' * 20, NOT_WHOLE),
        (lambda content: pickle.dumps(Trap()), NOT_WHOLE),
    ],
)
def test_a_damaged_array(video, tmp_path, content, reason):
    path = tmp_path / 'a.npy'
    np.save(path, video)
    path.write_bytes(content(path.read_bytes()))
    with pytest.raises(VideoError, match=reason):
        NpyClip(path)


@pytest.mark.parametrize(
    ('array', 'reason'),
    [
        (np.zeros((2, 9, 9, 3), np.float32), r'it holds \(2, 9, 9, 3\) float32'),
        (np.zeros((9, 9, 3), np.uint8), r'it holds \(9, 9, 3\) uint8, not \(T, H, W, 3\) uint8'),
        (np.zeros((2, 9, 9, 1), np.uint8), r'it holds \(2, 9, 9, 1\) uint8'),
        (np.zeros((0, 9, 9, 3), np.uint8), rf'it holds \(0, |{NOT_WHOLE}'),
        (np.array([Trap()], dtype=object), NOT_WHOLE),
    ],
)
def test_an_array_that_is_no_clip(array, reason, tmp_path):
    np.save(tmp_path / 'a.npy', array, allow_pickle=True)
    with pytest.raises(VideoError, match=reason):
        NpyClip(tmp_path / 'a.npy')


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
    frame.unlink()  # after the folder was listed
    with pytest.raises(VideoError, match='000005.jpg is not there; put it back'):
        clip.get_batch([5])
    with pytest.raises(VideoError, match='000005.jpg is missing among 11 frames'):
        JpgClip(path)
    with pytest.raises(VideoError, match='a folder without a frame such as 000000.jpg'):
        JpgClip(tmp_path)
    with pytest.raises(VideoError, match='cannot be opened'):
        JpgClip(tmp_path / 'none')


def test_a_list_of_pictures_anywhere(video, tmp_path):
    names = ['b/7.png', 'b/10.png', 'a/x.jpg']
    for name, picture in zip(names, video):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / name, quality=95)
    path = tmp_path / 'lists' / 'a.pictures'
    path.parent.mkdir()
    path.write_text(''.join(f'../{name}\n' for name in names))
    clip = open_stored_clip(path, 30)
    assert (type(clip), len(clip), clip.get_avg_fps()) == (PictureList, 3, 30.0)
    frames = clip.get_batch([2, 0, -2]).asnumpy()
    assert [numbered.number_of(frame) for frame in frames] == [2, 0, 1]
    assert (frames[1] == video[0]).all()  # png loses nothing
    (tmp_path / 'b' / '10.png').write_bytes(b'')
    with pytest.raises(VideoError, match='10.png cannot be decoded'):
        clip.get_batch([1])
    Image.new('RGB', (8, 8)).save(tmp_path / 'b' / '10.png')
    with pytest.raises(VideoError, match='its pictures are of different sizes'):
        clip.get_batch([0, 1])


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (lambda path: path.rename(path.with_name('8.png')), '7.png is not there; put it back, or'),
        (lambda path: path.parent.rename(path.parents[1] / 'c'), '7.png is not there'),
        (lambda path: (path.unlink(), path.mkdir()), r'7.png cannot be read \(Is a directory\)'),
        (lambda path: (path.unlink(), path.symlink_to(path)), r'7.png cannot be read \(Too many'),
        (lambda path: os.truncate(path, 99), '7.png cannot be decoded'),
    ],
)
def test_only_what_is_there_and_damaged_cannot_be_decoded(video, tmp_path, change, reason):
    picture = tmp_path / 'b' / '7.png'
    picture.parent.mkdir()
    Image.fromarray(video[0]).save(picture)
    (tmp_path / 'a.pictures').write_text('b/7.png\n')
    clip = open_stored_clip(tmp_path / 'a.pictures')
    assert clip.get_batch([0]).asnumpy().any()
    change(picture)
    with pytest.raises(VideoError, match=reason):
        clip.get_batch([0])


@pytest.mark.parametrize(
    ('content', 'reason'),
    [(b'\n', 'a list without a picture'), (b'\xff\xd8', 'no list of'), (None, 'cannot be opened')],
)
def test_a_list_that_is_none(tmp_path, content, reason):
    path = tmp_path / 'a.pictures'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoError, match=reason):
        open_stored_clip(path)
