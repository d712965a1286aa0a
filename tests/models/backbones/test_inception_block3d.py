import pytest
import torch
import torch.nn.functional as F

from mmfake.models.backbones.s3d import InceptionBlock3d


@pytest.fixture
def block():
    torch.manual_seed(1)
    return InceptionBlock3d(6, (1, 2, 3, 4, 5, 7), dict(type='BN3d', eps=1e-5)).eval()


def test_branches_are_joined_in_order(block):
    x = torch.randn(2, 6, 4, 5, 5)
    weights = block.state_dict()
    norm = (1 + 1e-5) ** -0.5  # a fresh batch norm in eval mode

    def conv(y, name, padding=0):
        return F.relu(F.conv3d(y, weights[name + '.weight'], padding=padding) * norm)

    def separable(y, name):
        return conv(conv(y, name + '.conv1', (0, 1, 1)), name + '.conv2', (1, 0, 0))

    truth = [
        conv(x, 'branch0.0.conv'),
        separable(conv(x, 'branch1.0.conv'), 'branch1.1'),
        separable(conv(x, 'branch2.0.conv'), 'branch2.1'),
        conv(F.max_pool3d(x, 3, 1, 1), 'branch3.1.conv'),
    ]
    with torch.no_grad():
        out = block(x)
    assert [len(part[0]) for part in truth] == [1, 3, 5, 7]
    torch.testing.assert_close(out, torch.cat(truth, 1))
    assert block.out_channels == out.shape[1] == 16


def test_input_is_not_changed_in_place(block):
    x = torch.randn(1, 6, 3, 3, 3)
    before = x.clone()
    with torch.no_grad():
        block(x)
    assert torch.equal(x, before)


def test_widths_must_be_six():
    with pytest.raises(ValueError, match='unpack'):
        InceptionBlock3d(6, (1, 2, 3), dict(type='BN3d'))
