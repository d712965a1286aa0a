"""Several processes on one machine, with gloo where there is no GPU."""

import socket
from pathlib import Path

import pandas as pd
import torch

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


def test_dist_train_and_dist_test(command, smoke, tmp_path, monkeypatch):
    monkeypatch.setenv('PORT', free_port())
    options = ['--scale', smoke, '--work-dir', tmp_path]
    done = command('bash', ROOT / 'tools' / 'dist_train.sh', CONFIG, 2, *options)
    assert done.returncode == 0, done.stderr
    checkpoint = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)
    # 16 videos: 2 iterations of 2 ranks x 4, whose keys both ranks hold
    queue = checkpoint['label_moco']['queues']['multi']
    assert (queue['labels'] >= 0).sum() == 16

    # 4 test videos over 3 processes: one is padded, and counts once
    monkeypatch.setenv('PORT', free_port())
    script = ROOT / 'tools' / 'dist_test.sh'
    done = command('bash', script, CONFIG, tmp_path / 'epoch_1.pth', 3, *options)
    assert done.returncode == 0, done.stderr
    assert 'scored 4 of 4 videos' in done.stdout
    distributed = pd.read_csv(tmp_path / 'scores.csv')
    script = ROOT / 'tools' / 'test.py'
    done = command('python', script, CONFIG, tmp_path / 'epoch_1.pth', *options)
    assert done.returncode == 0, done.stderr
    # another batch size adds in another order
    single = pd.read_csv(tmp_path / 'scores.csv')
    pd.testing.assert_frame_equal(single, distributed, rtol=1e-5)
