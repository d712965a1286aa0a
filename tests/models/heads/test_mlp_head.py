"""Targets and the classifier that learns them."""

import numpy as np
import pytest
import torch
from mmaction.models.utils import MixupBlending
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import nn

from mmfake.errors import MMFakeError
from mmfake.models.heads.targets import labels_of, targets_of


def samples_with(*values):
    samples = [ActionDataSample() for _ in values]
    for sample, value in zip(samples, values):
        sample.set_field(value, 'target')
    return samples


def test_classes():
    found = targets_of(samples_with(2, torch.tensor([0]), np.int64(1), 3.0), 'target', 'cpu')
    assert found.tolist() == [2, 0, 1, 3]
    assert found.dtype == torch.int64
    samples = [ActionDataSample().set_gt_label(label) for label in (1, 0)]
    assert targets_of(samples, 'gt_label', 'cpu').tolist() == [1, 0]
    assert targets_of(samples, 'video', 'cpu', default=-1).tolist() == [-1, -1]
    assert targets_of([], 'target', 'cpu').shape == (0,)


def test_soft_labels_and_maps():
    soft = targets_of(samples_with([0.1, 0.9], np.array([0.25, 0.75])), 'target', 'cpu')
    torch.testing.assert_close(soft, torch.tensor([[0.1, 0.9], [0.25, 0.75]]))
    assert targets_of(samples_with(0.7), 'target', 'cpu').item() == pytest.approx(0.7)
    masks = [torch.randint(0, 256, (4, 6, 5), dtype=torch.uint8) for _ in range(3)]
    assert torch.equal(targets_of(samples_with(*masks), 'target', 'cpu'), torch.stack(masks))


def test_targets_of_several_shapes():
    with pytest.raises(MMFakeError, match=r"'target'.*several shapes, \(\) and \(2,\)"):
        targets_of(samples_with(1, [0.5, 0.5]), 'target', 'cpu')


@pytest.mark.parametrize('value', [[0.1, 0.9], 0.7, torch.zeros(3, 3, dtype=torch.long)])
def test_contrast_needs_classes(value):
    with pytest.raises(MMFakeError, match='contrast needs one class for each video') as error:
        labels_of(samples_with(value, value), 'target', 'cpu')
    assert '\n' not in str(error.value)


@pytest.fixture
def head():
    torch.manual_seed(0)
    config = dict(type='mmfake.MLPHead', num_classes=3, in_channels=4, dropout_ratio=0.0)
    return MODELS.build(config)


def test_soft_labels_are_learnt_as_probabilities(head):
    soft = [[0.1, 0.9, 0.0], [0.6, 0.2, 0.2]]
    embedding = torch.randn(2, 4)
    samples = [ActionDataSample().set_gt_label(torch.tensor(label)) for label in soft]
    losses = head.loss(embedding, samples)
    logs = head(embedding).log_softmax(1).tolist()
    expected = -sum(p * log for ps, row in zip(soft, logs) for p, log in zip(ps, row)) / 2
    assert losses['loss_ce'].item() == pytest.approx(expected, rel=1e-5)
    hits = sum(row.index(max(row)) == ps.index(max(ps)) for ps, row in zip(soft, logs))
    assert losses['acc_top1'].item() == hits / 2


def test_a_batch_that_mmaction2_blends_is_learnt(head, make_samples):
    inputs, samples = torch.randn(4, 1, 3, 8, 8), make_samples([0, 1, 2, 1])
    _, blended = MixupBlending(num_classes=3)(inputs, samples)
    targets = targets_of(blended, 'gt_label', 'cpu')
    assert targets.shape == (4, 3)
    torch.testing.assert_close(targets.sum(1), torch.ones(4))
    assert head.loss(torch.randn(4, 4), blended)['loss_ce'].isfinite()


@pytest.mark.parametrize(('value', 'told'), [([0.5, 0.5], r'of shape \(2,\)'), (0.5, 'a fraction')])
def test_a_label_of_another_head(head, value, told):
    head.label_key = 'target'
    with pytest.raises(MMFakeError, match=f'target is {told}, neither a class nor'):
        head.loss(torch.randn(2, 4), samples_with(value, value))


def test_any_number_of_hidden_layers():
    """The keys of two hidden layers are those of every checkpoint so far."""
    for hidden, places in {(): [1], (5,): [1, 4], (512, 256): [1, 4, 7]}.items():
        config = dict(type='mmfake.MLPHead', num_classes=2, in_channels=4, hidden_channels=hidden)
        head = MODELS.build(config).eval()
        keys = [f'layers.{place}.{kind}' for place in places for kind in ('weight', 'bias')]
        assert list(head.state_dict()) == keys
        x = torch.randn(3, 4)
        expected = x
        for place in places:
            linear = head.layers[place]
            expected = expected @ linear.weight.T + linear.bias
            expected = expected if place == places[-1] else expected.clamp(min=0)
        torch.testing.assert_close(head(x), expected)


@pytest.mark.parametrize('share', [0.02, 0.3])
def test_label_smoothing(share, make_samples):
    """Of two classes it is binary cross entropy towards share/2 and 1 - share/2."""
    config = dict(type='mmfake.MLPHead', num_classes=2, in_channels=4, hidden_channels=[])
    head = MODELS.build(dict(config, dropout_ratio=0.0, label_smoothing=share))
    embedding, labels = torch.randn(6, 4), [0, 1, 1, 0, 1, 0]
    logits = head(embedding)
    clipped = torch.tensor([min(max(label, share / 2), 1 - share / 2) for label in labels])
    expected = torch.nn.functional.binary_cross_entropy(logits.softmax(1)[:, 1], clipped)
    losses = head.loss(embedding, make_samples(labels))
    torch.testing.assert_close(losses['loss_ce'], expected)
    assert losses['acc_top1'].item() == pytest.approx(
        sum((row[1] > row[0]).item() == label for row, label in zip(logits, labels)) / 6
    )
    # of three classes, and of labels that are soft already, against torch's own
    head = MODELS.build(dict(config, num_classes=3, dropout_ratio=0.0, label_smoothing=share))
    soft = torch.tensor([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]])
    samples = [ActionDataSample().set_gt_label(label) for label in soft]
    logits = head(embedding[:2])
    expected = torch.nn.functional.cross_entropy(logits, soft, label_smoothing=share)
    torch.testing.assert_close(head.loss(embedding[:2], samples)['loss_ce'], expected)


@pytest.mark.parametrize(
    ('settings', 'reason'),
    [
        (dict(hidden_channels=512), 'hidden_channels=512 is no tuple of widths'),
        (dict(hidden_channels=(512, 0)), r'hidden_channels=\(512, 0\) is no tuple of widths'),
        (dict(label_smoothing=1.0), 'label_smoothing=1.0 is no share'),
        (dict(label_smoothing=-0.1), 'label_smoothing=-0.1 is no share'),
    ],
)
def test_mistakes(settings, reason):
    with pytest.raises(MMFakeError, match=reason):
        MODELS.build(dict(type='mmfake.MLPHead', num_classes=2, in_channels=4, **settings))


def test_of_a_normalised_embedding_the_direction_alone_counts():
    config = dict(type='mmfake.MLPHead', num_classes=2, in_channels=4, hidden_channels=())
    head = MODELS.build(dict(config, normalize=True)).eval()
    x = torch.randn(5, 4)
    torch.testing.assert_close(head(x), head.layers[-1](x / x.norm(dim=1, keepdim=True)))
    torch.testing.assert_close(head(x), head(x * 1e3), rtol=1e-5, atol=1e-6)
    plain = MODELS.build(config).eval()
    assert not torch.allclose(plain(x), plain(x * 1e3))


def test_blended_clips_with_labels_that_are_not_are_refused(head, make_samples):
    """Else a head learns that a mean of two videos is one of them."""
    _, blended = MixupBlending(num_classes=2)(torch.randn(2, 1, 3, 8, 8), make_samples([0, 1]))
    for key in ('label_bin', 'label_multi'):
        with pytest.raises(MMFakeError, match=f"blended .* learns '{key}', which is not: set"):
            targets_of(blended, key, 'cpu')
    assert targets_of(blended, 'gt_label', 'cpu').shape == (2, 2)


class Several(nn.Module):
    def forward(self, logits, targets):
        return dict(loss_a=logits.mean(), loss_b=logits.sum())


def test_a_loss_that_gives_several_by_name(head):
    """As mmaction2's heads take it."""
    head.loss_cls = Several()
    losses = head.loss(torch.randn(2, 4), [ActionDataSample().set_gt_label(0) for _ in range(2)])
    assert set(losses) == {'loss_a', 'loss_b', 'acc_top1'}
