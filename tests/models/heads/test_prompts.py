"""The prompts of the paper, and the three readings of their cosines against enumeration."""

import itertools
import math

import pytest
import torch

from mmfake import GraphPrompts, JointPrompts, MMFakeError, PairedPrompts

# as the paper prints them (3.2)
BINARY = ['a photo of a fake face', 'a photo of a real face']
GLOBAL = ['expression', 'identity', 'physical consistency']
LOCAL = ['eye', 'illumination', 'mouth', 'nose']
SENTENCE = 'A photo of a face with the {} attribute of {} {}'
PAIRS = [
    BINARY,
    *([SENTENCE.format('global', g, word) for word in ('altered', 'unaltered')] for g in GLOBAL),
    *([SENTENCE.format('local', p, word) for word in ('altered', 'unaltered')] for p in LOCAL),
]
LABELS = ['fake', *GLOBAL, *LOCAL]


def random_cosines(prompts, n=4):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, len(prompts.texts), generator=generator, dtype=torch.float64) * 2 - 1


def test_the_sixteen_prompts_are_pairs_of_opposites():
    prompts = PairedPrompts()
    assert prompts.labels == LABELS
    assert [list(pair) for pair in zip(prompts.texts[:8], prompts.texts[8:])] == PAIRS
    assert prompts.columns == dict(
        binary=slice(0, 1), **{'global': slice(1, 4), 'local': slice(4, 8)}
    )


@pytest.mark.parametrize('scale', [1.0, 10.0])
def test_pairs_are_equation_1(scale):
    prompts = PairedPrompts(scale=scale)
    cosines = random_cosines(prompts)
    found = prompts(cosines).sigmoid()
    for n, k in itertools.product(range(4), range(8)):
        s = cosines[n, prompts.texts.index(PAIRS[k][0])].item()
        opposite = cosines[n, prompts.texts.index(PAIRS[k][1])].item()
        assert found[n, k].item() == pytest.approx(1 / (1 + math.exp(-scale * (s - opposite))))


@pytest.mark.parametrize(
    ('kwargs', 'labels', 'opposites'),
    [
        (dict(levels=['binary']), ['fake'], BINARY[1:]),
        (dict(levels=['global', 'binary']), LABELS[:4], [pair[1] for pair in PAIRS[:4]]),
        (dict(one_sided=['global', 'local']), LABELS, BINARY[1:]),
        (dict(levels=['binary'], one_sided=['binary']), ['fake'], []),
    ],
    ids=['binary templates', 'two levels', 'no contrastive pairs', 'baseline'],
)
def test_fewer_levels_and_opposites(kwargs, labels, opposites):
    prompts = PairedPrompts(**kwargs)
    assert prompts.labels == labels
    assert prompts.texts == [PAIRS[LABELS.index(label)][0] for label in labels] + opposites
    cosines = random_cosines(prompts)
    for k, label in enumerate(labels):
        expected = cosines[:, k].clone()
        opposite = PAIRS[LABELS.index(label)][1]
        if opposite in opposites:
            expected -= cosines[:, prompts.texts.index(opposite)]
        torch.testing.assert_close(prompts(cosines)[:, k], expected)


def test_templates_of_ones_own():
    prompts = PairedPrompts(['binary', 'local'], templates=dict(local=('fake {}', 'real {}')))
    assert prompts.texts[1:5] == ['fake eye', 'fake illumination', 'fake mouth', 'fake nose']
    assert prompts.texts[6:] == ['real eye', 'real illumination', 'real mouth', 'real nose']


# ---- variant (11): the graph of labels ------------------------------------------------------

CHILDREN = dict(zip(GLOBAL, ('eye mouth', 'eye mouth nose', 'eye illumination mouth nose')))


def legal_states():
    """Every combination that a reader would call consistent, built up instead of filtered."""
    states = {frozenset()}
    for n in (1, 2, 3):
        for chosen in itertools.combinations(GLOBAL, n):
            parts = [CHILDREN[name].split() for name in chosen]
            nonempty = (
                [set(some) for r in range(1, len(of) + 1) for some in itertools.combinations(of, r)]
                for of in parts
            )
            for some in itertools.product(*nonempty):
                states.add(frozenset(['fake', *chosen, *set().union(*some)]))
    return states


def test_the_legal_states():
    prompts = GraphPrompts()
    found = {
        frozenset(label for label, value in zip(LABELS, state) if value)
        for state in prompts.states.tolist()
    }
    assert found == legal_states()
    assert len(prompts.states) == len(found) == 70
    # the labels of every method of FF++ and of the attribute forgeries are among them
    for labels in ('identity eye mouth nose', 'expression mouth', 'expression eye'):
        assert frozenset(['fake', *labels.split()]) in found
    for part in LOCAL:
        assert frozenset(['fake', 'physical consistency', part]) in found


@pytest.mark.parametrize('scale', [1.0, 5.0])
def test_graph_marginals_equal_enumeration(scale):
    prompts = GraphPrompts(scale=scale)
    cosines = random_cosines(prompts)
    found = prompts.double()(cosines).sigmoid()
    for n in range(4):
        z = {
            label: scale * (cosines[n, k] - cosines[n, 8 + k]).item()
            for k, label in enumerate(LABELS)
        }
        weights = {state: math.exp(sum(z[label] for label in state)) for state in legal_states()}
        for k, label in enumerate(LABELS):
            share = sum(weight for state, weight in weights.items() if label in state)
            assert found[n, k].item() == pytest.approx(share / sum(weights.values()))


# ---- variant (7): joint templates -----------------------------------------------------------


def test_joint_marginals_equal_enumeration():
    prompts = JointPrompts(scale=10.0)
    assert len(prompts.texts) == 24
    printed = (
        'A photo of a fake face with the global attribute of expression and the local attribute of '
        'mouth are altered'
    )
    assert printed in prompts.texts
    cosines = random_cosines(prompts)
    found = prompts(cosines).sigmoid()
    for n in range(4):
        weights = [math.exp(10 * value) for value in cosines[n].tolist()]
        for k, label in enumerate(LABELS):
            # a text names a label as a word of its own
            held = [label in text.replace(' face', '') for text in prompts.texts]
            share = sum(weight for weight, holds in zip(weights, held) if holds) / sum(weights)
            assert found[n, k].item() == pytest.approx(share)
        assert found[n, 1:4].sum().item() == pytest.approx(1)


@pytest.mark.parametrize('prompts', [GraphPrompts(scale=100.0), JointPrompts()])
def test_marginals_are_finite_where_a_softmax_is_one(prompts):
    cosines = torch.full((1, len(prompts.texts)), -1.0)
    cosines[0, 0] = 1.0
    cosines.requires_grad_(True)
    logits = prompts(cosines)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert cosines.grad.isfinite().all()


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (lambda: PairedPrompts(levels=['global']), 'name binary and any'),
        (lambda: PairedPrompts(levels='binary'), "levels='binary'"),
        (lambda: PairedPrompts(['binary'], one_sided=['local']), "'local' of one_sided"),
        (lambda: PairedPrompts(templates=dict(gobal=('a', 'b'))), "'gobal' of one_sided or templ"),
        (lambda: PairedPrompts(templates=dict(local='{} altered')), 'give a prompt and its opp'),
        (lambda: PairedPrompts(templates=dict(local=('a', 'b'))), "'a' is the prompt of several"),
        *(
            (lambda pair=pair: PairedPrompts(templates=dict(local=pair)), 'give a prompt and its o')
            for pair in [('{eye}', '{}'), ('{} {}', '{}'), ('a { b', '{}'), (1, 2), None, {'{}': 1}]
        ),
        (lambda: PairedPrompts(templates=[('a {}', 'b {}')]), 'give a dict of a prompt and its o'),
        (lambda: JointPrompts(scale=0), 'scale=0'),
    ],
)
def test_bad_arguments_are_refused(build, message):
    with pytest.raises(MMFakeError, match=message):
        build()
