"""Decoders that hang or crash inside a pipeline."""

import ctypes
import faulthandler
import os
import signal

import numpy as np
import pytest
from mmcv.transforms import BaseTransform

from mmfake.datasets.guarded_pipeline import GuardedPipeline
from mmfake.errors import MMFakeError

SAMPLE = dict(type='SampleFrames', clip_len=8, num_clips=2, test_mode=True)
TAIL = [
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('filename', 'num_clips')),
]


class GreyDecode(BaseTransform):
    """Grey pictures in the place of a decoder."""

    def transform(self, results):
        results['imgs'] = [np.full((32, 32, 3), 99, np.uint8) for _ in results['frame_inds']]
        results.update(img_shape=(32, 32), original_shape=(32, 32))
        return results


class Hanging(BaseTransform):
    """As decord does: native code that does not return and does not let go of Python's lock."""

    decode_timeout = 0.5

    def __init__(self, tries):
        self.tries = tries

    def transform(self, results):
        with self.tries.open('a') as file:
            file.write(f'{results["filename"]}\n')
        if 'endless' in results['filename']:
            ctypes.PyDLL(None).pause()
        if 'crash' in results['filename']:
            faulthandler.disable()  # of pytest
            os.kill(os.getpid(), signal.SIGSEGV)
        return results


@pytest.fixture
def hanging(tmp_path):
    return [Hanging(tmp_path / 'tries'), SAMPLE, GreyDecode(), *TAIL]


def reason_of(pipeline, name):
    video = dict(filename=name, label=1, start_index=0, modality='RGB', total_frames=99)
    packed = pipeline(video)
    return packed['data_samples'].metainfo.get('unreadable')


def test_decoder_that_hangs_is_ended_and_the_video_not_tried_again(hanging, tmp_path):
    pipeline = GuardedPipeline(hanging)
    names = ['endless1', 'fine', 'endless1', 'endless2', 'endless1', 'fine']
    reasons = [reason_of(pipeline, name) for name in names]
    late = 'decoding timed out after 0.5 s'
    assert reasons == [late, None, late, late, late, None]
    assert (tmp_path / 'tries').read_text().split() == ['endless1', 'fine', 'endless2', 'fine']


def test_workers_share_what_was_given_up(hanging, tmp_path):
    pipeline = GuardedPipeline(hanging)
    for _ in range(2):
        child = os.fork()
        if not child:
            os._exit(reason_of(pipeline, 'endless') != 'decoding timed out after 0.5 s')
        assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / 'tries').read_text().split() == ['endless']


def test_decoder_that_crashes_takes_down_its_video_only(hanging):
    pipeline = GuardedPipeline(hanging)
    names = ['crash', 'fine', 'crash']
    crashed = 'decoding crashed (SIGSEGV)'
    assert [reason_of(pipeline, name) for name in names] == [crashed, None, crashed]


def test_time_limit_is_the_configs():
    def limit(**settings):
        decode = [SAMPLE, dict(type='DecordDecode')]
        return GuardedPipeline([dict(type='mmfake.VideoInit', **settings), *decode])

    plain = [dict(type='DecordInit'), SAMPLE, dict(type='DecordDecode')]
    assert limit().decode_timeout == GuardedPipeline(plain).decode_timeout == 60.0
    assert limit(decode_timeout=2.5).decode_timeout == 2.5
    assert limit(decode_timeout=None).decode_timeout is None
    for wrong in (0, -1.0, float('inf'), float('nan')):
        with pytest.raises(MMFakeError, match=rf'decode_timeout={wrong}.*give seconds above 0'):
            limit(decode_timeout=wrong)
