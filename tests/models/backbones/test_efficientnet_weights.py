"""Published EfficientNet weights: every layout loads whole, anything else is refused."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from mmfake.errors import MMFakeError
from mmfake.models.backbones.efficientnet import EfficientNet

NORM = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')


@pytest.fixture(scope='module')
def contents():
    """Recognisable tensors of B0 by their name in a column, as the library of it stores them."""
    with open(Path(__file__).with_name('efficientnet_keys.tsv'), newline='') as file:
        rows = list(csv.DictReader(file, delimiter='\t'))
    assert len(rows) == 130  # 81 convolutions, 49 batch norms
    generator = torch.Generator().manual_seed(0)
    named = dict(openmmlab={}, timm={}, lukemelas={})
    for number, row in enumerate(rows):
        shape = tuple(map(int, row.pop('shape').split('x')))
        biased = '.se' in row['timm']
        tensors = NORM if len(shape) == 1 else ('weight', 'bias') if biased else ('weight',)
        for tensor in tensors:
            size = shape if tensor != 'bias' else shape[:1]
            value = torch.rand(size, generator=generator)
            if tensor == 'num_batches_tracked':
                value = torch.tensor(number)
            for column, name in row.items():
                named[column][f'{name}.{tensor}'] = value
    return named


def prefixed(tensors, prefix):
    return {prefix + name: value for name, value in tensors.items()}


def openmmlab(contents):
    state = {k: v for k, v in contents['openmmlab'].items() if not k.endswith('tracked')}
    head = {'head.fc.weight': torch.zeros(5, 4), 'head.fc.bias': torch.zeros(5)}
    return dict(meta=dict(epoch=3), state_dict={**prefixed(state, 'backbone.'), **head})


def timm(contents):
    head = {'classifier.weight': torch.zeros(5, 4), 'classifier.bias': torch.zeros(5)}
    return {**contents['timm'], **head}


def selimsef(contents):
    head = {'module.encoder.classifier.bias': torch.zeros(5), 'module.fc.bias': torch.zeros(1)}
    state = {**prefixed(contents['timm'], 'module.encoder.'), **head}
    return dict(epoch=19, state_dict=state, bce_best=np.float64(0.25))


def lukemelas(contents):
    return {**contents['lukemelas'], '_fc.weight': torch.zeros(5, 4), '_fc.bias': torch.zeros(5)}


def sbi(contents):
    return dict(epoch=9, model=prefixed(lukemelas(contents), 'net.'), optimizer=dict(state={}))


def detector(contents):
    head = {'binary.cls_head.layers.1.weight': torch.zeros(2, 4)}
    state = {**prefixed(contents['openmmlab'], 'backbone.backbone.'), **head}
    return dict(meta=dict(epoch=3), state_dict=state)


FILES = {
    'OpenMMLab': openmmlab,
    'timm': timm,
    'selimsef': selimsef,
    'lukemelas': lukemelas,
    'SBI': sbi,
    'mmfake checkpoint': detector,
    'bare EfficientNet': lambda contents: contents['openmmlab'],
}


def load(path, arch='b0', **options):
    model = EfficientNet(arch, init_cfg=dict(type='Pretrained', checkpoint=str(path), **options))
    model.init_weights()
    return model


@pytest.mark.parametrize('title', FILES)
def test_every_layout_loads_all_tensors(title, contents, tmp_path, log):
    torch.save(FILES[title](contents), tmp_path / 'x.pth')
    state = load(tmp_path / 'x.pth').state_dict()
    assert len(state) == len(contents['openmmlab']) == 358
    for name, value in state.items():
        if title == 'OpenMMLab' and name.endswith('tracked'):
            assert value == 0, name
        else:
            assert torch.equal(value, contents['openmmlab'][name]), name
    text = f'layout {title}, {309 if title == "OpenMMLab" else 358} of 358 tensors'
    assert any(text in record.getMessage() for record in log.records)


def refusal(content, path, arch='b0'):
    torch.save(content, path)
    with pytest.raises(MMFakeError) as caught:
        load(path, arch)
    message = str(caught.value)
    assert '\n' not in message
    assert path.name in message
    return message


@pytest.mark.parametrize('title', ['OpenMMLab', 'timm', 'selimsef', 'lukemelas'])
def test_one_tensor_less_or_more_is_refused(title, contents, tmp_path):
    whole = FILES[title](contents)
    state = whole.get('state_dict', whole)
    name = next(name for name in reversed(list(state)) if name.endswith('running_var'))
    taken = state.pop(name)
    message = refusal(whole, tmp_path / 'less.pth')
    total = 309 if title == 'OpenMMLab' else 358
    assert f'{total - 1} of {total} EfficientNet-b0 tensors match in layout {title}' in message
    assert f'missing: {name.replace("module.", "")}' in message

    state[name] = taken
    state['aux_head.weight'] = torch.zeros(2)
    message = refusal(whole, tmp_path / 'more.pth')
    assert 'unknown: aux_head.weight' in message


def test_counters_are_there_or_not_but_not_half(contents, tmp_path):
    state = timm(contents)
    del state['bn1.num_batches_tracked']
    message = refusal(state, tmp_path / 'x.pth')
    assert 'missing: bn1.num_batches_tracked' in message


@pytest.mark.parametrize('title', ['OpenMMLab', 'timm', 'selimsef', 'lukemelas'])
def test_a_file_of_another_arch_is_refused(title, contents, tmp_path):
    """B0 in B4: each name of the smaller one is also a name of the larger one."""
    message = refusal(FILES[title](contents), tmp_path / 'x.pth', 'b4')
    assert 'EfficientNet-b4 tensors match' in message
    assert f'in layout {title}' in message
    assert '(32, 3, 3, 3) instead of (48, 3, 3, 3)' in message
    assert 'set arch to that of the file' in message


def test_b4_in_b7_is_refused(tmp_path):
    """By shape too: all but the deeper blocks have the same names."""
    with torch.device('meta'):
        state = EfficientNet('b4').state_dict()
    small = {key: torch.zeros(1) for key in state}
    small['layers.0.conv.weight'] = torch.zeros(48, 3, 3, 3)
    message = refusal(small, tmp_path / 'b4.pth', 'b7')
    assert 'EfficientNet-b7 tensors match in layout bare EfficientNet' in message
    assert 'missing: layers.1.2.' in message
    assert 'layers.0.conv.weight (48, 3, 3, 3) instead of (64, 3, 3, 3)' in message


def test_an_eps_of_another_kind_is_refused(contents, tmp_path):
    torch.save(timm(contents), tmp_path / 'x.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'x.pth'))
    model = EfficientNet(norm_cfg=dict(type='BN', eps=1e-5), init_cfg=init_cfg)
    with pytest.raises(MMFakeError, match=r'set model\.backbone\.backbone\.norm_cfg\.eps=0\.001'):
        model.init_weights()


@pytest.mark.parametrize(
    ('name', 'source'),
    [
        ('efficientnet-b0_3rdparty-ra-noisystudent_in1k.pth', 'download.openmmlab.com'),
        ('tf_efficientnet_b0_ns.pth', 'pytorch-image-models'),
        ('final_111_DeepFakeClassifier_tf_efficientnet_b0.pth', 'selimsef'),
        ('efficientnet-b0-355c32eb.pth', 'lukemelas'),
    ],
)
def test_a_missing_file_says_where_it_is_published(name, source, tmp_path, log):
    with pytest.raises(MMFakeError, match=f'{name}; get the file from .*{source}'):
        load(tmp_path / name)
    load(tmp_path / name, missing_ok=True)
    assert any('RANDOM WEIGHTS' in record.getMessage() for record in log.records)


def test_half_a_file_is_refused(contents, tmp_path):
    torch.save(timm(contents), tmp_path / 'whole.pth')
    half = tmp_path / 'half.pth'
    half.write_bytes((tmp_path / 'whole.pth').read_bytes()[:2_000_000])
    with pytest.raises(
        MMFakeError, match=r'half\.pth: not a readable checkpoint.*truncated'
    ) as caught:
        load(half)
    assert '\n' not in str(caught.value)
