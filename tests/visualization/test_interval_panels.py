import pytest
from sklearn.metrics import roc_auc_score

from mmfake.evaluation.tables import grid_table
from mmfake.visualization.matrix_figures import draw_intervals


@pytest.fixture
def runs(make_run):
    return [
        make_run('a', 'df', [0.1, 0.6, 0.3], seed=0, df=[0.5, 0.7, 0.2]),
        make_run('a', 'df', [0.1, 0.6, 0.3], seed=1, df=[0.5, 0.7, 0.65]),
        make_run('b', 'df', [0.9, 0.6, 0.3], df=[0.5, 0.7, 0.2]),
        make_run('b', 'nt', [0.1, 0.2], nt=[0.8]),
    ]


def test_dots_lines_and_seeds(runs):
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
    assert df.get_xlabel() == 'Video AUC'
    assert 'crosses: single seeds' in figure.texts[0].get_text()
    assert df.get_xlim() == nt.get_xlim()


def test_accuracy_in_percent_and_the_mean(runs):
    table = grid_table(runs[3:], n_bootstrap=5)
    figure = draw_intervals(table, runs[3:], 'acc')
    nt, mean = figure.axes
    assert [line.get_xdata()[0] for line in nt.lines if line.get_marker() == 'o'] == [100]
    assert nt.get_xlabel() == 'Accuracy at 0.5 (%)'
    assert nt.get_xlim()[1] > 100
    assert mean.get_title(loc='left') == '(b) Mean\n'
    assert 'crosses' not in figure.texts[0].get_text()
