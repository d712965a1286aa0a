"""Pretrained S3D weights: every layout loads whole, anything else is refused in one line."""

import logging
import pickle
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModule, PretrainedInit

from mmfake.errors import MMFakeError
from mmfake.models.backbones.pretrained import load_pretrained, split_init_cfg
from mmfake.models.backbones.s3d import S3D
from mmfake.models.backbones.s3d_weights import S3D_FILES

COCLR_EPS, KINETICS_EPS = 1e-5, 1e-3
BY_TITLE = {layout.title: layout for layout in S3D_FILES.layouts}


@pytest.mark.parametrize(
    ('title', 'prefix', 'columns'),
    [
        ('CoCLR pre-training', 'encoder_q.0.', ('name', 'alias')),
        ('CoCLR fine-tuned', 'backbone.', ('name', 'alias')),
        ('mmfake checkpoint', 'backbone.', ('name', 'alias')),
        ('bare S3D', '', ('name', 'alias')),
        ('torchvision', '', ('torchvision',)),
        ('kylemin/S3D', '', ('kylemin',)),
    ],
)
def test_names_are_those_of_the_table(key_table, title, prefix, columns):
    assert len(key_table) == 462
    for row in key_table:
        expected = tuple(prefix + row[column] for column in columns)
        assert BY_TITLE[title].names(row['name']) == expected


def test_no_name_stands_for_two_tensors(key_table):
    for layout in S3D_FILES.layouts:
        names = [name for row in key_table for name in layout.names(row['name'])]
        assert len(names) == len(set(names)), layout.title


def test_eps_is_the_one_each_author_trained_with():
    assert {layout.title: layout.eps for layout in S3D_FILES.layouts} == {
        'CoCLR pre-training': 1e-5,
        'CoCLR fine-tuned': 1e-5,
        'mmfake checkpoint': None,
        'torchvision': 1e-3,
        'kylemin/S3D': 1e-3,
        'bare S3D': None,
    }


def test_an_unknown_stage_is_an_error():
    with pytest.raises(ValueError, match='not in tuple'):
        BY_TITLE['torchvision'].names('Mixed_6a.conv.weight')


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
        ('bare, before torch 1.6', KINETICS_EPS, 'bare S3D'),
    ],
)
def test_every_layout_loads_all_462_tensors(kind, eps, title, weight_file, tensors, tmp_path, log):
    path = tmp_path / 'file.pth.tar'
    kind, _, old = kind.partition(', ')
    torch.save(weight_file(kind), path, _use_new_zipfile_serialization=not old)
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
def test_missing_file(name, sources, encoder, tmp_path, monkeypatch, log):
    monkeypatch.chdir(tmp_path)
    path = str(Path('weights', name))
    with pytest.raises(MMFakeError) as caught:
        load_pretrained(encoder, path, eps=COCLR_EPS)
    message = str(caught.value)
    assert '\n' not in message
    assert str(tmp_path / 'weights' / name) in message
    assert 'init_cfg.missing_ok=True' in message

    assert load_pretrained(encoder, path, eps=COCLR_EPS, missing_ok=True) is None
    warnings = [r.getMessage() for r in log.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert 'RANDOM WEIGHTS' in warnings[0]
    assert str(tmp_path / 'weights' / name) in warnings[0]
    for line in (message, warnings[0]):
        for source in ('TengdaHan/CoCLR', 'models/s3d-d76dad2f.pth', 'kylemin/S3D'):
            assert (source in line) == any(source in s or s in source for s in sources)


def test_without_the_file_training_starts_from_scratch():
    states = []
    for options in (dict(type='Pretrained', checkpoint='x.pth', missing_ok=True), None):
        torch.manual_seed(0)
        model = S3D(init_cfg=options)
        model.init_weights()
        states.append(model.state_dict())
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


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
    assert split_init_cfg(None, 'S3D') == (None, [])
    assert split_init_cfg(normal, 'S3D') == (None, [normal])
    for kind in ('Pretrained', 'mmengine.Pretrained', PretrainedInit):
        file = dict(type=kind, checkpoint='a.pth')
        assert split_init_cfg([file, normal], 'S3D') == (dict(checkpoint='a.pth'), [normal])
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


def refusal(encoder, path, eps=COCLR_EPS):
    """The one line for a file that is refused; the encoder must be as before."""
    before = encoder.Conv_1a.conv1.weight.clone()
    with pytest.raises(MMFakeError) as caught:
        load_pretrained(encoder, str(path), eps=eps)
    message = str(caught.value)
    assert '\n' not in message
    assert Path(path).name in message
    assert torch.equal(encoder.Conv_1a.conv1.weight, before)
    return message


@pytest.mark.parametrize(
    ('kind', 'wrong', 'right'),
    [
        ('CoCLR', KINETICS_EPS, '1e-05'),
        ('fine-tuned', KINETICS_EPS, '1e-05'),
        ('torchvision', COCLR_EPS, '0.001'),
        ('kylemin', COCLR_EPS, '0.001'),
    ],
)
def test_eps_follows_the_file(kind, wrong, right, encoder, weight_file, tmp_path):
    path = tmp_path / 'file.pth'
    torch.save(weight_file(kind), path)
    message = refusal(encoder, path, eps=wrong)
    assert f'set model.backbone.norm_cfg.eps={right}.' in message
    assert f'the encoder has eps={wrong:g}' in message


def test_alias_that_differs_from_its_twin_is_refused(encoder, weight_file, tmp_path):
    pretraining = weight_file('InfoNCE')
    state = pretraining['state_dict']
    alias = 'encoder_q.0.block4.2.branch1.1.bn2.running_var'
    state[alias] = state[alias] + 1
    torch.save(pretraining, tmp_path / 'altered.pth')
    message = refusal(encoder, tmp_path / 'altered.pth')
    assert alias in message
    assert 'encoder_q.0.Mixed_4c.branch1.1.bn2.running_var' in message
    assert 'differ' in message


def test_two_spellings_with_and_without_module_must_agree(encoder, weight_file, tmp_path):
    state = weight_file('bare')
    state['module.Conv_2b.bn.bias'] = state['Conv_2b.bn.bias'] + 1
    torch.save(state, tmp_path / 'two.pth')
    message = refusal(encoder, tmp_path / 'two.pth')
    assert 'Conv_2b.bn.bias and module.Conv_2b.bn.bias' in message


def test_missing_tensors_are_counted_and_at_most_five_named(encoder, weight_file, tmp_path):
    pretraining = weight_file('InfoNCE')
    state = pretraining['state_dict']
    for name in list(state):
        if name.startswith(('encoder_q.0.Mixed_5c', 'encoder_q.0.block5.2')):
            del state[name]
    torch.save(pretraining, tmp_path / 'short.pth')
    message = refusal(encoder, tmp_path / 'short.pth')
    # 8 convolutions of 1 + 5 tensors each
    assert '414 of 462' in message
    assert 'and 43 more' in message
    assert message.count('encoder_q.0.Mixed_5c') == 5
    for known in ('CoCLR', 'torchvision', 'kylemin', 'mmfake checkpoint'):
        assert known in message


def test_one_missing_statistic_is_enough(encoder, weight_file, tmp_path):
    state = weight_file('torchvision')
    del state['features.9.branch3.1.1.num_batches_tracked']
    torch.save(state, tmp_path / 'tv.pth')
    message = refusal(encoder, tmp_path / 'tv.pth', eps=KINETICS_EPS)
    assert '461 of 462' in message
    assert 'missing: features.9.branch3.1.1.num_batches_tracked' in message


def test_wrong_shape_is_named(encoder, weight_file, tmp_path):
    state = weight_file('mmfake')
    state['state_dict']['backbone.Conv_1a.conv1.weight'] = torch.zeros(64, 2, 1, 7, 7)
    state['state_dict']['backbone.Conv_2b.bn.bias'] = [0.0] * 64
    torch.save(state, tmp_path / 'flow.pth')
    message = refusal(encoder, tmp_path / 'flow.pth')
    assert '460 of 462' in message
    assert 'backbone.Conv_1a.conv1.weight (64, 2, 1, 7, 7) instead of (64, 3, 1, 7, 7)' in message
    assert 'backbone.Conv_2b.bn.bias list instead of (64,)' in message


def test_network_with_more_parts_is_refused(encoder, weight_file, tmp_path):
    state = weight_file('mmfake')
    state['state_dict']['backbone.Mixed_3b.gating_b0.fc.weight'] = torch.zeros(64, 64)
    torch.save(state, tmp_path / 's3dg.pth')
    message = refusal(encoder, tmp_path / 's3dg.pth')
    assert 'unknown: backbone.Mixed_3b.gating_b0.fc.weight' in message


@pytest.mark.parametrize(
    'content',
    [
        dict(state_dict={'backbone.layer1.0.conv1.weight': torch.zeros(2)}),
        dict(state_dict={}),
        {},
        dict(epoch=3, optimizer=dict(lr=0.1)),
    ],
)
def test_other_networks_match_nothing(content, encoder, tmp_path):
    torch.save(content, tmp_path / 'resnet.pth')
    message = refusal(encoder, tmp_path / 'resnet.pth')
    assert '0 of 462' in message
    assert 'no name is known' in message


@pytest.mark.parametrize('content', [[1, 2], torch.zeros(3), dict(state_dict=None)])
def test_content_without_names_is_refused(content, encoder, tmp_path):
    torch.save(content, tmp_path / 'odd.pth')
    assert 'instead of named tensors' in refusal(encoder, tmp_path / 'odd.pth')


@pytest.mark.parametrize('kind', ['empty', 'text', 'html', 'zip cut', 'legacy cut', 'folder'])
def test_damaged_files(kind, encoder, weight_file, tmp_path):
    path = tmp_path / 'damaged.pth'
    if kind == 'folder':
        path.mkdir()
    elif kind in ('zip cut', 'legacy cut'):
        torch.save(weight_file('bare'), path, _use_new_zipfile_serialization=kind == 'zip cut')
        path.write_bytes(path.read_bytes()[:200_000])
    else:
        text = dict(empty='', text='version https://git-lfs', html='<html>Quota exceeded</html>')
        path.write_text(text[kind])
    refusal(encoder, path)


class Attack:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize('zipped', [True, False])
def test_a_file_cannot_run_code(zipped, encoder, weight_file, tmp_path):
    target = tmp_path / 'pwned'
    content = dict(state_dict=weight_file('bare'), best_acc=Attack(target))
    torch.save(content, tmp_path / 'evil.pth', _use_new_zipfile_serialization=zipped)
    refusal(encoder, tmp_path / 'evil.pth')
    (tmp_path / 'raw.pth').write_bytes(pickle.dumps(Attack(target), protocol=2))
    refusal(encoder, tmp_path / 'raw.pth')
    assert not target.exists()
    pickle.loads(pickle.dumps(Attack(target)))  # the attack is a real one
    assert target.exists()
