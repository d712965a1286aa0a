"""The configs of CLIP ViT-L/14: what of it is trained, and what a frame has to be like."""

import copy
import csv
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config

from mmfake import DeepfakeInferencer
from mmfake.apis.test import set_test_options
from mmfake.apis.test import test as run_test
from mmfake.apis.train import set_training_options, train
from mmfake.engine.config import load_config

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


@pytest.mark.parametrize('name', COUNTS)
def test_a_tiny_instance_trains_tests_and_detects(name, smoke, tiny_tree, tmp_path):
    """The mini scale of these configs on even less data; the path, not the score."""
    pytest.importorskip('transformers', reason='the extra clip is not installed')
    scale = tmp_path / 'mini.py'  # of that name, so that the configs add what is theirs
    sizes = 'clip_size = dict(clip_len=8, image_size=64)'
    scale.write_text(f'_base_ = {str(smoke)!r}\n{sizes}\n')
    config, work_dir = str(CONFIGS / f'clip_l14_{name}_holdout_f2f.py'), str(tmp_path / 'work')
    options = {f'train_cfg.{key}': 1 for key in ('max_epochs', 'val_begin', 'val_interval')}
    options['test_dataloader.dataset.pipeline.1.num_clips'] = 4
    cfg = load_config(config, str(scale), options=options, work_dir=work_dir)
    set_training_options(cfg)
    cfg.val_evaluator.n_bootstrap = 20
    torch.manual_seed(0)
    before = MODELS.build(copy.deepcopy(cfg.model)).state_dict()
    runner = train(copy.deepcopy(cfg))
    after = runner.model.state_dict()
    log = next(Path(work_dir).glob('*/*.log')).read_text()
    assert 'is skipped since' not in log  # one line tells what is frozen
    assert re.search(r'Light tuning: [\d,]+ of [\d,]+ parameters are trained \(\d+.\d\d%\): ', log)
    assert ('binary.loss_uniformity' in log) == (name == 'ln')
    frozen = {key for key, one in runner.model.named_parameters() if not one.requires_grad}
    assert frozen
    assert set(after) == set(before)

    # the checkpoint says what no tensor of it tells
    checkpoint = str(Path(work_dir, 'epoch_1.pth'))
    meta = torch.load(checkpoint, weights_only=False)['meta']
    assert meta['preprocessing']['backbone.backbone.hidden_act'] == 'quick_gelu'
    assert meta['clip_shape'] == [3, 1, 64, 64]

    # the test counts every video, and detect gives a video the score of the test
    set_test_options(cfg, checkpoint)
    run_test(copy.deepcopy(cfg))
    with Path(work_dir, 'scores.csv').open() as file:
        scores = list(csv.DictReader(file))
    assert len(scores) == 4
    assert {row['status'] for row in scores} == {'scored'}
    detect = DeepfakeInferencer(cfg, checkpoint, 'cpu')
    row = next(row for row in scores if row['method'] == 'f2f')
    folder = tiny_tree / 'manipulated_sequences' / 'Face2Face' / 'c23' / 'videos'
    path = folder / f'{Path(row["video"]).name}.mp4'
    (video,) = detect(str(path), face=False)['predictions']
    assert video['probability'] == pytest.approx(float(row['score']), abs=1e-4)
