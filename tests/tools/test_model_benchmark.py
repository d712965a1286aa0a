"""tools/benchmarks/model.py: tiny clips, whatever runtimes are installed."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / 'tools' / 'benchmarks' / 'model.py'


@pytest.mark.nightly
def test_it_compares_test_training_and_moco(command):
    done = command('python', SCRIPT, '--small', '--threads', '1')
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert 'torch ' in lines[0]
    assert lines[1] == 'S3D, 2 clips of 8 x 64 x 64'
    rows = [line.split() for line in lines if line.endswith('   1') and ' - ' in line]
    assert len(rows) >= 5 + 4 + 2
    assert sum(row[-7:-2] == ['1.000', '-', '1.000', '-', '1.000'] for row in rows) == 3
    assert 'MoCo, 1 thread' in done.stdout


def test_a_mistake_ends_in_one_line(command):
    done = command('python', SCRIPT, '--rounds', '0')
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr == 'error: --threads and --rounds are numbers from 1 on\n'
