"""Clips are those of the test, to the last bit."""

import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose

from mmfake.datasets.guarded_pipeline import GuardedPipeline
from mmfake.errors import MMFakeError
from mmfake.inference.clip_pipeline import ClipPipeline
from mmfake.inference.deepfake_inferencer import DeepfakeInferencer
from mmfake.video.frame_reader import FrameReader


def of_frames(cfg):
    """The config with single frames in place of clips."""
    for step in cfg.test_dataloader.dataset.pipeline:
        if step.type == 'SampleFrames':
            step.update(clip_len=1, num_clips=4)
        elif step.type == 'FormatShape':
            step.input_format = 'NCHW'
    return cfg


@pytest.mark.parametrize(('frames', 'height', 'width'), [(40, 96, 64), (9, 40, 50), (133, 32, 32)])
@pytest.mark.parametrize('single', [False, True])
def test_equal_to_the_whole_pipeline(
    config, write_film, noise_film, tmp_path, frames, height, width, single
):
    path = write_film(tmp_path / 'a.mp4', noise_film(0, frames, height, width), g='16', bf='0')
    cfg = of_frames(config()) if single else config()
    steps = cfg.test_dataloader.dataset.pipeline
    whole = Compose([TRANSFORMS.build(dict(step)) for step in steps])
    expected = whole(dict(filename=str(path), start_index=0, label=0))['inputs']

    pipeline = ClipPipeline(cfg)
    assert pipeline.span(25.0) == (1 if single else 8)
    assert pipeline.clip_shape == ((32, 32) if single else (8, 32, 32))
    with FrameReader(path) as reader:
        pictures = [pipeline.shrink(frame.picture) for frame in reader]
    chosen = pipeline.choose(frames, 25.0)
    assert chosen.shape == (4, 1 if single else 8)
    inputs = pipeline.pack([pictures[number] for number in chosen.ravel()], 4)
    assert inputs.dtype == torch.uint8
    assert torch.equal(inputs, expected)


def test_shrunk_frames_are_small(config):
    shrunk = ClipPipeline(config()).shrink(np.zeros((500, 400, 3), np.uint8))
    assert shrunk.shape == (32, 32, 3)
    assert shrunk.base is None


def test_span_counts_the_interval(config):
    cfg = config()
    cfg.test_dataloader.dataset.pipeline[1].frame_interval = 3
    assert ClipPipeline(cfg).span(25.0) == 22


def test_several_views_are_refused(config):
    cfg = config()
    cfg.test_dataloader.dataset.pipeline[4] = dict(type='ThreeCrop', crop_size=32)
    with pytest.raises(MMFakeError, match='CenterCrop'):
        ClipPipeline(cfg)


@pytest.mark.parametrize(
    'cfg',
    [
        Config(dict()),
        Config(dict(test_dataloader=dict(dataset=dict(pipeline=[dict(type='DecordInit')])))),
    ],
)
def test_a_config_without_a_test_pipeline_is_told(cfg):
    with pytest.raises(MMFakeError, match='pipeline'):
        ClipPipeline(cfg)


@pytest.mark.parametrize(('frames', 'expected'), [(15, 'too-short'), (16, 'scored')])
def test_a_film_shorter_than_a_clip_at_target_fps_is_not_scored(
    config, checkpoint, noise_film, write_film, tmp_path, frames, expected
):
    """Of 50 frames per second a clip of 8 at 25 spans 16, in the test (GuardedPipeline) too."""
    cfg = config()
    cfg.test_dataloader.dataset.pipeline[1].target_fps = 25
    path = write_film(tmp_path / 'fast.mp4', noise_film(0, frames), rate=50)
    steps = cfg.test_dataloader.dataset.pipeline
    sample = GuardedPipeline([dict(step) for step in steps])(
        dict(filename=str(path), start_index=0, label=0)
    )['data_samples']
    detect = DeepfakeInferencer(cfg, checkpoint(), 'cpu')
    (video,) = detect([str(path)], face=False)['predictions']
    assert video['status'] == expected
    if expected == 'scored':
        assert 'unreadable' not in sample
    else:
        assert sample.unreadable == 'too short: 15 frames, a clip has 16'
        assert video['reason'] == '15 frames, a clip has at least 16'


@pytest.mark.parametrize('frames', [8, 40])
def test_uniform_sample_is_judged_like_the_test(
    config, checkpoint, noise_film, write_film, tmp_path, frames
):
    cfg = config()
    steps = cfg.test_dataloader.dataset.pipeline
    steps[1] = dict(type='UniformSample', clip_len=8, num_clips=4, test_mode=True)
    path = write_film(tmp_path / 'a.mp4', noise_film(0, frames))
    whole = Compose([TRANSFORMS.build(dict(step)) for step in steps])
    clips = whole(dict(filename=str(path), start_index=0, label=0))['inputs']
    detect = DeepfakeInferencer(cfg, checkpoint(), 'cpu')
    (video,) = detect([str(path)], face=False)['predictions']
    scores = [clip['score'] for clip in video['people'][0]['clips']]
    assert scores == pytest.approx(detect.model.score(clips).logits.softmax(1)[:, 1].tolist())
    assert len(scores) == 4
