"""Files that ``load_pretrained`` must refuse, each with one line that says why."""

import pickle
from pathlib import Path

import pytest
import torch

from mmfake.errors import MMFakeError
from mmfake.models.backbones.s3d_weights import load_pretrained

COCLR_EPS, KINETICS_EPS = 1e-5, 1e-3


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
