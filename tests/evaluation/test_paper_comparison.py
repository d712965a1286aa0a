from dataclasses import replace

import pytest

from mmfake.evaluation.paper import paper_comparison, paper_compat
from mmfake.evaluation.tables import grid_table


def page(runs):
    return paper_comparison(runs, grid_table(runs, n_bootstrap=20))


def lines_of(text):
    rows = [line.strip('|').split('|') for line in text.splitlines() if line.startswith('|')]
    return {(row[0].strip(), row[1].strip()): [cell.strip() for cell in row[2:]] for row in rows}


def test_ffpp_is_compared(make_run):
    holdouts = ('df', 'f2f', 'fs', 'nt')
    runs = [make_run('bin_con', name, n=140, dataset='ffpp') for name in holdouts]
    text = page(runs)
    rows = lines_of(text)
    for name, printed in zip(holdouts, ('84.77', '68.36', '82.42', '69.92')):
        cells = rows['Binary Contrastive', name.upper()]
        low, high = map(float, cells[1].split('[')[1].strip(']').split(','))
        assert cells[0] == printed
        where = 'inside' if low <= float(printed) <= high else 'outside'
        assert cells[3:] == ['256 of 280', f'{where} our interval']
        assert (float(cells[2].split()[0]) * 2.56) == pytest.approx(
            round(float(cells[2].split()[0]) * 2.56), abs=0.02
        )
    mean = rows['Binary Contrastive', 'mean']
    assert mean[0] == '76.17 (76.37)'  # the printed mean does not follow from the row
    assert mean[4].endswith('our interval')
    kept = [float(rows['Binary Contrastive', name.upper()][2].split()[0]) for name in holdouts]
    assert float(mean[2]) == pytest.approx(sum(kept) / 4, abs=0.011)
    # rows of the paper that we have not run are there, without figures of ours
    assert rows['DFDC winner', 'FS'] == ['51.07', '-', '-', '-', '-']
    assert rows['Binary CE', 'mean'][0] == '77.15'
    assert 'FF++' in text
    assert 'Not compared' not in text


@pytest.mark.parametrize(
    ('n', 'regime', 'holdout', 'printed', 'reason'),
    [
        (24, 'bin_ce', 'df', '80.08', 'the test has 24 + 24 videos, not 140 + 140'),
        (140, 'mine', 'df', '-', 'the paper has no such regime'),
        (140, 'bin_ce', 'fsh', '-', 'the paper has no such hold-out'),
    ],
)
def test_anything_else_is_not_and_says_why(make_run, n, regime, holdout, printed, reason):
    run = make_run(regime, holdout, n=n, dataset='ffpp')
    text = page([run])
    cells = lines_of(text)['Binary CE' if regime == 'bin_ce' else regime, holdout.upper()]
    assert cells[0] == printed
    right = 100 * ((run.frame['score'] >= 0.5) == run.frame['label']).mean()
    assert float(cells[1].split()[0]) == pytest.approx(right, abs=0.051)
    assert cells[3] == f'{2 * n // 32 * 32} of {2 * n}'
    assert cells[4] == '-'
    assert f'Not compared with the paper: {regime}/{holdout}: {reason}' in text


@pytest.mark.parametrize('dataset', ['mini_ffpp', ''])
def test_without_ffpp_data_the_papers_figures_are_not_there(make_run, dataset):
    runs = [make_run('bin_ce', 'df', seed, n=24, dataset=dataset) for seed in (0, 1)]
    text = page(runs)
    assert '80.08' not in text
    rows = lines_of(text)
    assert set(rows) == {('regime', 'held out'), ('Binary CE', 'DF'), ('Binary CE', 'mean')} | {
        key for key in rows if set(key[0]) <= set('-:')
    }
    assert rows['regime', 'held out'] == ['ours (%)', 'ours, paper protocol (%)', 'videos kept']
    # what the protocol alone changes, of the same scores: the mean over both networks
    kept = [paper_compat(run.frame) for run in runs]
    acc, low, high = (
        50 * sum(one[f'acc_kept{end}'] for one in kept) for end in ('', '_low', '_high')
    )
    assert rows['Binary CE', 'DF'][1:] == [f'{acc:.2f} [{low:.2f}, {high:.2f}]', '32 of 48']
    name = dataset or 'unknown'
    assert f"bin_ce/df, bin_ce/mean: the dataset is '{name}', not FaceForensics++." in text


def test_less_than_a_batch_has_no_figure_under_the_protocol(make_run):
    rows = lines_of(page([make_run('bin_ce', 'df', n=10, dataset='mini_ffpp')]))
    assert rows['Binary CE', 'DF'][1:] == ['-', '0 of 20']


def test_the_order_of_the_test_decides_who_is_dropped(make_run):
    run = make_run('bin_ce', 'df', n=140, distance=0.5, dataset='ffpp')
    right = (run.frame['score'] >= 0.5) == run.frame['label']
    order = list(run.frame['video'][right]) + list(run.frame['video'][~right])
    cells = lines_of(page([replace(run, test_order=order)]))['Binary CE', 'DF']
    assert cells[2].startswith(f'{100 * right.sum() / 256:.2f} [')


def test_one_cell_of_another_dataset_spoils_the_mean_alone(make_run):
    holdouts = ('df', 'f2f', 'fs', 'nt')
    runs = [make_run('bin_ce', name, n=140, dataset='ffpp') for name in holdouts[:3]]
    runs.append(make_run('bin_ce', 'nt', n=140, dataset='other'))
    rows = lines_of(page(runs))
    assert rows['Binary CE', 'FS'][4].endswith('our interval')
    for column in ('NT', 'mean'):
        assert rows['Binary CE', column][0] == rows['Binary CE', column][4] == '-'


def test_a_mean_over_other_hold_outs(make_run):
    runs = [make_run('bin_ce', name, n=140, dataset='ffpp') for name in ('df', 'nt')]
    assert "bin_ce/mean: the mean is not over the paper's four hold-outs." in page(runs)
