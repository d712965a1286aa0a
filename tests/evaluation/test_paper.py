import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mmfake.errors import MMFakeError
from mmfake.evaluation.paper import PAPER_FIGURES, paper_comparison, paper_compat, regime_name
from mmfake.evaluation.tables import grid_table

# paper figures


TRAINED = ['bin_ce', 'bin_con', 'bin_ce_con', 'bin_multi_ce', 'bin_multi_con']


@pytest.mark.parametrize(
    ('regime', 'n'), [*((name, 256) for name in TRAINED), ('dfdc_winner', 280)]
)
def test_figures_are_whole_numbers_of_videos(regime, n):
    """A typing error would have to land on another multiple to go unseen."""
    for figure in PAPER_FIGURES[regime].acc.values():
        assert abs(figure - 100 * round(figure * n / 100) / n) < 0.0051


def test_printed_means():
    contradicting = {
        key for key, row in PAPER_FIGURES.items() if abs(row.mean - row.printed_mean) > 0.0051
    }
    assert contradicting == {'bin_con', 'bin_ce_con'}
    assert PAPER_FIGURES['bin_con'].mean == pytest.approx(76.37, abs=0.005)
    assert PAPER_FIGURES['bin_ce_con'].mean == pytest.approx(75.88, abs=0.005)


def test_rows_and_columns():
    assert {tuple(row.acc) for row in PAPER_FIGURES.values()} == {('df', 'f2f', 'fs', 'nt')}
    assert set(PAPER_FIGURES) == {'baseline_s3d', *TRAINED, 'dfdc_winner'}
    assert regime_name('bin_multi_ce') == 'Binary CE + Multi CE'
    assert regime_name('mine') == 'mine'


# paper compat


def test_256_of_280(make_run):
    found = paper_compat(make_run('a', n=140).frame)
    assert (found['n'], found['n_kept']) == (280, 256)
    assert float(256 * found['acc_kept']).is_integer()
    assert float(280 * found['acc']) == pytest.approx(round(280 * found['acc']))


def test_the_last_targets_are_dropped(make_frame):
    # targets 000 to 018, each an original and a fake: 38 videos, of which 006 and later 6 go
    originals = [0.1 + 0.01 * i for i in range(19)]
    fakes = [0.9 - 0.01 * i for i in range(19)]
    originals[15], originals[16], fakes[17] = 0.7, 0.8, 0.2  # an error kept, two dropped
    frame = make_frame([originals, fakes])
    found = paper_compat(frame.sample(frac=1, random_state=0))
    assert found['acc'] == pytest.approx(35 / 38)
    assert found['acc_kept'] == pytest.approx(31 / 32)
    assert found['auc_kept'] == roc_auc_score([0] * 16 + [1] * 16, originals[:16] + fakes[:16])
    assert found['auc'] == roc_auc_score([0] * 19 + [1] * 19, originals + fakes)

    reverse = sorted(frame['video'], reverse=True)  # originals first, then the highest fakes
    kept = frame.set_index('video').loc[reverse[:32]]
    expected = ((kept['score'] >= 0.5) == kept['label']).mean()
    order = ['not scored', *reverse]
    assert paper_compat(frame, order=order)['acc_kept'] == pytest.approx(expected)
    with pytest.raises(
        MMFakeError, match='1 scored videos are not in the order of the test: ffpp/'
    ):
        paper_compat(frame, order=reverse[:-1])


def test_range_over_orders_against_simulation(make_run):
    frame = make_run('a', n=140, distance=0.8).frame
    found = paper_compat(frame)
    right = ((frame['score'] >= 0.5) == frame['label']).to_numpy()
    rng = np.random.default_rng(0)
    accs = [rng.permutation(right)[:256].mean() for _ in range(4000)]
    ends = found['acc_kept_low'], found['acc_kept_high']
    assert ends == pytest.approx(np.quantile(accs, [0.025, 0.975]), abs=1.01 / 256)
    assert np.mean([ends[0] <= acc <= ends[1] for acc in accs]) >= 0.94


@pytest.mark.filterwarnings('error')
def test_less_than_a_batch_leaves_nothing(make_run):
    found = paper_compat(make_run('a', n=10).frame)
    assert found['n_kept'] == 0
    assert math.isnan(found['acc_kept'])
    assert math.isnan(found['acc_kept_low'])
    assert 0 < found['acc'] < 1


def test_names_of_another_form(make_frame):
    frame = make_frame([[0.2] * 20, [0.8] * 20])
    frame['video'] = [f'clip {i}.mp4' for i in range(40)]
    assert paper_compat(frame)['n_kept'] == 32


# paper comparison


def page(runs):
    return paper_comparison(runs, grid_table(runs, n_bootstrap=20))


def lines_of(text):
    rows = [line.strip('|').split('|') for line in text.splitlines() if line.startswith('|')]
    return {(row[0].strip(), row[1].strip()): [cell.strip() for cell in row[2:]] for row in rows}


HOLDOUTS = ('df', 'f2f', 'fs', 'nt')


def test_ours_stands_beside_what_is_published(make_run):
    cells = [(name, seed) for name in HOLDOUTS for seed in (0, 1)]
    runs = [make_run('bin_con', *cell, n=140, dataset='ffpp') for cell in cells]
    text = page(runs)
    rows = lines_of(text)
    assert rows['regime', 'held out'][0] == 'published in arXiv 2308.13503 (%)'
    for name, published in zip(HOLDOUTS, ('84.77', '68.36', '82.42', '69.92')):
        cell = [run for run in runs if run.holdout == name]
        right = [((run.frame['score'] >= 0.5) == run.frame['label']).mean() for run in cell]
        kept = [paper_compat(run.frame)['acc_kept'] for run in cell]
        cells = rows['Binary Contrastive', name.upper()]
        assert cells[0] == published
        assert float(cells[1].split()[0]) == pytest.approx(50 * sum(right), abs=0.051)
        assert cells[2] == f'{50 * sum(kept):.2f}'
    mean = rows['Binary Contrastive', 'mean']
    assert mean[0] == '76.17 (76.37)'  # the printed mean does not follow from the row
    kept = [float(rows['Binary Contrastive', name.upper()][2]) for name in HOLDOUTS]
    assert float(mean[2]) == pytest.approx(sum(kept) / 4, abs=0.011)
    # what was run and nothing else, below the word on its data
    assert {row[0] for row in rows if not row[0].startswith('-')} == {
        *('regime', 'Binary Contrastive')
    }
    assert text.startswith('# Beside the paper\n\nOurs are of: ffpp, 140 + 140 videos.\n')


@pytest.mark.parametrize(
    ('holdouts', 'mean'),
    [
        (('df', 'f2f'), '(76.76)'),  # of 80.08 and 73.44; the paper's, 77.15, is of all four
        (('f2f',), '(73.44)'),
        (HOLDOUTS, '77.15'),
        (('df', 'fsh'), '-'),
    ],
)
def test_the_published_mean_is_of_the_holdouts_of_ours(make_run, holdouts, mean):
    rows = lines_of(page([make_run('bin_ce', name) for name in holdouts]))
    assert rows['Binary CE', 'mean'][0] == mean


@pytest.mark.parametrize(
    ('n', 'dataset', 'said'),
    [
        (24, 'ffpp', 'ffpp, 24 + 24 videos'),
        (140, 'mini_ffpp', 'mini_ffpp, 140 + 140 videos'),
        (24, '', 'unknown data, 24 + 24 videos'),
    ],
)
def test_other_data_are_marked_as_such(make_run, n, dataset, said):
    text = page([make_run('bin_ce', 'df', n=n, dataset=dataset)])
    assert f'Ours are of: {said}. **That is not the test set of the paper, so ' in text


def test_a_regime_that_the_paper_lacks_has_ours_alone(make_run):
    run = make_run('mine', 'df', n=24)
    cells = lines_of(page([run]))['mine', 'DF']
    assert cells[0] == '-'
    assert cells[2] == f'{100 * paper_compat(run.frame)["acc_kept"]:.2f}'


def test_less_than_a_batch_has_no_figure_under_the_protocol(make_run):
    rows = lines_of(page([make_run('bin_ce', 'df', n=10, dataset='mini_ffpp')]))
    assert rows['Binary CE', 'DF'][2] == '-'


def test_the_order_of_the_test_decides_who_is_dropped(make_run):
    run = make_run('bin_ce', 'df', n=140, distance=0.5, dataset='ffpp')
    right = (run.frame['score'] >= 0.5) == run.frame['label']
    order = list(run.frame['video'][right]) + list(run.frame['video'][~right])
    cells = lines_of(page([replace(run, test_order=order)]))['Binary CE', 'DF']
    assert cells[2] == f'{100 * right.sum() / 256:.2f}'
