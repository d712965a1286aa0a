import math

import pandas as pd

from mmfake.evaluation.tables import cell_text, grid_markdown


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
    # the numbers of nt differ between rows, so its heading names none
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
        ['85.2\xa0±\xa01.3', '[81.2,\xa088.2]'],
        ['-'],
    ]


def test_one_metric_needs_no_column_to_name_it():
    lines = grid_markdown(pd.DataFrame([cell('a', 'df')]), ['auc']).splitlines()
    rows = [[part.strip() for part in line.split('|')[1:-1]] for line in lines]
    assert rows[0] == ['regime', 'DF (n = 140 + 140)']
    assert rows[2] == ['a', '0.912\xa0±\xa00.013 [0.872,\xa00.942]']
    assert rows[1][1].endswith(':')
