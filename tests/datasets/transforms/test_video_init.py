from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose
from mmengine.fileio import BaseStorageBackend, FileClient

from data_prep.clip_writer import clip_suffix, write_clip
from mmfake.datasets.guarded_pipeline import GuardedPipeline
from mmfake.datasets.transforms.video_init import VideoInit
from mmfake.video.exact_video import GroupedVideo
from mmfake.video.frame_reader import VideoError

FORMATS = ['mp4', 'jpg', 'npy']
PIPELINE = [
    dict(type='mmfake.datasets.transforms.VideoInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=2, num_clips=2, test_mode=True),
    dict(type='DecordDecode'),
]
TAIL = [
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('filename', 'num_clips')),
]


@pytest.fixture
def brightness():
    """What frame i of the clip looks like."""
    return [6 * number for number in range(30)]


@pytest.fixture
def clips(tmp_path, brightness):
    """The same clip in every format."""
    video = [np.full((64, 64, 3), value, np.uint8) for value in brightness]
    paths = {format: tmp_path / f'clip{clip_suffix(format)}' for format in FORMATS}
    for format, path in paths.items():
        write_clip(path, video, 30, format)
    return paths


def annotation(path, **more):
    return dict(filename=str(path), label=1, start_index=0, modality='RGB', **more)


@pytest.mark.parametrize('format', [*FORMATS, 'NPY'])
def test_clips_of_every_format_go_through_the_pipeline_alike(clips, brightness, format):
    path = clips[format.lower()]
    if format == 'NPY':
        path = path.rename(path.with_suffix('.NPY'))
    results = Compose(PIPELINE)(annotation(path))
    assert results['total_frames'] == 30
    assert results['frame_inds'].size == len(results['imgs']) == 16
    want = [brightness[index] for index in results['frame_inds']]
    seen = [float(picture.mean()) for picture in results['imgs']]
    assert seen == pytest.approx(want, abs=1.5)
    assert results['img_shape'] == (64, 64)
    assert results['video_reader'] is None
    assert all(picture.flags.writeable for picture in results['imgs'])


@pytest.mark.parametrize(
    ('format', 'known', 'fps'),
    [
        ('npy', dict(fps=30.0), 30.0),
        ('npy', dict(fps=None), 25.0),
        ('npy', {}, 25.0),
        ('jpg', dict(fps=12.5), 12.5),
        ('jpg', {}, 25.0),
        ('mp4', dict(fps=12.5), 30.0),  # the file knows better
    ],
)
def test_rate_comes_from_the_annotation_where_the_clip_has_none(clips, format, known, fps):
    results = VideoInit().transform(annotation(clips[format], **known))
    assert results['avg_fps'] == pytest.approx(fps)


def test_defaults_are_those_of_one_thread():
    transform = TRANSFORMS.build(dict(type='mmfake.datasets.transforms.VideoInit'))
    assert isinstance(transform, VideoInit)
    assert (transform.io_backend, transform.num_threads) == ('disk', 1)
    assert TRANSFORMS.build(dict(type='VideoInit', num_threads=2)).num_threads == 2


def test_time_limit_of_older_configs_is_accepted_with_a_warning(log, clips):
    VideoInit()
    assert not log
    transform = TRANSFORMS.build(dict(type='mmfake.VideoInit', decode_timeout=2.5))
    assert transform(annotation(clips['npy']))['total_frames'] == 30
    (line,) = log
    assert line.startswith('VideoInit(decode_timeout=2.5) has no effect any more: set the timeout')


@pytest.mark.parametrize('format', FORMATS)
def test_damaged_clip_is_a_black_clip_with_a_reason(clips, format):
    path = clips[format]
    if format == 'jpg':
        (path / '000003.jpg').unlink()
    else:
        path.write_bytes(path.read_bytes()[:-500])
    packed = GuardedPipeline(PIPELINE + TAIL)(annotation(path))
    reason = packed['data_samples'].metainfo['unreadable']
    assert not packed['inputs'].any()
    want = {
        'mp4': 'VideoError: truncated: ',
        'jpg': 'VideoError: 000003.jpg is missing among 29 frames',
        'npy': 'VideoError: not a whole .npy file; write it anew',
    }
    assert reason
    assert reason.startswith(want[format])
    assert str(path.parent) not in reason, 'equal faults must have equal reasons'


@pytest.mark.parametrize('format', FORMATS)
def test_clip_with_too_few_frames_is_told_in_every_format(clips, tmp_path, format):
    path = tmp_path / f'short{clip_suffix(format)}'
    write_clip(path, np.full((14, 64, 64, 3), 90, np.uint8), 25, format)  # 8 of every other: 15
    packed = GuardedPipeline(PIPELINE + TAIL)(annotation(path))
    assert packed['data_samples'].unreadable == 'too short: 14 frames, a clip has 15'
    assert not packed['inputs'].any()


def test_clip_that_vanished(tmp_path):
    with pytest.raises(VideoError, match='cannot be opened'):
        VideoInit().transform(annotation(tmp_path / 'none.npy'))
    with pytest.raises(FileNotFoundError):
        VideoInit().transform(annotation(tmp_path / 'none'))


# ---- Which reader ---------------------------------------------------------------------------


def test_prepared_clip_is_read_by_groups(clips):
    reader = VideoInit(num_threads=2).transform(annotation(clips['mp4']))['video_reader']
    assert isinstance(reader, GroupedVideo)
    assert len(reader.get_batch([3, 20]).asnumpy()) == 2


class Shelf(BaseStorageBackend):
    """Somewhere else than on the disk."""

    def get(self, filepath):
        return Path(filepath).read_bytes()

    def get_text(self, filepath):
        return Path(filepath).read_text()


def test_video_from_elsewhere_is_read_by_groups_or_refused_by_name(tmp_path, clips):
    FileClient.register_backend('shelf', Shelf, force=True)
    transform = VideoInit(io_backend='shelf')
    results = transform.transform(annotation(clips['mp4']))
    from_disk = VideoInit().transform(annotation(clips['mp4']))
    for indices in ([17, 3], [9]):  # more than once
        seen, want = (x['video_reader'].get_batch(indices).asnumpy() for x in (results, from_disk))
        assert np.array_equal(seen, want)
    film = tmp_path / 'film.mkv'
    with av.open(str(film), 'w') as container:
        stream = container.add_stream('mpeg4', rate=25)
        stream.width = stream.height = 64
        container.mux(stream.encode(av.VideoFrame(64, 64, 'yuv420p')))
        container.mux(stream.encode())
    with pytest.raises(
        VideoError, match=r'film.mkv: its frames can only be counted from the first'
    ):
        transform.transform(annotation(film))
    assert VideoInit().transform(annotation(film))['total_frames'] == 1
