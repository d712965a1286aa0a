"""The path on real video, where the small set of real clips lies beside the checkout."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / 'shared' / 'data' / 'ffpp_real_mini'
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason='the real clips are not on this machine')


@pytest.mark.nightly
def test_train_and_test_on_real_footage(command, smoke, tmp_path):
    """Sizes from 176x144 to 682 px, clips of 78 to 96 frames: 40 train, 8 validate, 8 test."""
    options = ['--scale', smoke, '--data-root', REAL, '--work-dir', tmp_path]
    done = command('python', ROOT / 'tools' / 'train.py', CONFIG, *options)
    assert done.returncode == 0, done.stderr
    assert '40 videos (10 original, 10 df, 10 fs, 10 nt)' in done.stdout
    checkpoint = tmp_path / 'epoch_1.pth'
    done = command('python', ROOT / 'tools' / 'test.py', CONFIG, checkpoint, *options)
    assert done.returncode == 0, done.stderr
    assert 'scored 8 of 8 videos; not scored: 0' in done.stdout
