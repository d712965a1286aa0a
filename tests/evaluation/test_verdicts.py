import math
from dataclasses import replace

import pytest

from mmfake.evaluation.comparisons import Comparison, PairedDifference
from mmfake.evaluation.verdicts import describe_comparisons, p_text, verdict


def difference(p, p_joint=math.nan, value=0.2):
    spread = math.nan if math.isnan(p_joint) else 0.01
    return PairedDifference(
        *(0.9, 0.9 - value, value, value - 0.1, value + 0.1, p, spread, spread, 0.01, p, 0.01),
        p_joint=p_joint,
        p_joint_holm=p_joint,
    )


def comparison(auc, acc=None, names=('a', 'b'), seeds=1, left_out=0):
    return Comparison(*names, seeds, seeds, 140, 138, left_out, acc or difference(0.5), auc)


@pytest.mark.parametrize(
    ('p', 'p_joint', 'expected'),
    [
        (0.05, 0.05, 'resolved'),
        (0.01, 0.06, 'these networks differ'),
        (0.01, math.nan, 'these networks differ'),
        (0.06, 0.01, 'not resolved'),
        (math.nan, 0.01, 'undefined'),
    ],
)
def test_verdict(p, p_joint, expected):
    assert verdict(comparison(difference(p, p_joint)), 'auc') == expected


def test_alpha():
    assert verdict(comparison(difference(0.04, 0.04)), 'auc', alpha=0.01) == 'not resolved'


def lines_of(*comparisons, metric='AUC', **options):
    lines = describe_comparisons(comparisons, 'Deepfakes held out', **options)
    return [line for line in lines if f', {metric}:' in line]


def test_words_for_seeds_and_for_one_seed():
    assert lines_of(comparison(difference(0.0002, 0.031), seeds=3), name_of=str.upper) == [
        'Deepfakes held out, AUC: resolved over videos and seeds (1 of 1 pairs): A over B by '
        '0.200 [0.100, 0.300], p < 0.001, over videos and seeds p = 0.031.'
    ]
    (line,) = lines_of(comparison(difference(0.01, 0.5), seeds=3))
    assert 'but not over seeds too: training them again might reverse it (1 of 1' in line
    (line,) = lines_of(comparison(difference(0.01)))
    assert 'with one seed nothing is said of training them again (1 of 1' in line


def test_the_better_one_comes_first_with_its_interval():
    (line,) = lines_of(comparison(difference(0.01, value=-0.2)))
    assert line.endswith('b over a by 0.200 [0.100, 0.300], p = 0.010.')
    (line,) = lines_of(comparison(difference(0.4, value=-0.05)))
    assert line.endswith('b and a by 0.050 [-0.050, 0.150], p = 0.400.')


def test_many_unresolved_pairs_are_counted_and_the_largest_shown():
    pairs = [
        comparison(difference(0.3, value=value), names=('a', name))
        for name, value in zip('vwxyz', (0.01, -0.07, 0.02, 0.05, 0.03))
    ]
    (line,) = lines_of(*pairs)
    assert '(5 of 5 pairs), the largest of them: w and a by 0.070 [' in line
    assert line.count(' by ') == 1


def test_every_kind_has_its_sentence():
    perfect = replace(comparison(difference(0.01, 0.02)), name_b='c')
    lines = lines_of(perfect, comparison(difference(0.9)), comparison(difference(math.nan)))
    assert [line.split(': ')[1].split(' (')[0] for line in lines] == [
        'resolved over videos and seeds',
        'not resolved; other videos might reverse it',
        'undefined on these videos',
    ]
    assert lines[2].endswith('(1 of 3 pairs): a and b.')


def test_videos_left_out_are_said():
    pairs = [comparison(difference(0.3)), comparison(difference(0.3), left_out=2)]
    assert describe_comparisons(pairs, 'Deepfakes')[-1] == (
        'Deepfakes: 1 of 2 pairs are compared on fewer videos than were scored; at worst '
        '140 + 138 are common to a and b and 2 left out.'
    )
    assert not any('left out' in line for line in describe_comparisons(pairs[:1], 'Deepfakes'))
    assert describe_comparisons([], 'Deepfakes') == []


def test_p_text():
    assert [p_text(p) for p in (0.00099, 0.001, 0.25)] == ['p < 0.001', 'p = 0.001', 'p = 0.250']
