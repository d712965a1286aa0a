"""The configs of CLIP ViT-L/14: what of it is trained, and what a frame has to be like."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config

CONFIGS = Path(__file__).parents[2] / 'configs' / 'frames'
HOLDOUTS = ['df', 'f2f', 'fs', 'nt']
COUNTS = dict(ln=102_400, bias=272_384)  # as published by GenD and BiasConsist


def load(name, holdout='df'):
    return Config.fromfile(CONFIGS / f'clip_l14_{name}_holdout_{holdout}.py')


@pytest.mark.parametrize('name', COUNTS)
def test_published_numbers_of_trained_parameters(name):
    pytest.importorskip('transformers', reason='the extra clip is not installed')
    with torch.device('meta'):
        model = MODELS.build(load(name).model)
    trained = {key: one.numel() for key, one in model.named_parameters() if one.requires_grad}
    head = {key: trained.pop(key) for key in list(trained) if key.startswith('binary.')}
    assert sum(trained.values()) == COUNTS[name]
    assert sum(head.values()) == 2 * 1024 + 2
    # 24 layers of two norms, one before and one behind them; each has a weight and a bias
    norms = {key for key in trained if 'norm' in key or 'layrnorm' in key}
    if name == 'ln':
        assert len(trained) == len(norms) == 2 * (2 * 24 + 2)
    else:
        assert all(key.endswith('.bias') for key in trained)
        assert len(norms) == 2 * 24 + 2
        assert len(trained) - len(norms) == 6 * 24  # q, k, v, out and the two of the MLP
    assert (model.binary.head is None) == (name == 'bias')


@pytest.mark.parametrize('holdout', HOLDOUTS)
def test_the_hold_outs_differ_in_that_alone(holdout):
    for name in COUNTS:
        cfg = load(name, holdout)
        loaders = [cfg[f'{split}_dataloader'].dataset for split in ('train', 'val', 'test')]
        assert [dataset.pop('holdout') for dataset in loaders] == [holdout] * 3
        other = load(name, 'f2f')
        for split in ('train', 'val', 'test'):
            other[f'{split}_dataloader'].dataset.pop('holdout')
        assert cfg.to_dict() == other.to_dict()
        assert cfg.train_dataloader.sampler.type == 'mmfake.PairedSampler'


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_frames_are_what_the_encoder_takes(split):
    cfg = load('ln')
    pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
    results = dict(total_frames=300, start_index=0, modality='RGB', filename='x', label=0)
    for step in pipeline[1:-1]:
        if 'Decode' in step.type:
            pictures = [np.full((256, 256, 3), 100, np.uint8) for _ in results['frame_inds']]
            results.update(imgs=pictures, original_shape=(256, 256), img_shape=(256, 256))
            continue
        results = TRANSFORMS.build(step)(results)
    frames = dict(train=8, val=4, test=32)[split]
    assert results['imgs'].shape == (frames, 3, 1, 224, 224)
    assert pipeline[4 if split == 'train' else 3].interpolation == 'bicubic'
    # 0..255 becomes CLIP's range of 0..1 and its mean and standard deviation
    normalise = MODELS.build(cfg.model.data_preprocessor)
    inputs = torch.from_numpy(results['imgs'])
    found = normalise(dict(inputs=[inputs], data_samples=[]), False)['inputs']
    for channel, (mean, std) in enumerate(
        [(0.48145466, 0.26862954), (0.4578275, 0.26130258), (0.40821073, 0.27577711)]
    ):
        expected = (inputs[:, channel].float() / 255 - mean) / std
        torch.testing.assert_close(found[0][:, channel], expected, rtol=1e-4, atol=1e-4)
