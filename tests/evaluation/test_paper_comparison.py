from dataclasses import replace

import pytest

from mmfake.evaluation.grid_table import grid_table
from mmfake.evaluation.paper_comparison import paper_comparison


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
        assert cells[3] == f'{where} our interval'
        assert (float(cells[2].split()[0]) * 2.56) == pytest.approx(
            round(float(cells[2].split()[0]) * 2.56), abs=0.02
        )
    mean = rows['Binary Contrastive', 'mean']
    assert mean[0] == '76.17 (76.37)'  # the printed mean does not follow from the row
    assert mean[3].endswith('our interval')
    # rows of the paper that we have not run are there, without figures of ours
    assert rows['DFDC winner', 'FS'] == ['51.07', '-', '-', '-']
    assert rows['Binary CE', 'mean'][0] == '77.15'
    assert 'FF++' in text
    assert 'Not compared' not in text


@pytest.mark.parametrize(
    ('options', 'regime', 'reason'),
    [
        (dict(n=140, dataset='mini_ffpp'), 'bin_ce', "the dataset is 'mini_ffpp', not FaceFor"),
        (dict(n=140), 'bin_ce', "the dataset is 'unknown', not FaceForensics++"),
        (dict(n=24, dataset='ffpp'), 'bin_ce', 'the test has 24 + 24 videos, not 140 + 140'),
        (dict(n=140, dataset='ffpp'), 'mine', 'the paper has no such regime'),
    ],
)
def test_anything_else_is_not_and_says_why(make_run, options, regime, reason):
    text = page([make_run(regime, 'df', **options)])
    rows = lines_of(text)
    name = 'Binary CE' if regime == 'bin_ce' else regime
    assert rows[name, 'DF'][1:] == ['not compared', '-', '-']
    assert rows[name, 'DF'][0] == ('80.08' if regime == 'bin_ce' else '-')
    assert f'Not compared with the paper: {regime}/df: {reason}' in text


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
    assert rows['Binary CE', 'FS'][3].endswith('our interval')
    assert rows['Binary CE', 'NT'][1] == 'not compared'
    assert rows['Binary CE', 'mean'][1] == 'not compared'


def test_a_mean_over_other_hold_outs(make_run):
    runs = [make_run('bin_ce', name, n=140, dataset='ffpp') for name in ('df', 'nt')]
    assert "bin_ce/mean: the mean is not over the paper's four hold-outs." in page(runs)
