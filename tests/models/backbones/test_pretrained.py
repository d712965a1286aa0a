import logging
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModule, PretrainedInit

from mmfake.errors import MMFakeError
from mmfake.models.backbones.s3d import S3D
from mmfake.models.backbones.s3d_weights import split_init_cfg

COCLR_EPS, KINETICS_EPS = 1e-5, 1e-3


def build_and_load(path, **options):
    """The way a config does it."""
    norm_cfg = dict(type='BN3d', eps=options.pop('eps', COCLR_EPS))
    init_cfg = dict(type='Pretrained', checkpoint=str(path), **options)
    model = S3D(norm_cfg=norm_cfg, init_cfg=init_cfg)
    model.init_weights()
    return model


@pytest.mark.parametrize(
    ('kind', 'eps', 'title'),
    [
        ('InfoNCE', COCLR_EPS, 'CoCLR pre-training'),
        ('UberNCE', COCLR_EPS, 'CoCLR pre-training'),
        ('CoCLR', COCLR_EPS, 'CoCLR pre-training'),
        ('aliases only', COCLR_EPS, 'CoCLR pre-training'),
        ('fine-tuned', COCLR_EPS, 'CoCLR fine-tuned'),
        ('torchvision', KINETICS_EPS, 'torchvision'),
        ('kylemin', KINETICS_EPS, 'kylemin/S3D'),
        ('kylemin inner module', KINETICS_EPS, 'kylemin/S3D'),
        ('mmfake', COCLR_EPS, 'mmfake checkpoint'),
        ('mmfake', KINETICS_EPS, 'mmfake checkpoint'),
        ('parallel', COCLR_EPS, 'mmfake checkpoint'),
        ('bare', KINETICS_EPS, 'bare S3D'),
    ],
)
@pytest.mark.parametrize('zipped', [True, False])
def test_every_layout_loads_all_462_tensors(
    kind, eps, title, zipped, weight_file, tensors, tmp_path, log
):
    path = tmp_path / 'file.pth.tar'
    torch.save(weight_file(kind), path, _use_new_zipfile_serialization=zipped)
    state = build_and_load(path, eps=eps).state_dict()

    assert len(state) == 462
    for name, value in state.items():
        assert torch.equal(value, tensors[name]), name
    lines = [r.getMessage() for r in log.records if r.levelno == logging.INFO]
    lines = [line for line in lines if 'Encoder weights' in line]
    assert len(lines) == 1
    assert f'layout {title}, 462 of 462 tensors' in lines[0]
    assert str(path) in lines[0]


def test_loads_as_part_of_a_larger_model(weight_file, tensors, tmp_path):
    class Detector(BaseModule):
        def __init__(self, path):
            super().__init__(dict(type='Normal', layer='Conv3d', std=0.1))
            self.backbone = S3D(init_cfg=dict(type='Pretrained', checkpoint=path))

    path = tmp_path / 'bare.pth'
    torch.save(weight_file('bare'), path)
    model = Detector(str(path))
    model.init_weights()
    for name, value in model.backbone.state_dict().items():
        assert torch.equal(value, tensors[name]), name

    # resuming calls init_weights no second time; a user who does keeps the trained weights
    model.backbone.Conv_1a.conv1.weight.data.zero_()
    model.backbone.init_weights()
    assert model.backbone.Conv_1a.conv1.weight.abs().sum() == 0


@pytest.mark.parametrize(
    ('name', 'sources'),
    [
        ('CoCLR-k400-rgb-128-s3d.pth.tar', ['TengdaHan/CoCLR']),
        ('InfoNCE-ucf101-rgb-128-s3d-ep399.pth.tar', ['TengdaHan/CoCLR']),
        ('s3d-d76dad2f.pth', ['download.pytorch.org/models/s3d-d76dad2f.pth']),
        ('S3D_kinetics400.pt', ['kylemin/S3D']),
        ('mine.pth', ['TengdaHan/CoCLR', 's3d-d76dad2f.pth', 'kylemin/S3D']),
    ],
)
def test_missing_file(name, sources, tmp_path, monkeypatch, log):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MMFakeError) as caught:
        build_and_load(Path('weights', name))
    message = str(caught.value)
    assert '\n' not in message
    assert str(tmp_path / 'weights' / name) in message
    assert 'init_cfg.missing_ok=True' in message

    torch.manual_seed(0)
    model = build_and_load(Path('weights', name), missing_ok=True)
    warnings = [r.getMessage() for r in log.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert 'RANDOM WEIGHTS' in warnings[0]
    assert str(tmp_path / 'weights' / name) in warnings[0]
    for line in (message, warnings[0]):
        for source in ('TengdaHan/CoCLR', 'models/s3d-d76dad2f.pth', 'kylemin/S3D'):
            assert (source in line) == any(source in s or s in source for s in sources)

    torch.manual_seed(0)
    scratch = S3D()
    scratch.init_weights()
    for name, value in scratch.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_missing_ok_does_not_excuse_a_bad_file(tmp_path):
    path = tmp_path / 'bad.pth'
    path.write_text('not weights')
    with pytest.raises(MMFakeError, match=r'bad\.pth'):
        build_and_load(path, missing_ok=True)


def test_home_folder_is_expanded(weight_file, tensors, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    torch.save(weight_file('bare'), tmp_path / 'weights.pth')
    model = build_and_load('~/weights.pth')
    assert torch.equal(model.Conv_1a.conv1.weight, tensors['Conv_1a.conv1.weight'])


def test_split_init_cfg():
    normal = dict(type='Normal', layer='Conv3d', std=0.1)
    assert split_init_cfg(None) == (None, [])
    assert split_init_cfg(normal) == (None, [normal])
    for kind in ('Pretrained', 'mmengine.Pretrained', PretrainedInit):
        file = dict(type=kind, checkpoint='a.pth')
        assert split_init_cfg([file, normal]) == (dict(checkpoint='a.pth'), [normal])
        assert file['type'] is kind  # the config itself is not changed


@pytest.mark.parametrize(
    ('init_cfg', 'reason'),
    [
        ([dict(type='Pretrained', checkpoint=name) for name in 'ab'], 'two Pretrained'),
        (dict(type='Pretrained'), 'checkpoint=None'),
        (dict(type='Pretrained', checkpoint=''), "checkpoint=''"),
        (dict(type='Pretrained', checkpoint=3), 'checkpoint=3'),
        (dict(type='Pretrained', checkpoint='a', prefix='backbone.'), 'unknown keys: prefix'),
    ],
)
def test_mistakes_in_init_cfg(init_cfg, reason):
    with pytest.raises(MMFakeError, match=reason):
        S3D(init_cfg=init_cfg)
