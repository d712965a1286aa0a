"""Ctrl-C in the middle of an epoch, as a terminal sends it: to every process of the group."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_ce_holdout_f2f.py'


def group(number):
    """The processes of a group, those included that nobody has waited for."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == number:
                found.append(process)
        except (ProcessLookupError, PermissionError):
            continue
    return found


@pytest.mark.parametrize('workers', [2])
def test_one_line_and_no_process_left(tree, tmp_path, workers):
    scale = tmp_path / 'scale.py'
    scale.write_text(
        f'data_root = {str(tree.root)!r}\nclip_size = dict(clip_len=8, image_size=32)\n'
        'train_dataloader = dict('
        f'batch_size=2, num_workers={workers}, persistent_workers={workers > 0})\n'
        'train_cfg = dict(max_epochs=1000)\ndefault_hooks = dict(logger=dict(interval=1))\n'
    )
    words = [sys.executable, ROOT / 'tools' / 'train.py', CONFIG, '--scale', scale, '--no-validate']
    process = subprocess.Popen(
        [*map(str, words), '--work-dir', str(tmp_path / 'work')],
        start_new_session=True,  # a group of its own
        env=dict(os.environ, OMP_NUM_THREADS='1'),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = []
        while not any('Epoch(train)' in line and '[ 3/20]' in line for line in lines[-1:]):
            lines.append(process.stdout.readline())
            assert lines[-1], ''.join(lines)
        members = group(process.pid)
        assert len(members) >= 1 + workers, 'training and workers'
        os.killpg(process.pid, signal.SIGINT)
        # ends when the last process that could write has gone
        after, _ = process.communicate(timeout=120)
    finally:
        for member in group(process.pid):
            member.kill()
    assert process.returncode == 130
    assert 'Traceback' not in after, after
    assert after.splitlines()[-1] == 'interrupted'
    _, alive = psutil.wait_procs(members, timeout=30)
    assert not alive
