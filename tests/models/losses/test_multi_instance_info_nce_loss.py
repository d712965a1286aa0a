import math

import pytest
import torch
import torch.nn.functional as F

from mmfake import MMFakeError, MultiInstanceInfoNCELoss


def equation_1(query, query_labels, keys, key_labels, temperature):
    """Equation 1 in nested loops and float64, term by term."""
    losses = []
    for z, label in zip(query.detach().double(), query_labels):
        s_p = s_n = 0.0
        for key, key_label in zip(keys.double(), key_labels):
            if key_label < 0:
                continue
            term = math.exp(float(z @ key) / temperature)
            if key_label == label:
                s_p += term
            else:
                s_n += term
        if s_p:
            losses.append(-math.log(s_p / (s_p + s_n)))
    return sum(losses) / len(losses)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    query = F.normalize(torch.randn(6, 16, generator=generator), dim=1)
    keys = F.normalize(torch.randn(40, 16, generator=generator), dim=1)
    query_labels = torch.tensor([0, 1, 2, 3, 0, 1])
    key_labels = torch.randint(-1, 4, (40,), generator=generator)
    assert (key_labels < 0).any()
    return query, query_labels, keys, key_labels


@pytest.mark.parametrize('temperature', [0.07, 0.2, 1.0])
def test_equals_equation_1(batch, temperature):
    loss = MultiInstanceInfoNCELoss(temperature)(*batch)
    assert loss.item() == pytest.approx(equation_1(*batch, temperature), rel=1e-5)


def test_equals_an_independent_library(batch):
    losses = pytest.importorskip('pytorch_metric_learning.losses')
    distances = pytest.importorskip('pytorch_metric_learning.distances')
    query, query_labels, keys, key_labels = (part.clone() for part in batch)
    filled = key_labels >= 0
    oracle = losses.NCALoss(
        softmax_scale=1 / 0.07,
        distance=distances.DotProductSimilarity(normalize_embeddings=False),
    )
    a, b = query.clone().requires_grad_(), query.clone().requires_grad_()
    ours = MultiInstanceInfoNCELoss(0.07)(a, query_labels, keys, key_labels)
    theirs = oracle(b, query_labels, ref_emb=keys[filled], ref_labels=key_labels[filled])
    ours.backward()
    theirs.backward()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-6)


def test_anchor_without_positive_is_left_out(batch):
    query, _, keys, key_labels = batch
    labels = torch.tensor([0, 1, 2, 3, 9, 9])  # nobody in the queue has label 9
    query = query.clone().requires_grad_()
    loss = MultiInstanceInfoNCELoss()(query, labels, keys, key_labels)
    assert loss.item() == pytest.approx(equation_1(query[:4], labels[:4], keys, key_labels, 0.07))
    loss.backward()
    assert query.grad[4:].abs().sum() == 0
    assert query.grad.isfinite().all()


@pytest.mark.parametrize('key_labels', [torch.full((40,), -1), torch.full((40,), 7)])
def test_batch_without_any_positive_is_zero_with_a_graph(batch, key_labels):
    query = batch[0].clone().requires_grad_()
    loss = MultiInstanceInfoNCELoss()(query, batch[1], batch[2], key_labels)
    assert loss.item() == 0
    loss.backward()
    assert query.grad.abs().sum() == 0


@pytest.mark.parametrize('labels', [-1, 7, 0])  # no key, no positive, no negative
def test_a_query_that_is_not_finite_makes_the_loss_so(batch, labels):
    """Else its gradient would reach the weights, and no guard would know."""
    query = batch[0].clone()
    query[0] = float('nan')
    loss = MultiInstanceInfoNCELoss()(query, torch.zeros(6), batch[2], torch.full((40,), labels))
    assert loss.isnan()


def test_queue_of_positives_only_is_zero_with_finite_gradient(batch):
    query = batch[0].clone().requires_grad_()
    loss = MultiInstanceInfoNCELoss()(query, torch.ones(6), batch[2], torch.ones(40))
    loss.backward()
    assert loss.item() == 0
    assert query.grad.abs().sum() == 0


def test_chance_level_when_all_similarities_are_equal():
    """-log(|P| / |P + N|): 1.386 for an original anchor at 1:3, 0.288 for a fake one."""
    keys, query = torch.zeros(8, 4), torch.zeros(1, 4)
    labels = torch.tensor([0, 0, 1, 1, 1, 1, 1, 1])
    loss = MultiInstanceInfoNCELoss()
    assert loss(query, torch.tensor([0]), keys, labels).item() == pytest.approx(1.386, abs=1e-3)
    assert loss(query, torch.tensor([1]), keys, labels).item() == pytest.approx(0.288, abs=1e-3)


def test_invariant_to_queue_order_and_label_names(batch):
    query, query_labels, keys, key_labels = batch
    loss = MultiInstanceInfoNCELoss()
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    names = torch.tensor([5, 11, 2, 8, -1])  # label l is now called names[l], empty stays empty
    expected = loss(*batch)
    torch.testing.assert_close(loss(query, query_labels, keys[order], key_labels[order]), expected)
    torch.testing.assert_close(loss(query, names[query_labels], keys, names[key_labels]), expected)


def test_ignored_entries_are_in_neither_set(batch):
    query, query_labels, keys, key_labels = batch
    ignore = torch.zeros(6, 40, dtype=torch.bool)
    ignore[:, 10:25] = True
    left = torch.cat([key_labels[:10], key_labels[25:]])
    loss = MultiInstanceInfoNCELoss()(query, query_labels, keys, key_labels, ignore)
    expected = equation_1(query, query_labels, torch.cat([keys[:10], keys[25:]]), left, 0.07)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize('gap', [20.0, 120.0])
def test_stable_at_large_logit_gaps(dtype, gap):
    """Well-separated pairs have a tiny loss (6e-9 at gap 20), wrong ones a loss of the gap."""
    keys = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=dtype)
    query = torch.tensor([[1.0, 0.0]], dtype=dtype, requires_grad=True)
    loss = MultiInstanceInfoNCELoss(temperature=1 / gap)
    good = loss(query, torch.tensor([0]), keys, torch.tensor([0, 1]))
    assert good.item() == pytest.approx(math.log1p(math.exp(-gap)), rel=1e-3, abs=1e-12)
    wrong = loss(query, torch.tensor([1]), keys, torch.tensor([0, 1]))
    wrong.backward()
    assert wrong.item() == pytest.approx(gap, rel=1e-3)
    assert query.grad.isfinite().all()


def test_computed_in_float32_under_autocast(batch):
    query, *rest = batch
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = MultiInstanceInfoNCELoss()(query, *rest)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(equation_1(*batch, 0.07), rel=1e-5)


def test_weight_and_bounds(batch):
    single, double = MultiInstanceInfoNCELoss(), MultiInstanceInfoNCELoss(loss_weight=2.0)
    torch.testing.assert_close(double(*batch), 2 * single(*batch))
    with pytest.raises(MMFakeError, match='temperature must be positive, but got 0'):
        MultiInstanceInfoNCELoss(temperature=0)
