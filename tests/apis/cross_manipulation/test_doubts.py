import pytest

from mmfake.apis.cross_manipulation.collect_runs import collect_runs
from mmfake.apis.cross_manipulation.doubts import doubts


@pytest.mark.parametrize(
    ('changed', 'expected'),
    [
        (dict(), []),
        (
            dict(checkpoint_sha256='hash of bin_ce_holdout_df/seed_0'),
            [
                'One and the same checkpoint stands for 2 runs: bin_ce/df, seed 0 and bin_ce/df, '
                'seed 1; a training that is counted twice has no spread.'
            ],
        ),
        (
            dict(settings_without_seed='others'),
            ['Seeds of one cell were trained with different settings: bin_ce/df.'],
        ),
        (dict(commit='def'), ['The runs are of different commits: abc, def.']),
        (dict(data_root='d2'), ['The runs are of different data roots: d2, data.']),
        (
            dict(processes=[8], total_batch=[128]),
            [
                'The runs were trained with different numbers of processes: 1, 8.',
                'The runs were trained with different total batch sizes: 16, 128.',
            ],
        ),
        (
            dict(processes=[1, 2]),  # resumed with another number
            ['The runs were trained with different numbers of processes: 1, 2.'],
        ),
        (dict(processes=[], total_batch=[]), []),  # unknown
    ],
)
def test_doubts(make_cell, changed, expected, tmp_path):
    cells = [make_cell(), make_cell(seed=1, **changed)]
    runs, _ = collect_runs(tmp_path, cells)
    assert len(runs) == 2
    assert doubts(runs) == expected


def test_checkpoints_that_are_gone_are_not_one_and_the_same(make_cell, tmp_path):
    cells = [make_cell(seed=seed, checkpoint_sha256='') for seed in (0, 1)]
    assert doubts(collect_runs(tmp_path, cells)[0]) == []
