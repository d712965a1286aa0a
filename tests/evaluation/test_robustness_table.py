"""Robustness table: against sklearn and plain loops, and against the published table."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mmfake.evaluation.robustness_table import (
    PUBLISHED,
    column_of,
    levels_markdown,
    published_markdown,
    robustness_table,
    summary_markdown,
)
from mmfake.evaluation.statistics import draw_counts

KINDS, LEVELS = ['noise', 'blur'], [1, 3]
# mean and drop rate as printed in the paper
PRINTED = [(82.54, 16.09), (84.05, 15.58), (90.47, 9.44), (69.49, 29.57), (89.63, 8.99)]


@pytest.fixture
def runs(make_run):
    """Two detectors, the first with two seeds; the weaker the level the better."""
    made = []
    for detector, seeds in (('a', (0, 1)), ('b', (0,))):
        for seed in seeds:
            for place, column in enumerate(
                ['clean', *(column_of(k, n) for k in KINDS for n in LEVELS)]
            ):
                # the same 20 + 20 videos; another draw of scores in each cell
                run = make_run(detector, 'df', seed * 10 + place, distance=2 - 0.3 * place)
                made.append(type(run)(detector, column, seed, run.frame))
    return made


def auc(run, drawn=None):
    frame = run.scored
    labels, scores = frame['label'].to_numpy(), frame['score'].to_numpy()
    times = np.ones(len(labels), int) if drawn is None else drawn.astype(int)
    return roc_auc_score(labels.repeat(times), scores.repeat(times))


def value(table, *key):
    (row,) = table[(table[['detector', 'kind', 'level']] == key).all(axis=1)].to_dict('records')
    return row


def test_means_drop_and_intervals_are_those_of_plain_loops(runs):
    table = robustness_table(runs, KINDS, LEVELS, n_bootstrap=20, seed=3)
    labels = runs[0].scored['label'].to_numpy()
    counts = draw_counts(labels, 20, np.random.default_rng(3))
    mine = {(run.seed, run.holdout): run for run in runs if run.regime == 'a'}
    all_columns = [column_of(kind, level) for kind in KINDS for level in LEVELS]

    def over(columns, seed, drawn=None):
        return np.mean([auc(mine[seed, column], drawn) for column in columns])

    def drop(seed, drawn=None):
        clean = over(['clean'], seed, drawn)
        return (clean - over(all_columns, seed, drawn)) / clean

    cases = {
        ('clean', '0'): lambda seed, drawn=None: over(['clean'], seed, drawn),
        ('blur', '3'): lambda seed, drawn=None: over(['blur 3'], seed, drawn),
        ('noise', 'mean'): lambda seed, drawn=None: over(['noise 1', 'noise 3'], seed, drawn),
        ('mean', 'mean'): lambda seed, drawn=None: over(all_columns, seed, drawn),
        ('drop', 'mean'): drop,
    }
    for key, truth in cases.items():
        row = value(table, 'a', *key)
        seeds = [truth(0), truth(1)]
        draws = [np.mean([truth(0, drawn), truth(1, drawn)]) for drawn in counts]
        assert row['value'] == pytest.approx(np.mean(seeds))
        assert row['sd_seeds'] == pytest.approx(np.std(seeds, ddof=1))
        assert [row['low'], row['high']] == pytest.approx(list(np.quantile(draws, [0.025, 0.975])))
        assert (row['seeds'], row['n_original'], row['n_manipulated']) == ('0 1', 20, 20)
    assert math.isnan(value(table, 'b', 'drop', 'mean')['sd_seeds'])


def test_a_mean_needs_all_its_cells(runs):
    kept = [run for run in runs if (run.regime, run.seed, run.holdout) != ('a', 1, 'blur 3')]
    kept = [run for run in kept if (run.regime, run.holdout) != ('b', 'noise 1')]
    table = robustness_table(kept, KINDS, LEVELS, n_bootstrap=10)
    assert value(table, 'a', 'blur', 'mean')['seeds'] == '0'
    assert value(table, 'a', 'noise', 'mean')['seeds'] == '0 1'
    assert value(table, 'a', 'drop', 'mean')['seeds'] == '0'
    there = {tuple(row) for row in table.loc[table['detector'] == 'b', ['kind', 'level']].values}
    assert {('blur', 'mean'), ('noise', '3')} <= there
    assert not {('noise', 'mean'), ('mean', 'mean'), ('drop', 'mean')} & there
    line = summary_markdown(table, KINDS).splitlines()[-1]
    assert line.count(' - ') == 3  # noise, mean, drop


def test_tables_to_read(runs):
    table = robustness_table(runs, KINDS, LEVELS, n_bootstrap=20)
    row = value(table, 'b', 'drop', 'mean')
    text = '{:.1f} [{:.1f}, {:.1f}]'.format(*(100 * row[key] for key in ('value', 'low', 'high')))
    head, _, a, b = summary_markdown(table, KINDS).splitlines()
    assert [cell.strip() for cell in head.split('|')[1:-1]] == [
        *('detector', 'n', 'clean', 'noise', 'blur', 'mean', 'drop (% of clean)')
    ]
    assert '±' in a
    assert b.endswith(f' {text} |')
    assert '| 20 + 20 |' in b
    lines = levels_markdown(table, 'a').splitlines()
    assert [line.split('|')[1].strip() for line in lines[2:]] == KINDS
    assert 'level 1' in lines[0]
    assert f'{value(table, "a", "blur", "3")["value"]:.3f} ± ' in lines[3]


def test_the_published_means_and_drops_follow_from_the_published_figures():
    lines = published_markdown().splitlines()[2:]
    for line, (mean, drop) in zip(lines, PRINTED):
        cells = [cell.strip() for cell in line.split('|')[1:-1]]
        assert [float(cells[-2]), float(cells[-1])] == pytest.approx([mean, drop], abs=0.0101)
    assert len(lines) == len(PUBLISHED) == 5
