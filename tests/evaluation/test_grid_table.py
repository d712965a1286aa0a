import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from mmfake.errors import MMFakeError
from mmfake.evaluation.scores import RunScores
from mmfake.evaluation.tables import grid_table
from mmfake.evaluation.video_metrics import evaluate_videos


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
