import math

import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from sklearn.metrics import roc_auc_score

from mmfake.evaluation.tables import grid_table
from mmfake.visualization.matrix_figures import draw_heat_map, draw_intervals


def cell(regime, holdout, acc, auc, n_seeds=1, n=24):
    numbers = dict(n_seeds=n_seeds, acc=acc, auc=auc, n_original=n, n_manipulated=n)
    spread = 0.0125 if n_seeds > 1 else math.nan
    numbers.update(acc_sd_seeds=spread, auc_sd_seeds=spread)
    return dict(regime=regime, holdout=holdout, **numbers)


@pytest.fixture
def table():
    return pd.DataFrame(
        [
            *(cell('a', 'df', 0.5, 0.6), cell('a', 'nt', 0.75, 1.0), cell('a', 'mean', 0.625, 0.8)),
            cell('b', 'nt', 1.0, math.nan),
        ]
    )


def test_heat_map_numbers_names_and_holes(table):
    figure = draw_heat_map(table, 'Mini', {'a': 'First', 'b': 'Second'}.get)
    left, right = figure.axes
    found = {text.get_position(): text.get_text() for text in left.texts}
    assert found == {
        **{(0, 0): '50.0', (1, 0): '75.0', (2, 0): '62.5'},
        **{(0, 1): '–', (1, 1): '100.0', (2, 1): '–'},
    }
    assert [text.get_text() for text in right.texts] == ['0.600', '1.000', '0.800', '–', '–', '–']
    assert [label.get_text() for label in left.get_xticklabels()] == ['DF', 'NT', 'mean']
    assert [label.get_text() for label in left.get_yticklabels()] == ['First', 'Second']
    assert left.get_title(loc='left') == '(a) Accuracy at 0.5 (%)'
    assert figure.texts[0].get_text() == 'Mini, n = 24 originals + 24 manipulated a cell'


def test_heat_map_colours_reach_from_chance_to_perfect(table):
    left, right = draw_heat_map(table).axes
    assert (left.images[0].get_clim(), right.images[0].get_clim()) == ((50, 100), (0.5, 1))
    # the text of the darkest cell is white, that of the brightest black
    texts = {text.get_text(): to_rgb(text.get_color()) for text in left.texts}
    assert (texts['50.0'], texts['100.0']) == ((1, 1, 1), (0, 0, 0))


def test_heat_map_has_the_spread_over_seeds_below_the_number():
    table = pd.DataFrame(
        [cell('a', 'df', 0.5, 0.6, n_seeds=3), cell('b', 'df', 0.5, 0.6, n_seeds=2, n=23)]
    )
    figure = draw_heat_map(table)
    left, right = ([text.get_text() for text in ax.texts][:2] for ax in figure.axes)
    assert (left, right) == (['50.0', '± 1.2'], ['0.600', '± 0.013'])
    assert figure.texts[0].get_text() == (
        'n = 23 to 24 originals + 23 to 24 manipulated a cell, mean ± SD of 2 to 3 seeds'
    )


@pytest.fixture
def runs(make_run):
    return [
        make_run('a', 'df', [0.1, 0.6, 0.3], seed=0, df=[0.5, 0.7, 0.2]),
        make_run('a', 'df', [0.1, 0.6, 0.3], seed=1, df=[0.5, 0.7, 0.65]),
        make_run('b', 'df', [0.9, 0.6, 0.3], df=[0.5, 0.7, 0.2]),
        make_run('b', 'nt', [0.1, 0.2], nt=[0.8]),
    ]


def test_intervals_dots_and_seeds(runs):
    table = grid_table(runs, with_mean=False, n_bootstrap=30)
    figure = draw_intervals(table, runs, title='Mini', row_name=str.upper)
    df, nt = figure.axes
    row = table.iloc[0]
    dots = [line.get_xydata().tolist() for line in df.lines if line.get_marker() == 'o']
    assert dots == [[[row['auc'], 0]], [[table.iloc[1]['auc'], 1]]]
    intervals = [line for line in df.lines if line.get_linewidth() == 1.6]
    assert intervals[0].get_xydata().tolist() == [[row['auc_low'], 0], [row['auc_high'], 0]]
    (crosses,) = (line for line in df.lines if line.get_marker() == 'x')  # b has one seed
    expected = [roc_auc_score(run.frame['label'], run.frame['score']) for run in runs[:2]]
    assert list(crosses.get_xdata()) == pytest.approx(expected)
    # a has not been tested on nt: its row stays empty
    assert [line.get_ydata()[0] for line in nt.lines if line.get_marker() == 'o'] == [1]
    assert [label.get_text() for label in df.get_yticklabels()] == ['A', 'B']
    assert df.get_title(loc='left') == '(a) df\nn = 3 + 3'
    assert 'crosses: single seeds' in figure.texts[0].get_text()
    assert df.get_xlim() == nt.get_xlim()


def test_intervals_of_accuracy_in_percent_and_the_mean(runs):
    table = grid_table(runs[3:], n_bootstrap=5)
    figure = draw_intervals(table, runs[3:], 'acc')
    nt, mean = figure.axes
    assert [line.get_xdata()[0] for line in nt.lines if line.get_marker() == 'o'] == [100]
    assert (nt.get_xlabel(), nt.get_xlim()[1] > 100) == ('Accuracy at 0.5 (%)', True)
    assert mean.get_title(loc='left') == '(b) Mean\n'
    assert 'crosses' not in figure.texts[0].get_text()
