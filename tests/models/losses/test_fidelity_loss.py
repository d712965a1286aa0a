import math

import pytest
import torch

from mmfake import FidelityLoss, MMFakeError


def literal(z, y):
    """Equation 3 as it is printed, in double precision."""
    p = 1 / (1 + math.exp(-z))
    return 1 - math.sqrt(y * p) - math.sqrt((1 - y) * (1 - p))


@pytest.mark.parametrize('labels', [[0.0, 1.0], [0.0, 0.2, 0.5, 0.9, 1.0]], ids=['hard', 'soft'])
def test_equals_the_printed_formula(labels):
    logits = [-20.0, -2.0, -0.3, 0.0, 0.7, 2.0, 20.0]
    pairs = [(z, y) for z in logits for y in labels]
    z, y = (torch.tensor(column) for column in zip(*pairs))
    expected = [literal(*pair) for pair in pairs]
    loss = FidelityLoss(loss_weight=2.0)(z[None], y[None])
    assert loss.item() == pytest.approx(2 * sum(expected) / len(expected), abs=1e-6)
    alone = [FidelityLoss()(z[i], y[i]).item() for i in range(len(pairs))]
    assert alone == pytest.approx(expected, abs=1e-6)


def test_the_levels_of_the_paper_are_means_of_means():
    """Equation 4: the mean over the attributes, then over the batch."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 3, generator=generator)
    labels = torch.randint(0, 2, (5, 3), generator=generator)
    total = 0.0
    for x in range(5):
        total += sum(literal(logits[x, g].item(), labels[x, g].item()) for g in range(3)) / 3
    assert FidelityLoss()(logits, labels).item() == pytest.approx(total / 5, abs=1e-6)


def test_gradients_are_finite_where_the_printed_formula_has_none():
    labels = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0])
    values = [0.3, 0.3, 200.0, -200.0, -200.0]
    printed = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    p = printed.sigmoid()
    loss = 1 - (labels * p).sqrt() - ((1 - labels) * (1 - p)).sqrt()
    loss.sum().backward()
    assert printed.grad.isnan().any()

    logits = torch.tensor(values, requires_grad=True)
    FidelityLoss()(logits, labels).backward()
    assert logits.grad.isfinite().all()
    # d/dz of 1 - sqrt(sigma(-z)) and of 1 - sqrt(sigma(z)), averaged over five
    p = 1 / (1 + math.exp(-0.3))
    by_hand = [0.5 * math.sqrt(1 - p) * p / 5, -0.5 * math.sqrt(p) * (1 - p) / 5]
    assert logits.grad[:2].tolist() == pytest.approx(by_hand, abs=1e-6)


def test_half_precision_is_computed_in_single():
    z, y = torch.tensor([4.0, -7.5]), torch.tensor([1, 0])
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = FidelityLoss()(z.bfloat16(), y)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx((literal(4.0, 1) + literal(-7.5, 0)) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ('targets', 'message'),
    [(torch.zeros(2, 1), r'shape \(2, 3\) and targets'), (torch.full((2, 3), 2.0), 'from 2 to 2')],
)
def test_what_is_no_label_is_refused(targets, message):
    with pytest.raises(MMFakeError, match=message):
        FidelityLoss()(torch.zeros(2, 3), targets)
