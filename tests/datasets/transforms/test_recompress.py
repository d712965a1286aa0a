"""Recompression of clips, forged or not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mmfake.datasets.transforms.recompress import _FAST, Recompress
from mmfake.errors import MMFakeError
from mmfake.video.degradations import h264_coded, jpeg_coded


def h264(clip, factor):
    return np.stack(h264_coded(clip, dict(_FAST, crf=str(factor))))


def psnr(clip, coded):
    return -10 * np.log10(np.mean((np.float64(clip) - coded) ** 2) / 255**2)


def test_jpeg_is_what_another_coder_makes(make_sample):
    picture = make_sample('original')['imgs'][0]
    for quality in (60, 95):
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, 'JPEG', quality=quality, subsampling='4:2:0')
        theirs = np.asarray(Image.open(stream))
        assert np.abs(jpeg_coded(picture, quality) - theirs.astype(float)).mean() < 1


def test_a_higher_factor_of_h264_costs_more_and_every_frame_comes_back(make_sample):
    for side in (96, 63):
        clip = make_sample('original', side=side)['imgs']
        levels = [psnr(clip, h264(clip, factor)) for factor in (12, 20, 28)]
        assert levels == sorted(levels, reverse=True)
        assert 25 < levels[2] < levels[0] - 1
    moving = [np.full((32, 32, 3), 20 * n, np.uint8) for n in range(10)]
    assert [round(f.mean() / 20) for f in h264(moving, 12)] == list(range(10))


def test_a_pair_is_coded_alike_and_the_seed_decides(make_sample, apply):
    clip, transform = make_sample('original'), Recompress()
    fake = dict(clip, method='sbi')
    results = [apply(transform, clip, seed) for seed in range(12)]
    assert all((apply(transform, fake, s) == done).all() for s, done in enumerate(results))
    assert len({done.tobytes() for done in results}) > 8


def test_both_codecs_come_up_and_clips_of_a_sample_are_coded_one_by_one(make_sample, apply):
    clip = make_sample('original')
    frame = clip['imgs'][0]
    jpegs = [jpeg_coded(frame, quality).tobytes() for quality in range(60, 101)]
    seen = [apply(Recompress(), clip, seed)[0].tobytes() in jpegs for seed in range(40)]
    assert 8 < sum(seen) < 32
    two = dict(clip, imgs=clip['imgs'] * 2)
    coded = apply(Recompress(prob_h264=1, h264=(20, 20)), two)
    assert (coded[:6] == coded[6:]).all()
    assert (coded[:6] == h264(clip['imgs'], 20)).all()
    black = dict(clip, unreadable='no frame')
    assert (apply(Recompress(), black) == np.stack(clip['imgs'])).all()


@pytest.mark.parametrize(
    'arguments', [dict(jpeg=(50, 101)), dict(jpeg=(90, 60)), dict(h264=(-1, 20)), dict(prob_h264=2)]
)
def test_wrong_arguments(arguments):
    with pytest.raises(MMFakeError, match='Recompress: '):
        Recompress(**arguments)
