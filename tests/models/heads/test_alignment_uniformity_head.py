"""Alignment and uniformity against loops over the pairs, as the paper has them."""

import itertools
import math

import pytest
import torch
from mmaction.registry import MODELS

from mmfake import MMFakeError

LABELS = [0, 1, 1, 0, 1, 0, 0]


def head(**kwargs):
    return MODELS.build(dict(type='mmfake.AlignmentUniformityHead', **kwargs))


def by_loops(embedding, labels, t):
    z = [row / row.norm() for row in embedding.double()]
    pairs = list(itertools.combinations(range(len(z)), 2))
    squares = {(i, j): ((z[i] - z[j]) ** 2).sum() for i, j in pairs}
    same = [squares[i, j] for i, j in pairs if labels[i] == labels[j]]
    spread = [math.exp(-t * squares[pair]) for pair in pairs]
    return sum(same) / len(same), math.log(sum(spread) / len(spread))


@pytest.mark.parametrize('t', [2.0, 0.5])
def test_equals_loops_over_pairs(make_samples, t):
    torch.manual_seed(0)
    embedding = torch.randn(7, 5) * 3
    alignment, uniformity = by_loops(embedding, LABELS, t)
    losses = head(alignment=0.3, uniformity=0.7, t=t).loss(embedding, make_samples(LABELS), clips=1)
    assert list(losses) == ['loss_alignment', 'loss_uniformity']
    assert losses['loss_alignment'].item() == pytest.approx(0.3 * alignment.item(), rel=1e-5)
    assert losses['loss_uniformity'].item() == pytest.approx(0.7 * uniformity, rel=1e-5)


def test_descent_aligns_classes_and_spreads_them(make_samples):
    torch.manual_seed(0)
    embedding = torch.randn(7, 5, requires_grad=True)
    part = head()
    before = by_loops(embedding.detach(), LABELS, 2.0)
    for _ in range(100):
        (gradient,) = torch.autograd.grad(
            sum(part.loss(embedding, make_samples(LABELS)).values()), embedding
        )
        embedding = (embedding - 0.3 * gradient).detach().requires_grad_()
    after = by_loops(embedding.detach(), LABELS, 2.0)
    assert 0.1 * after[0] + 0.5 * after[1] < 0.1 * before[0] + 0.5 * before[1] - 0.1


def test_weight_zero_leaves_a_loss_out(make_samples):
    embedding = torch.randn(4, 3)
    samples = make_samples([0, 1, 0, 1])
    assert list(head(alignment=0).loss(embedding, samples)) == ['loss_uniformity']
    assert list(head(uniformity=0).loss(embedding, samples)) == ['loss_alignment']


@pytest.mark.parametrize('labels', [[0], [0, 1]], ids=['one frame', 'no pair of a class'])
def test_without_a_pair_there_is_a_zero_with_a_graph(make_samples, labels):
    embedding = torch.randn(len(labels), 3, requires_grad=True)
    losses = head().loss(embedding, make_samples(labels))
    assert losses['loss_alignment'].item() == 0
    sum(losses.values()).backward()
    assert torch.isfinite(embedding.grad).all()


def test_equal_frames_and_half_precision_have_finite_gradients(make_samples):
    embedding = torch.full((4, 3), 300.0, requires_grad=True)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = head().loss(embedding, make_samples([0, 1, 0, 1]))
    assert {loss.dtype for loss in losses.values()} == {torch.float32}
    assert losses['loss_uniformity'].item() == pytest.approx(0, abs=1e-5)  # the worst there is
    sum(losses.values()).backward()
    assert torch.isfinite(embedding.grad).all()


@pytest.mark.parametrize('wrong', [dict(alignment=-1), dict(uniformity=-0.1), dict(t=0)])
def test_wrong_weights(wrong):
    with pytest.raises(MMFakeError, match='the weights must not be negative, and t must be pos'):
        head(**wrong)
