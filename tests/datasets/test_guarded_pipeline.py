import os
import signal

import av
import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from torch.utils.data import DataLoader

from mmfake.datasets.guarded_pipeline import GuardedPipeline
from mmfake.errors import MMFakeError

HEAD = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, num_clips=2, test_mode=True),
    dict(type='DecordDecode'),
]
TAIL = [
    dict(type='RandomResizedCrop', area_range=(0.7, 1.0), aspect_ratio_range=(0.9, 1.1)),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('filename', 'num_clips')),
]


class FailingDecode(BaseTransform):
    """Fails as it is told to, in the place of a decoder."""

    def __init__(self, error):
        self.error = error

    def transform(self, results):
        raise self.error


class Failing(BaseTransform):
    """Fails after decoding."""

    def transform(self, results):
        raise RuntimeError('bug')


def annotation(path, **more):
    return dict(filename=str(path), label=1, start_index=0, modality='RGB', **more)


@pytest.fixture
def whole(tmp_path, video_writer):
    path = tmp_path / 'whole.mp4'
    video_writer(path)
    return path


KINDS = ('truncated', 'text', 'empty', 'no_frames', 'vanished')


@pytest.fixture
def broken(tmp_path, whole, video_writer):
    """Videos that are broken in five ways, by name."""
    content = whole.read_bytes()
    paths = {name: tmp_path / f'{name}.mp4' for name in KINDS}
    paths['truncated'].write_bytes(content[: len(content) // 2])
    paths['text'].write_text('<html>404 Not Found</html>\n' * 40)
    paths['empty'].write_bytes(b'')
    video_writer(paths['no_frames'], frames=0)
    return paths


@pytest.mark.parametrize('kind', KINDS)
def test_broken_video_is_a_marked_black_clip_of_the_usual_shape(broken, kind):
    packed = GuardedPipeline(HEAD + TAIL)(annotation(broken[kind]))
    clips, sample = packed['inputs'], packed['data_samples']
    assert clips.shape == (2, 3, 8, 32, 32)
    assert clips.dtype.itemsize == 1
    assert not clips.any()
    reason = sample.metainfo['unreadable']
    assert reason
    assert '\n' not in reason
    assert len(reason) < 200
    assert str(broken[kind].parent) not in reason, 'equal faults must have equal reasons'
    assert sample.gt_label.item() == 1
    assert sample.metainfo['num_clips'] == 2


def test_mp4_that_breaks_off_in_its_frames_is_unreadable_at_any_index(tmp_path, whole):
    fast = tmp_path / 'fast.mp4'
    with av.open(str(whole)) as source, av.open(
        str(fast), 'w', options=dict(movflags='faststart')
    ) as sink:
        template = source.streams.video[0]
        if hasattr(sink, 'add_stream_from_template'):
            stream = sink.add_stream_from_template(template)
        else:  # PyAV 12
            stream = sink.add_stream(template=template)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                sink.mux(packet)
    # the header in front is whole, so the file opens and says 40 frames; the end is cut off
    content = fast.read_bytes()
    fast.write_bytes(content[: int(len(content) * 0.6)])
    packed = GuardedPipeline(HEAD + TAIL)(annotation(fast))
    reason = packed['data_samples'].metainfo['unreadable']
    assert reason.startswith('DECORDError: ')
    assert '[' not in reason, 'no time of day, which would make every reason another one'


def test_readable_video_is_what_a_plain_pipeline_makes_of_it(whole):
    tail = [TAIL[1], *TAIL[3:]]  # nothing random
    guarded = GuardedPipeline(HEAD + tail)(annotation(whole))
    plain = Compose(HEAD + tail)(annotation(whole))
    assert (guarded['inputs'] == plain['inputs']).all()
    assert guarded['data_samples'].metainfo == plain['data_samples'].metainfo
    assert guarded['inputs'].any()


@pytest.mark.parametrize('test_mode', [True, False])
@pytest.mark.parametrize(
    ('frames', 'sampling', 'span'),
    [
        (1, {}, 8),
        (7, {}, 8),
        (8, {}, None),
        (14, dict(frame_interval=2), 15),
        (15, dict(frame_interval=2), None),
        (1, dict(clip_len=1), None),
        (18, dict(target_fps=10), 20),  # 8 frames of 10 per s last as long as 20 of 25 per s
        (20, dict(target_fps=10), None),
        (7, dict(target_fps=25, out_of_bound_opt='repeat_last'), 8),
    ],
)
def test_video_shorter_than_a_clip_is_told_and_never_filled_with_repetitions(
    tmp_path, video_writer, frames, sampling, span, test_mode
):
    path = tmp_path / 'short.mp4'
    video_writer(path, frames=frames)
    sampler = dict(HEAD[1], num_clips=1, test_mode=test_mode, **sampling)
    sampler = dict(sampler, clip_len=sampling.get('clip_len', 8))
    results = GuardedPipeline([HEAD[0], sampler, HEAD[2]])(annotation(path))
    if span is None:
        assert 'unreadable' not in results
        assert np.all(np.diff(results['frame_inds']) > 0), 'each frame at most once, in order'
        assert all(picture.any() for picture in results['imgs'])
        return
    assert results['unreadable'] == f'too short: {frames} frames, a clip has {span}'
    assert not np.any(results['imgs'])
    packed = GuardedPipeline([HEAD[0], sampler, HEAD[2], *TAIL])(annotation(path))
    assert packed['data_samples'].unreadable == results['unreadable']
    assert packed['inputs'].shape == (1, 3, 8, 32, 32)


def test_double_sampling_gives_twice_the_black_frames(broken):
    head = [HEAD[0], dict(HEAD[1], twice_sample=True), HEAD[2]]
    packed = GuardedPipeline(head + TAIL)(annotation(broken['text']))
    assert packed['inputs'].shape == (4, 3, 8, 32, 32)


@pytest.mark.parametrize(
    ('sampling', 'clips'),
    [
        (dict(), 2),
        (dict(twice_sample=True), 4),
        (dict(type='DenseSampleFrames'), 20),
        (dict(type='UniformSample'), 2),
        (dict(type='UniformSample', test_mode=False), 1),  # it draws one, whatever it is asked for
    ],
)
def test_as_many_clips_are_told_as_were_chosen(whole, broken, sampling, clips):
    for path in (whole, broken['text']):
        packed = GuardedPipeline([HEAD[0], dict(HEAD[1], **sampling), HEAD[2], *TAIL])(
            annotation(path)
        )
        assert packed['inputs'].shape == (clips, 3, 8, 32, 32)
        assert packed['data_samples'].num_clips == clips


def test_failure_after_decoding_is_a_bug_and_propagates(whole):
    with pytest.raises(RuntimeError, match='bug'):
        GuardedPipeline([*HEAD, Failing(), *TAIL])(annotation(whole))


@pytest.mark.parametrize(
    'error', [ImportError('no decord'), KeyError('frame_inds'), MemoryError(), AttributeError('x')]
)
def test_failure_that_is_not_the_videos_propagates(error):
    with pytest.raises(type(error)):
        GuardedPipeline([HEAD[1], FailingDecode(error), *TAIL])(annotation('x', total_frames=9))


@pytest.mark.parametrize(
    ('error', 'reason'),
    [
        (ValueError(), 'ValueError'),
        (ValueError('two\nlines'), 'ValueError: two lines'),
        (OSError(5, 'Input/output error', '/some/path'), 'OSError: Input/output error'),
        (RuntimeError('[03:11:20] /src/v.cc:15: Check failed'), 'RuntimeError: Check failed'),
        (ValueError('x' * 999), 'ValueError: ' + 'x' * 160),
    ],
)
def test_reason_is_one_short_line(error, reason):
    pipeline = GuardedPipeline([HEAD[1], FailingDecode(error), *TAIL])
    packed = pipeline(annotation('x', total_frames=9))
    assert packed['data_samples'].metainfo['unreadable'] == reason


def test_transform_that_returns_none_gives_none(whole):
    assert GuardedPipeline([*HEAD, lambda results: None, *TAIL])(annotation(whole)) is None


def test_pipeline_without_decoding_is_run_as_it_is():
    assert GuardedPipeline([])(dict(a=1)) == dict(a=1)
    with pytest.raises(RuntimeError, match='bug'):
        GuardedPipeline([Failing()])(dict(a=1))


def test_decoding_without_a_frame_sampler_is_refused_at_once():
    with pytest.raises(MMFakeError, match=r'DecordInit, DecordDecode.*put SampleFrames before'):
        GuardedPipeline([HEAD[0], HEAD[2], *TAIL])


def test_black_frames_are_not_one_array(broken):
    """Flip works in place: on one array shared by all frames it would undo itself."""
    seen = []

    def look(results):
        seen.extend(results['imgs'])
        return results

    GuardedPipeline([*HEAD, look, *TAIL])(annotation(broken['text']))
    assert len(seen) == 16
    assert not any(np.shares_memory(seen[0], frame) for frame in seen[1:])


def test_pipeline_that_does_not_pack_keeps_the_reason_among_its_results(broken):
    results = GuardedPipeline(HEAD)(annotation(broken['empty']))
    assert results['unreadable'].startswith('RuntimeError')
    assert len(results['imgs']) == 16


def test_decoder_that_returns_none_could_not_decode():
    class NothingDecode(BaseTransform):
        def transform(self, results):
            return None

    packed = GuardedPipeline([HEAD[1], NothingDecode(), *TAIL])(annotation('x', total_frames=9))
    assert packed['data_samples'].unreadable == 'ValueError: NothingDecode returned None'


class InterruptedVideos:
    """Ctrl-C reaches the worker while it has each of them."""

    def __init__(self):
        self.pipeline = GuardedPipeline([self.interrupt])

    def interrupt(self, data):
        os.kill(os.getpid(), signal.SIGINT)
        return data

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.pipeline(dict(index=index))['index']


def test_ctrl_c_leaves_workers_to_the_main_process():
    """Met while decord lets go of a video it would be printed as a traceback, and forgotten."""
    assert [int(batch) for batch in DataLoader(InterruptedVideos(), num_workers=1)] == [0, 1]


@pytest.mark.parametrize(('side', 'told'), [(90, False), (96, False), (98, True)])
def test_what_resize_enlarges_by_more_than_half_is_noted(whole, side, told):
    """The video has 64 px on its shorter side."""
    steps = [*HEAD, dict(type='Resize', scale=(-1, side)), *TAIL[3:]]
    sample = GuardedPipeline(steps)(annotation(whole))['data_samples']
    assert ('enlarged' in sample.metainfo) == told
    if told:
        before, after = sample.enlarged
        assert min(before) == 64
        assert min(after) == side
    crop = dict(
        type='CenterCrop', crop_size=32
    )  # after the crop it is enlarged, whatever the video
    steps = [*HEAD, crop, dict(type='Resize', scale=(64, 64), keep_ratio=False), *TAIL[3:]]
    sample = GuardedPipeline(steps)(annotation(whole))['data_samples']
    assert sample.enlarged == ((32, 32), (64, 64))


def test_a_black_clip_is_not_enlarged(broken):
    steps = [*HEAD, dict(type='Resize', scale=(512, 512), keep_ratio=False), *TAIL[3:]]
    sample = GuardedPipeline(steps)(annotation(broken['text']))['data_samples']
    assert 'unreadable' in sample.metainfo
    assert 'enlarged' not in sample.metainfo


def test_another_length_than_that_of_the_index_is_noted(whole):
    with av.open(str(whole)) as container:
        length = sum(1 for _ in container.decode(video=0))
    pipeline = GuardedPipeline([*HEAD, *TAIL])
    for told, noted in ((None, None), (length, None), (length + 1, (length, length + 1))):
        more = {} if told is None else dict(frames=told)
        sample = pipeline(annotation(whole, **more))['data_samples']
        assert sample.get('other_length') == noted


class Greedy(BaseTransform):
    """A transform of one's own with a bug."""

    def transform(self, results):
        return results['img']


def test_a_step_of_a_library_that_does_not_fit_is_one_line(whole):
    normalise = dict(type='Normalize', mean=[0, 0, 0], std=[1, 1, 1])  # mmcv's, of one picture
    for steps in ([*HEAD, normalise, *TAIL], [dict(type='DecordDecode'), *HEAD]):
        name = 'Normalize' if normalise in steps else 'DecordDecode'
        with pytest.raises(MMFakeError, match=f'^{name} of the pipeline needs .*take it out'):
            GuardedPipeline(steps)(annotation(whole))
    with pytest.raises(KeyError, match='img'):
        GuardedPipeline([*HEAD, Greedy(), *TAIL])(annotation(whole))
