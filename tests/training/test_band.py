"""A mini training reaches the validation AUC that it has always reached."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'configs'

# eight epochs; seeds 0, 1 and 2 ended at 0.944, 0.954 and 0.910 on torch 2.13, and chance is 0.5
BAND = (0.85, 1.0)
LOADERS = [
    f'{name}_dataloader.{option}'
    for name in ('train', 'val')
    for option in ('num_workers=0', 'persistent_workers=False')
]


@pytest.mark.nightly
def test_the_auc_of_a_mini_training(command, harness, tmp_path):
    """As in the README: render the dataset, train; validation sees the methods of training."""
    data, work_dir = tmp_path / 'mini_ffpp', tmp_path / 'work'
    render = [ROOT / 'data_prep' / 'make_mini_ffpp.py', '--out', data, '--jobs', '2']
    train = [ROOT / 'tools' / 'train.py', CONFIGS / 'mtl' / 'bin_multi_ce_holdout_f2f.py']
    train += ['--scale', CONFIGS / '_base_' / 'scales' / 'mini.py', '--data-root', data]
    train += ['--work-dir', work_dir, '--seed', '0', '--cfg-options', *LOADERS]
    for words in (render, train):
        done = command('python', *words, timeout=1800)
        assert done.returncode == 0, done.stderr
    aucs = [
        json.loads(line)['deepfake/auc']
        for (is_training, _), line in harness.logged(work_dir).items()
        if not is_training
    ]
    assert len(aucs) == 8
    assert BAND[0] <= aucs[-1] <= BAND[1], aucs
