import json
import math
from dataclasses import replace

import pandas as pd
import pytest

from mmfake.errors import MMFakeError
from mmfake.evaluation.comparisons import compare_regimes
from mmfake.evaluation.cross_table import (
    comparison_markdown,
    comparison_table,
    doubts,
    told_of_other_videos,
    write_cross_table,
)
from mmfake.evaluation.scores import RunScores


@pytest.fixture
def runs(make_run):
    return [
        make_run(regime, holdout, seed, distance=distance, info=dict(checkpoint=f'{seed}.pth'))
        for regime, distance in (('bin_ce', 0.5), ('bin_con', 4.0))
        for holdout in ('f2f', 'nt')
        for seed in (0, 1)
    ]


def test_files(runs, tmp_path):
    table = write_cross_table(runs, tmp_path / 'out', dict(commit='abc'), 'Rendered.', 50)
    files = {path.name: path.read_text() for path in (tmp_path / 'out').iterdir()}
    assert set(files) == {
        *('table.csv', 'table.md', 'table.json', 'comparisons.csv', 'comparison.md')
    }
    stored = pd.read_csv(tmp_path / 'out' / 'table.csv')
    pd.testing.assert_frame_equal(stored, table, check_dtype=False)
    assert list(stored['holdout']) == ['f2f', 'nt', 'mean'] * 2

    page = files['table.md']
    assert page.startswith('# Cross-manipulation table\n\nRendered.\n')
    assert '| Binary CE ' in page
    assert 'F2F (n = 20 + 20)' in page
    assert 'Seeds: 0, 1.' in page
    assert '| F2F      | Binary CE | Binary Contrastive | 20 + 20 |' in page
    assert page.endswith(
        'Resolved at p <= 0.05 over videos and seeds: 1 of 2 differences in AUC, '
        '2 of 2 in accuracy.\n'
    )

    content = json.loads(files['table.json'])
    assert content['inputs'] == dict(commit='abc')
    assert len(content['cells']) == 6
    assert content['runs'][1]['info'] == dict(checkpoint='1.pth')
    assert content['runs'][1]['paper_protocol']['n_kept'] == 32
    pairs = pd.read_csv(tmp_path / 'out' / 'comparisons.csv')
    assert list(pairs['holdout']) == ['f2f', 'nt']
    assert list(pairs['auc_verdict']) == ['resolved', 'these networks differ']
    assert content['comparisons'][0]['auc_p_holm'] == pytest.approx(pairs['auc_p_holm'][0])


@pytest.mark.parametrize('holdout', ['fsh', 'mine2'])  # the latter only a config has registered
def test_a_hold_out_that_the_paper_lacks(make_run, holdout, tmp_path):
    write_cross_table([make_run('bin_ce', holdout)], tmp_path, n_bootstrap=10)
    assert f' {holdout.upper()} (n = 20 + 20) ' in (tmp_path / 'table.md').read_text()
    (row,) = (
        [cell.strip() for cell in line.split('|')]
        for line in (tmp_path / 'comparison.md').read_text().splitlines()
        if f'| {holdout.upper()} ' in line
    )
    assert row[1:4] == ['Binary CE', holdout.upper(), '-']


def test_order_of_the_runs_does_not_change_a_number(runs, tmp_path):
    first = write_cross_table(runs, tmp_path / 'a', n_bootstrap=30)
    second = write_cross_table(runs[::-1], tmp_path / 'b', n_bootstrap=30)
    keys = ['regime', 'holdout']
    pd.testing.assert_frame_equal(
        first.sort_values(keys, ignore_index=True), second.sort_values(keys, ignore_index=True)
    )


def test_a_mean_of_fewer_seeds_than_its_cells_is_said(runs, tmp_path):
    write_cross_table(runs[1:], tmp_path, n_bootstrap=10)
    page = (tmp_path / 'table.md').read_text()
    assert 'Means of fewer seeds, those that all cells of the row have: bin_ce (1).' in page


def test_what_is_missing_is_said(runs, tmp_path):
    frame = runs[-1].frame.copy()
    frame.loc[:2, ['status', 'score']] = ['not-scored', math.nan]
    runs = [*runs[1:3], *runs[4:-1], RunScores('bin_con', 'nt', 1, frame)]
    write_cross_table(runs[:1] + runs[2:], tmp_path, n_bootstrap=10)
    page = (tmp_path / 'table.md').read_text()
    assert '1 of 4 cells have no run ("-").' in page
    assert 'Fewer seeds than the others: bin_ce/f2f (1).' in page
    assert 'Not every video was scored: bin_con/nt, seed 1 (37 of 40).' in page
    # JSON knows no NaN
    json.loads((tmp_path / 'table.json').read_text(), parse_constant=pytest.fail)


def test_scores_of_another_hold_out_are_refused(runs, tmp_path):
    wrong = RunScores('bin_ce', 'df', 0, runs[0].frame)
    with pytest.raises(MMFakeError, match='bin_ce, hold-out df, seed 0: holds f2f manipulated'):
        write_cross_table([wrong], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(runs, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(MMFakeError, match='the table cannot be written'):
        write_cross_table(runs[:1], tmp_path / 'file', n_bootstrap=5)


def test_without_a_pair_the_header_is_there(make_run):
    runs = [make_run(name, 'df') for name in ('a', 'b')]
    alone, pair = (comparison_table(compare_regimes(some)) for some in (runs[:1], runs))
    assert (len(alone), len(pair)) == (0, 1)
    assert list(alone.columns) == list(pair.columns)
    assert list(pair.columns)[:3] == ['holdout', 'name_a', 'name_b']
    assert alone.to_csv(index=False).startswith('holdout,name_a,name_b,')
    assert pair.notna().any().sum() > 20  # no field is lost by its name


def rows_of(text):
    return [
        [cell.strip() for cell in line.split('|')[1:-1]]
        for line in text.splitlines()
        if line.startswith('|')
    ]


@pytest.mark.parametrize('n_seeds', [1, 2])
def test_the_table_of_comparisons_holds_their_numbers(make_run, n_seeds):
    names = ('bin_ce', 'bin_con', 'mine')
    runs = [
        make_run(name, holdout, seed, distance=1.0 + place)
        for holdout in ('df', 'nt')
        for place, name in enumerate(names)
        for seed in range(n_seeds)
    ]
    comparisons = compare_regimes(runs, n_bootstrap=50)
    text = comparison_markdown(comparisons, row_name=str.title)
    headings, _, *rows = rows_of(text)
    per_metric = 3 if n_seeds > 1 else 2
    assert len(headings) == 4 + 2 * per_metric
    assert ('p, seeds too' in headings) == (n_seeds > 1)
    pairs = [one for found in comparisons.values() for one in found]
    assert len(rows) == len(pairs) == 6
    resolved = dict(auc=0, acc=0)
    for row, one, holdout in zip(rows, pairs, ['DF'] * 3 + ['NT'] * 3):
        assert row[:4] == [holdout, one.name_a.title(), one.name_b.title(), '20 + 20']
        for place, metric in enumerate(('auc', 'acc')):
            cells, found = row[4 + place * per_metric :][:per_metric], getattr(one, metric)
            numbers = [float(part.strip('[],')) for part in cells[0].split()]
            assert numbers == pytest.approx([found.difference, found.low, found.high], abs=5.1e-4)
            ps = [found.p_holm] + ([found.p_joint_holm] if n_seeds > 1 else [])
            assert cells[1:] == ['< 0.001' if p < 0.001 else f'{p:.3f}' for p in ps]
            resolved[metric] += all(p <= 0.05 for p in ps)
    assert resolved['auc'] > 0
    over = 'videos, for these networks; seeds were not compared'
    over = 'videos and seeds' if n_seeds > 1 else over
    assert text.splitlines()[-1] == (
        f'Resolved at p <= 0.05 over {over}: {resolved["auc"]} of 6 differences in AUC, '
        f'{resolved["acc"]} of 6 in accuracy.'
    )


def test_a_p_value_beside_the_level_is_told_on_its_side(make_run):
    runs = [make_run(name, 'df', 0, distance=1.0 + i) for i, name in enumerate(('a', 'b'))]
    found = compare_regimes(runs, n_bootstrap=10)
    (pair,) = found['df']
    told = {}
    for p in (0.0501, 0.049999, 0.05, 0.2, 0.0009):
        pair = replace(pair, auc=replace(pair.auc, p_holm=p))
        (row,) = rows_of(comparison_markdown(dict(df=[pair])))[2:]
        told[p] = row[5]
    assert told == {
        **{0.0501: '0.0501', 0.049999: '0.050', 0.05: '0.050', 0.2: '0.200', 0.0009: '< 0.001'}
    }


def test_what_is_left_out_or_undefined_is_said(make_frame):
    runs = [
        RunScores(name, 'df', 0, frame)
        for name, frame in (
            ('a', make_frame([[0.1, 0.7, 0.2], []])),
            ('b', make_frame([[0.1, 0.2], []])),
        )
    ]
    (row,) = rows_of(comparison_markdown(compare_regimes(runs)))[2:]
    assert row[3:6] == ['2 + 0 (1 left out)', '-', '-']
    assert comparison_markdown(compare_regimes(runs[:1])) == ''


def test_rows_of_other_videos_are_told(make_run):
    same = [make_run('a', 'f2f'), make_run('b', 'f2f'), make_run('a', 'f2f', seed=1)]
    assert told_of_other_videos(same, 'regimes') == []
    (line,) = told_of_other_videos([*same, make_run('c', 'f2f', n=12)], 'regimes')
    assert line.startswith('**f2f: the regimes are tested on other videos (a on f2f, b on f2f, 40')
    assert '; c on f2f, 24 videos)' in line


def test_what_tests_warned_of_is_told_once_a_run(make_run):
    leak = dict(warnings=['12 videos were trained on'])
    runs = [make_run('a', name, info=leak) for name in ('df', 'nt')] + [make_run('b', 'df')]
    assert doubts(runs) == ['**a, seed 0 (df, nt): 12 videos were trained on**']
