"""The threshold and the verdict."""

import pytest

from mmfake.errors import MMFakeError
from mmfake.inference.trained_model import Decision, choose_threshold


@pytest.mark.parametrize(
    ('asked', 'from_validation', 'expected'),
    [
        (None, 0.3, Decision(0.3, 'validation')),
        (None, 0.0, Decision(0.0, 'validation')),
        (None, None, Decision(0.5, 'default')),
        ('val', 0.3, Decision(0.3, 'validation')),
        ('0.7', 0.3, Decision(0.7, 'user')),
        (1, None, Decision(1.0, 'user')),
    ],
)
def test_choice(asked, from_validation, expected):
    assert choose_threshold(asked, from_validation) == expected


def test_validation_is_asked_of_a_checkpoint_without_it():
    with pytest.raises(MMFakeError, match='the checkpoint holds none'):
        choose_threshold('val', None)


@pytest.mark.parametrize('asked', ['much', '-0.1', 'nan', 2])
def test_no_probability(asked):
    with pytest.raises(MMFakeError, match='is neither val nor a number'):
        choose_threshold(asked, 0.5)


def test_verdict():
    decision = Decision(0.5, 'user')
    verdicts = [decision.verdict(p) for p in (None, 0.0, 0.4999, 0.5, 1.0)]
    assert verdicts == ['abstain', 'original', 'original', 'manipulated', 'manipulated']
