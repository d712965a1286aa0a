import copy

import pytest
import torch
from torch import nn

from mmfake.models.backbones.s3d import keep_norm_statistics, recompute


@pytest.fixture
def block():
    torch.manual_seed(2)
    return nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.ReLU(inplace=True))


@pytest.mark.parametrize('training', [True, False])
def test_same_output_gradients_and_statistics_as_a_plain_call(block, training):
    plain, ours = block.train(training), copy.deepcopy(block).train(training)
    x = torch.randn(2, 3, 4, 5, 6)  # needs no gradient itself: the first block of a network
    expected, out = plain(x), recompute(ours, x)
    expected.pow(2).sum().backward()
    out.pow(2).sum().backward()

    torch.testing.assert_close(out, expected)
    for theirs, mine in zip(plain.parameters(), ours.parameters()):
        torch.testing.assert_close(mine.grad, theirs.grad)
    for name, value in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name
    assert ours[1].num_batches_tracked == int(training)


def test_forward_runs_a_second_time_in_backward(block):
    calls = []
    block[0].register_forward_hook(lambda *_: calls.append(1))
    out = recompute(block, torch.randn(2, 3, 4, 5, 6))
    assert len(calls) == 1
    out.sum().backward()
    assert len(calls) == 2


def test_statistics_are_put_back_after_an_error(block):
    before = dict(block.named_buffers())
    values = {name: buffer.clone() for name, buffer in before.items()}
    with pytest.raises(RuntimeError, match='shape|size'), keep_norm_statistics(block):
        block[1](torch.randn(2, 4, 3, 3, 3) + 5) @ torch.ones(7)
    after = dict(block.named_buffers())
    assert after.keys() == before.keys()
    for name in before:
        assert after[name] is before[name]
        assert torch.equal(after[name], values[name])


def test_a_norm_without_statistics_is_left_alone():
    norm = nn.BatchNorm3d(2, track_running_stats=False)
    with keep_norm_statistics(norm):
        assert norm.running_mean is None
    assert norm.running_mean is None
