"""A small detector of two seeds, whose checkpoints are tested; a matrix that trains nothing."""

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from mmfake.apis.matrix_report import write_matrix_report
from mmfake.engine.config import load_config
from mmfake.engine.hooks.preprocessing_hook import PreprocessingHook, _steps_of
from tests.apis.untrained_matrix import Matrix

CONFIG = 'configs/mtl/bin_ce_holdout_f2f.py'


@pytest.fixture(scope='session')
def small_scale(smoke, tmp_path_factory):
    """A scale of seconds with an encoder of mmaction2's in place of S3D."""
    path = tmp_path_factory.mktemp('scale') / 'small.py'
    path.write_text(f"""
_base_ = {str(smoke)!r}
model = dict(
    backbone=dict(
        _delete_=True, type='ResNet3d', depth=18, pretrained=None, pretrained2d=False,
        base_channels=4,
    ),
    binary=dict(cls_head=dict(in_channels=32)),
)
""")
    return str(path)


@pytest.fixture(scope='session')
def checkpoints(small_scale, tmp_path_factory):
    """Random weights of two seeds."""
    init_default_scope('mmaction')
    folder, cfg = tmp_path_factory.mktemp('weights'), load_config(CONFIG, small_scale)
    paths, steps = [], _steps_of(cfg)
    for seed in (3, 5):
        torch.manual_seed(seed)
        model = MODELS.build(cfg.model)
        meta = {'seed': seed, 'val_threshold': 0.4, PreprocessingHook.STEPS_KEY: steps}
        torch.save(dict(meta=meta, state_dict=model.state_dict()), folder / f'{seed}.pth')
        paths.append(str(folder / f'{seed}.pth'))
    return paths


@pytest.fixture
def matrix(tmp_path, monkeypatch):
    matrix = Matrix(tmp_path, monkeypatch)
    matrix.add('good')
    monkeypatch.setattr('mmfake.apis.cross_manipulation.write_matrix_report', matrix.note)
    return matrix


@pytest.fixture
def tables(monkeypatch, matrix):
    """Let a matrix write its tables and figures."""
    monkeypatch.setattr('mmfake.apis.cross_manipulation.write_matrix_report', write_matrix_report)
