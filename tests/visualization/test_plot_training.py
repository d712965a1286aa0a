import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmfake.apis.plot_training import plot_training
from mmfake.errors import MMFakeError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def work_dir(write_log, log_lines):
    train, val = log_lines
    return write_log([train(7, 1), train(14, 1), val(1, 0.6, df=0.7)])


def test_by_default_the_figure_lies_in_the_work_dir(work_dir, capsys):
    plot_training([str(work_dir)])
    files = [f'{work_dir}/training_curves.png', f'{work_dir}/training_curves.svg']
    assert capsys.readouterr().out == f'wrote {files[0]}, {files[1]}\n'
    assert all(Path(file).stat().st_size > 5000 for file in files)


def test_out_names_the_files(work_dir, tmp_path):
    plot_training([str(work_dir), '--out', str(tmp_path / 'a.pdf')])
    assert (tmp_path / 'a.pdf').is_file()
    assert not list(work_dir.glob('training_curves.*'))


def test_a_wrong_ending(work_dir, tmp_path):
    with pytest.raises(MMFakeError, match=r'a\.gif: no such format of a figure'):
        plot_training([str(work_dir), '--out', str(tmp_path / 'a.gif')])


def test_a_mistake_ends_the_command_in_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / 'tools' / 'plot_training.py'), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )
    assert done.returncode == 2
    assert done.stdout == ''
    assert done.stderr.splitlines()[-1].startswith(f'error: {tmp_path}: no training log')
    assert 'Traceback' not in done.stderr
