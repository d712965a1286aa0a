import json
import math

import pandas as pd
import pytest

from mmfake.errors import MMFakeError
from mmfake.evaluation.cross_table import write_cross_table
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
    assert '- Face2Face held out, AUC: resolved over videos and seeds (1 of 1 pairs): ' in page
    assert 'Binary Contrastive over Binary CE by' in page

    content = json.loads(files['table.json'])
    assert content['inputs'] == dict(commit='abc')
    assert len(content['cells']) == 6
    assert content['runs'][1]['info'] == dict(checkpoint='1.pth')
    assert content['runs'][1]['paper_protocol']['n_kept'] == 32
    pairs = pd.read_csv(tmp_path / 'out' / 'comparisons.csv')
    assert list(pairs['holdout']) == ['f2f', 'nt']
    assert list(pairs['auc_verdict']) == ['resolved', 'these networks differ']
    assert '- NeuralTextures held out, AUC: resolved over videos, for these trained' in page
    assert content['comparisons'][0]['auc_p_holm'] == pytest.approx(pairs['auc_p_holm'][0])


def test_faceshifter_of_ffpp_is_no_hold_out_of_the_paper(make_run, tmp_path):
    runs = [make_run(name, 'fsh', n=140, dataset='ffpp') for name in ('bin_ce', 'bin_con')]
    write_cross_table(runs, tmp_path, n_bootstrap=10)
    page = (tmp_path / 'comparison.md').read_text()
    assert 'bin_ce/fsh, bin_con/fsh: the paper has no such hold-out.' in page


def test_a_hold_out_that_only_a_config_has_registered(make_run, tmp_path):
    write_cross_table([make_run('bin_ce', 'mine2')], tmp_path, n_bootstrap=10)
    assert 'mine2 held out: one regime only.' in (tmp_path / 'table.md').read_text()


def test_order_of_the_runs_does_not_change_a_number(runs, tmp_path):
    first = write_cross_table(runs, tmp_path / 'a', n_bootstrap=30)
    second = write_cross_table(runs[::-1], tmp_path / 'b', n_bootstrap=30)
    keys = ['regime', 'holdout']
    pd.testing.assert_frame_equal(
        first.sort_values(keys, ignore_index=True), second.sort_values(keys, ignore_index=True)
    )


def test_what_is_missing_is_said(runs, tmp_path):
    frame = runs[-1].frame.copy()
    frame.loc[:2, ['status', 'score']] = ['not-scored', math.nan]
    runs = [*runs[1:3], *runs[4:-1], RunScores('bin_con', 'nt', 1, frame)]
    write_cross_table(runs[:1] + runs[2:], tmp_path, n_bootstrap=10)
    page = (tmp_path / 'table.md').read_text()
    assert '1 of 4 cells have no run ("-").' in page
    assert 'Fewer seeds than the others: bin_ce/f2f (1).' in page
    assert 'Not every video was scored: bin_con/nt, seed 1: 37 of 40.' in page
    assert 'NeuralTextures held out: one regime only.' in page
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
