"""Every frame once and in order, from any file, through a clip, to any reader."""

import av
import cv2
import decord
import numpy as np
import pytest

from data_prep.clip_writer import write_clip
from mmfake.datasets.transforms.video_init import VideoInit
from mmfake.video.exact_video import GroupedVideo
from mmfake.video.frame_reader import FrameReader
from tests.video import numbered

B_FRAMES = {'x264-params': 'b-adapt=0:bframes=2:keyint=10:min-keyint=10:scenecut=0'}
SHORT = {'x264-params': 'b-adapt=0:bframes=2:keyint=4:min-keyint=4:scenecut=0'}
OPEN_GOP = {'x264-params': 'b-adapt=0:bframes=2:keyint=12:scenecut=0:open-gop=1'}
INTRA_REFRESH = {'x264-params': 'intra-refresh=1:bframes=0:keyint=10:scenecut=0'}
FAST = {'preset': 'ultrafast'}
WHOLE = list(range(40))
GAPS = np.cumsum([0, *np.random.default_rng(0).integers(10, 200, 39)]).tolist()


def _edit_list(path):
    """A trim without re-encoding: starts in mid-group, so the lead-in is there and not shown."""
    source = numbered.encode(path.with_name('whole.mp4'), options=B_FRAMES)
    return numbered.copy_packets(source, path, shift=17, keep=lambda n: 10 <= n < 34)


def _turned(quarter):
    return lambda path: numbered.turn(numbered.encode(path, options=FAST), numbered.TURNS[quarter])


# name: (suffix, how it is made, the frames that are shown)
KINDS = {
    'plain': ('.mp4', dict(options=FAST), WHOLE),
    'vfr': ('.mkv', dict(times=GAPS, options=B_FRAMES), WHOLE),
    'open_gop': ('.mp4', dict(options=OPEN_GOP), WHOLE),
    'avi': ('.avi', dict(codec='mpeg4', options=dict(bf='2', b='2000000')), WHOLE),
    'edit_list': ('.mp4', _edit_list, list(range(17, 34))),
    'odd_size': ('.mp4', dict(codec='mpeg4', size=(75, 101), options=dict(b='2000000')), WHOLE),
    'ten_bit': ('.mp4', dict(pix_fmt='yuv420p10le', options=B_FRAMES), WHOLE),
    'grey': ('.mp4', dict(pix_fmt='gray', options=B_FRAMES), WHOLE),
    'vp9': (
        '.webm',
        dict(codec='libvpx-vp9', options={'deadline': 'realtime', 'cpu-used': '8'}),
        WHOLE,
    ),
    'transport': ('.ts', dict(options=B_FRAMES), WHOLE),
    'program': ('.mpg', dict(codec='mpeg2video', options=dict(b='4000000')), WHOLE),
    'mpeg2_transport': ('.ts', dict(codec='mpeg2video', options=dict(b='4000000')), WHOLE),
    'open_gop_matroska': ('.mkv', dict(options=OPEN_GOP), WHOLE),
    'closed_gop': ('.mp4', dict(options=B_FRAMES), WHOLE),
    'short_groups': ('.mp4', dict(options=SHORT), WHOLE),
    'mpeg4': ('.mp4', dict(codec='mpeg4', options=dict(bf='2', b='2000000')), WHOLE),
    'intra_refresh': ('.mp4', dict(options=INTRA_REFRESH), WHOLE),
    'flash': ('.flv', dict(options=B_FRAMES), WHOLE),
    'one_frame': ('.mp4', dict(count=1, options=FAST), [0]),
    'with_sound': ('.mp4', dict(sound='aac', options=B_FRAMES), WHOLE),
    'turned_90': ('.mp4', _turned(90), WHOLE),
    'turned_180': ('.mp4', _turned(180), WHOLE),
    'turned_270': ('.mp4', _turned(270), WHOLE),
}
if 'libsvtav1' in av.codecs_available:
    KINDS['av1'] = ('.mp4', dict(codec='libsvtav1', options=dict(preset='12')), WHOLE)
GROUPED = ('plain', 'closed_gop', 'short_groups', 'grey', 'one_frame', 'with_sound')  # and turned


@pytest.fixture(scope='module', params=KINDS)
def video(request, tmp_path_factory):
    """A video, the numbers of its shown frames, and how to turn a picture back."""
    suffix, recipe, numbers = KINDS[request.param]
    path = tmp_path_factory.mktemp('kinds') / f'{request.param}{suffix}'
    numbered.encode(path, **recipe) if isinstance(recipe, dict) else recipe(path)
    name, _, angle = request.param.partition('_')
    quarters = int(angle) // 90 if name == 'turned' else 0
    return path, numbers, quarters


@pytest.mark.parametrize('threads', [1, 3])
def test_reader_gives_each_shown_frame_once_in_order(video, threads):
    path, numbers, quarters = video
    with FrameReader(path, threads) as reader:
        frames = list(reader)
    assert [numbered.number_of(np.rot90(f.picture, quarters)) for f in frames] == numbers
    assert {f.picture.shape for f in frames} == {(reader.height, reader.width, 3)}
    assert {f.picture.dtype for f in frames} == {np.dtype(np.uint8)}
    want = np.array(GAPS if path.stem == 'vfr' else np.arange(len(numbers)) * 40) / 1000
    assert [f.time for f in frames] == pytest.approx(want, abs=0.0011)
    # until the next one is shown
    assert [f.end for f in frames[:-1]] == [f.time for f in frames[1:]]
    assert frames[-1].end > frames[-1].time


def test_training_and_test_see_the_frames_that_the_reader_shows(video):
    path, numbers, _ = video
    with FrameReader(path) as reader:
        shown = [frame.picture for frame in reader]
    results = VideoInit().transform(dict(filename=str(path)))
    assert results['total_frames'] == len(numbers)
    name = path.stem.partition('_')[0]
    grouped = isinstance(results['video_reader'], GroupedVideo)
    assert grouped == (path.stem in GROUPED or name == 'turned')
    # 8 from the middle, the last ones first, and every frame in any order
    middle, n = len(numbers) // 2, len(numbers)
    for indices in (
        np.arange(middle, min(middle + 8, n)),
        np.arange(n)[: -n // 2 : -1],
        np.random.default_rng(0).permutation(n),
    ):
        reader = VideoInit().transform(dict(filename=str(path)))['video_reader']
        for index, seen in zip(indices, reader.get_batch(indices).asnumpy()):
            assert np.array_equal(seen, shown[index])
    if grouped:  # where decord is exact, its pixels are the same
        assert np.array_equal(decord.VideoReader(str(path)).get_batch(range(n)).asnumpy(), shown)


def test_clip_is_read_back_exactly_by_every_reader(video, tmp_path):
    path, numbers, quarters = video
    clip, fps = tmp_path / 'clip.mp4', 29.97

    def numbers_in(pictures):
        return [numbered.number_of(np.rot90(picture, quarters)) for picture in pictures]

    with FrameReader(path) as reader:
        height, width = reader.height // 2 * 2, reader.width // 2 * 2
        written = write_clip(clip, (f.picture[:height, :width] for f in reader), fps)
    assert written == len(numbers)
    with FrameReader(clip) as reader:
        assert numbers_in(f.picture for f in reader) == numbers
        assert reader.fps == pytest.approx(fps, abs=1e-4)
        assert reader.expected_frames == len(numbers)
    with av.open(str(clip)) as container:
        pictures = [f.to_ndarray(format='rgb24') for f in container.decode(video=0)]
    assert numbers_in(pictures) == numbers
    shuffled = np.random.default_rng(0).permutation(len(numbers))
    seen = decord.VideoReader(str(clip), num_threads=1)
    assert len(seen) == len(numbers)
    assert numbers_in(seen.get_batch(shuffled).asnumpy()) == [numbers[i] for i in shuffled]
    assert seen.get_avg_fps() == pytest.approx(fps, abs=1e-4)


def test_the_edit_list_is_one_to_other_readers_too(tmp_path):
    path = _edit_list(tmp_path / 'trim.mp4')
    shown = []
    capture = cv2.VideoCapture(str(path))
    while True:
        more, picture = capture.read()
        if not more:
            break
        shown.append(numbered.number_of(picture))
    assert shown == list(range(17, 34))
    with FrameReader(path) as reader:
        assert reader.expected_frames == 24, 'more than are shown, and no error'


def test_the_open_groups_are_open(tmp_path):
    path = numbered.encode(tmp_path / 'open.mp4', options=OPEN_GOP)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    later_keys = [i for i, packet in enumerate(packets) if packet.is_keyframe and i]
    assert later_keys
    assert all(packets[i + 1].pts < packets[i].pts for i in later_keys), 'B-frames lead'


@pytest.mark.parametrize('quarter', [0, 90, 180, 270])
def test_turned_pictures_are_shown_upright(tmp_path, quarter):
    path = numbered.turn(numbered.encode(tmp_path / 'a.mp4', options=FAST), numbered.TURNS[quarter])
    with FrameReader(path) as reader:
        pictures = [frame.picture for frame in reader]
        assert (reader.width, reader.height) == ((64, 96) if quarter % 180 else (96, 64))
    for number in (1, 39):
        want = np.rot90(numbered.picture(number), -(quarter // 90)).astype(int)
        assert np.abs(pictures[number] - want).mean() < 30, 'noise: 20, a wrong block: 23'
