import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from mmfake.errors import MMFakeError
from mmfake.evaluation.scores import RunScores
from mmfake.evaluation.tables import cell_text, grid_markdown, grid_table, markdown_table
from mmfake.evaluation.video_metrics import evaluate_videos

# grid table


def aucs_of(runs):
    return [roc_auc_score(run.frame['label'], run.frame['score']) for run in runs]


def test_one_run_is_what_the_test_prints(make_run):
    run = make_run('a', threshold=0.6)
    row = grid_table([run], with_mean=False, n_bootstrap=200, seed=3).iloc[0]
    expected = evaluate_videos(run.frame, 0.6, n_bootstrap=200, seed=3)['df']
    assert {key: row[key] for key in expected} == pytest.approx(expected)
    assert (row['regime'], row['holdout'], row['seeds'], row['n_seeds']) == ('a', 'df', '0', 1)
    assert np.isnan(row['auc_sd_seeds'])


def test_mean_and_spread_over_seeds(make_run):
    runs = [make_run('a', seed=seed) for seed in (2, 0, 1)]
    row = grid_table(runs, n_bootstrap=20).iloc[0]
    assert row['auc'] == pytest.approx(np.mean(aucs_of(runs)))
    assert row['auc_sd_seeds'] == pytest.approx(np.std(aucs_of(runs), ddof=1))
    accuracies = [accuracy_score(run.frame['label'], run.frame['score'] >= 0.5) for run in runs]
    assert row['acc'] == pytest.approx(np.mean(accuracies))
    assert row['seeds'] == '0 1 2'


def test_interval_over_videos_resamples_them_alike_in_all_seeds(make_run):
    runs = [make_run('a', seed=seed, n=15) for seed in range(2)]
    row = grid_table(runs, n_bootstrap=150, seed=4).iloc[0]
    rng = np.random.default_rng(4)
    draws = [rng.integers(15, size=(150, 15)) for _ in range(2)]
    labels = np.repeat([0, 1], 15)
    means = []
    for originals, fakes in zip(*draws):
        drawn = []
        for run in runs:
            scores = [run.frame.query('label == @label')['score'].to_numpy() for label in (0, 1)]
            drawn.append(roc_auc_score(labels, np.r_[scores[0][originals], scores[1][fakes]]))
        means.append(np.mean(drawn))
    assert [row['auc_low'], row['auc_high']] == pytest.approx(np.quantile(means, [0.025, 0.975]))


def test_copies_of_a_run_do_not_narrow_its_interval(make_run):
    run = make_run('a')
    copies = [RunScores('a', 'df', seed, run.frame) for seed in range(3)]
    single, tripled = (grid_table(runs, n_bootstrap=100).iloc[0] for runs in ([run], copies))
    for key in ('auc', 'auc_low', 'auc_high', 'acc_low', 'eer_high'):
        assert tripled[key] == pytest.approx(single[key])
    assert tripled['auc_sd_seeds'] == pytest.approx(0)


def test_mean_over_hold_outs(make_run):
    runs = [
        make_run('a', holdout, seed, distance=distance)
        for holdout, distance in (('df', 1.0), ('nt', 2.0))
        for seed in range(2)
    ]
    table = grid_table(runs, n_bootstrap=100)
    assert list(table['holdout']) == ['df', 'nt', 'mean']
    mean = table.iloc[-1]
    by_seed = np.reshape(aucs_of(runs), (2, 2)).mean(axis=0)  # over hold-outs
    assert mean['auc'] == pytest.approx(by_seed.mean())
    assert mean['auc_sd_seeds'] == pytest.approx(np.std(by_seed, ddof=1))
    assert mean['auc_low'] < mean['auc'] < mean['auc_high']
    assert (mean['n_original'], mean['n_scored']) == (40, 80)


def test_hold_outs_on_the_same_people_are_not_independent(make_run):
    """Were they, the mean of two equal columns would have an interval 1 / sqrt(2) as wide."""
    run = make_run('a')
    other = run.frame.copy()
    other['video'] = other['video'].str.replace('/df/', '/nt/')
    other['method'] = other['method'].replace('df', 'nt')
    table = grid_table([run, RunScores('a', 'nt', 0, other)], n_bootstrap=200)
    widths = table['auc_high'] - table['auc_low']
    assert widths.iloc[2] == pytest.approx(widths.iloc[0])


def test_a_row_without_all_hold_outs_has_no_mean(make_run):
    runs = [make_run('a', 'df'), make_run('a', 'nt'), make_run('b', 'df')]
    table = grid_table(runs, n_bootstrap=5)
    assert [*zip(table['regime'], table['holdout'])] == [
        ('a', 'df'),
        ('a', 'nt'),
        ('a', 'mean'),
        ('b', 'df'),
    ]


def test_the_mean_is_over_seeds_that_all_hold_outs_have(make_run):
    runs = [make_run('a', 'df', seed) for seed in (0, 1)] + [make_run('a', 'nt', 1)]
    table = grid_table(runs, n_bootstrap=5)
    assert list(table['seeds']) == ['0 1', '1', '1']
    assert table['auc'].iloc[2] == pytest.approx(np.mean(aucs_of(runs[1:])))
    # no seed in common
    assert 'mean' not in set(grid_table([runs[0], runs[2]], n_bootstrap=5)['holdout'])


@pytest.mark.filterwarnings('error')
def test_one_class_is_undefined(make_frame):
    runs = [RunScores('a', 'df', 0, make_frame([[0.2, 0.6], []]))]
    runs.append(RunScores('a', 'nt', 0, make_frame([[0.2, 0.6], [0.7]], 'nt')))
    table = grid_table(runs, n_bootstrap=10).set_index('holdout')
    assert np.isnan(table.loc['df', ['auc', 'auc_low', 'auc_high']].astype(float)).all()
    assert np.isnan(table.loc['mean', 'auc'])
    assert table.loc['df', 'acc'] == 0.5


def test_nothing_scored(make_frame):
    frame = make_frame([[0.2], [0.6]]).assign(status='not-scored', score=np.nan)
    row = grid_table([RunScores('a', 'df', 0, frame)], n_bootstrap=10).iloc[0]
    assert np.isnan(row['acc'])
    assert (row['n_expected'], row['n_scored']) == (2, 0)


def test_mistakes(make_run):
    with pytest.raises(MMFakeError, match='at least one run'):
        grid_table([])
    with pytest.raises(MMFakeError, match='regime a, hold-out df: seed 0 is there twice'):
        grid_table([make_run('a'), make_run('a')])


# grid markdown


def cell(regime, holdout, n_seeds=3, acc=0.8516, n=140, **more):
    spread = 0.013 if n_seeds > 1 else math.nan
    row = dict(regime=regime, holdout=holdout, n_seeds=n_seeds, n_original=140, n_manipulated=n)
    for name, value in (('acc', acc), ('auc', 0.9123)):
        row.update({name: value, f'{name}_sd_seeds': spread})
        row.update({f'{name}_low': value - 0.04, f'{name}_high': value + 0.03})
    return dict(row, **more)


def test_cells():
    row = pd.Series(cell('a', 'df'))
    assert cell_text(row, 'acc') == '85.2 ± 1.3 [81.2, 88.2]'
    assert cell_text(row, 'auc') == '0.912 ± 0.013 [0.872, 0.942]'
    assert cell_text(pd.Series(cell('a', 'df', n_seeds=1)), 'acc') == '85.2 [81.2, 88.2]'
    assert cell_text(row, 'acc_val') == '-'
    assert cell_text(pd.Series(cell('a', 'df', acc=math.nan)), 'acc') == '-'


def test_table():
    rows = [cell('a', 'df'), cell('a', 'nt'), cell('a', 'mean', n=280)]
    table = pd.DataFrame([*rows, cell('b', 'nt', n=139)])
    lines = [
        [part.strip() for part in line.split('|')[1:-1]]
        for line in grid_markdown(table, row_name=str.upper).splitlines()
    ]
    # the numbers of nt differ between rows, so its heading names none, but the first metric does
    assert lines[0] == ['regime', 'metric', 'DF (n = 140 + 140)', 'NT', 'mean']
    assert [line[:2] for line in lines[2:]] == [
        ['A', 'accuracy at 0.5 (%)'],
        ['A', 'video AUC'],
        ['B', 'accuracy at 0.5 (%)'],
        ['B', 'video AUC'],
    ]
    # a cell can be broken before the interval only
    assert [text.split(' ') for text in lines[4][2:]] == [
        ['-'],
        ['85.2\xa0±\xa01.3', '[81.2,\xa088.2]', '(n\xa0=\xa0140\xa0+\xa0139)'],
        ['-'],
    ]
    counted = [text.rpartition('(n')[2] for line in lines[2:] for text in line if '(n' in text]
    assert counted == ['\xa0=\xa0140\xa0+\xa0140)', '\xa0=\xa0140\xa0+\xa0139)']


def test_one_metric_needs_no_column_to_name_it():
    lines = grid_markdown(pd.DataFrame([cell('a', 'df')]), ['auc']).splitlines()
    rows = [[part.strip() for part in line.split('|')[1:-1]] for line in lines]
    assert rows[0] == ['regime', 'DF (n = 140 + 140)']
    assert rows[2] == ['a', '0.912\xa0±\xa00.013 [0.872,\xa00.942]']
    assert rows[1][1].endswith(':')


# markdown table


def test_aligned_and_escaped():
    text = markdown_table(
        ['name', 'n', 'value'], [['a|b', '1', '[bold]'], ['x' * 300, '20', ':+1:']]
    )
    head, rule, first, second = text.splitlines()
    assert len({len(line) for line in (head, rule, first, second)}) == 1
    assert head.startswith('| name ')
    rules = rule.strip('|').split('|')
    assert [part[-1] for part in rules] == ['-', ':', ':']  # numbers to the right in Markdown, too
    assert {char for part in rules for char in part[:-1]} == {'-'}
    assert '| a\\|b ' in first
    assert first.endswith('|  1 | [bold] |')  # numbers to the right, no markup
    assert second.endswith('| 20 |   :+1: |')  # neither an emoji nor a fold
