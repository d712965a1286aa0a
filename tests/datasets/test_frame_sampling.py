"""How far apart the frames of a clip are; the values are those of the samplers themselves."""

import numpy as np
import pytest
from mmaction.datasets.transforms import DenseSampleFrames, SampleFrames, UniformSample

from mmfake.datasets.frame_sampling import samplers_in, span_of


@pytest.mark.parametrize('test_mode', [True, False])
@pytest.mark.parametrize(
    ('kind', 'arguments', 'fps', 'span'),
    [
        (SampleFrames, dict(clip_len=8), 50, 8),
        (SampleFrames, dict(clip_len=8, frame_interval=3), 50, 22),
        (SampleFrames, dict(clip_len=8, target_fps=25), 50, 16),
        (SampleFrames, dict(clip_len=8, target_fps=25), 60, 19),
        (SampleFrames, dict(clip_len=8, target_fps=25, frame_interval=2), 50, 32),
        (SampleFrames, dict(clip_len=8, target_fps=25, frame_interval=2), None, 16),
        (SampleFrames, dict(clip_len=1, target_fps=25), 100, 1),
        (DenseSampleFrames, dict(clip_len=8, target_fps=25), 50, 8),  # which it ignores
        (UniformSample, dict(clip_len=8), 50, 8),
    ],
)
def test_a_clip_fits_into_its_span_and_no_less(kind, arguments, fps, span, test_mode):
    sampler = kind(**arguments, test_mode=test_mode)
    assert span_of(sampler, fps) == span

    def clip(frames):
        video = dict(total_frames=frames, start_index=0, avg_fps=fps)
        return sampler(video)['frame_inds'].reshape(-1, sampler.clip_len)

    if kind is UniformSample:  # which has no least length, but cannot do without repetitions
        assert len(np.unique(clip(span - 1)[0])) < 8
        return
    assert np.all(np.diff(clip(span)) > 0)
    assert span == 1 or not np.all(np.diff(clip(span - 1)) > 0)


def test_samplers_are_found_among_transforms_and_in_configs():
    dicts = [dict(type='Resize', scale=8), dict(type='SampleFrames', clip_len=8)]
    assert samplers_in(dicts) == dicts[1:]
    sampler = SampleFrames(clip_len=8)
    assert samplers_in([len, sampler]) == [sampler]
