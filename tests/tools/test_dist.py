"""Several processes on one machine, with gloo where there is no GPU."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from mmfake import MMFakeError
from mmfake.apis import test_detector as score_detector  # pytest would take it for a test
from mmfake.apis import train_detector

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


def test_torchrun_and_dist_test(command, smoke, tmp_path, monkeypatch):
    options = ['--scale', smoke, '--work-dir', tmp_path]
    words = ['--nproc_per_node', '2', '--master_port', free_port(), ROOT / 'tools' / 'train.py']
    done = command('torchrun', *words, CONFIG, '--launcher', 'pytorch', *options)
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


# Starts the processes one after the other into the background, as Slurm's does on its machines.
SRUN = """#!/bin/bash
while [ "${1#-}" != "$1" ]; do
    case $1 in --ntasks=*) tasks=${1#*=} ;; -p) shift ;; esac
    shift
done
export SLURM_NTASKS=$tasks SLURM_NODELIST=node
for rank in $(seq 0 $((tasks - 1))); do SLURM_PROCID=$rank "$@" & processes="$processes $!"; done
for process in $processes; do wait "$process" || exit; done
"""


def test_slurm(command, smoke, tmp_path, monkeypatch):
    """Two processes train and one tests; scontrol names the machine, SLURM_LOCALID is not set."""
    for name, text in dict(srun=SRUN, scontrol='#!/bin/sh\necho 127.0.0.1\n').items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv('MASTER_PORT', free_port())
    monkeypatch.setenv('GPUS', '2')
    options = ['--scale', smoke, '--work-dir', tmp_path / 'work', '--no-validate']
    script = ROOT / 'tools' / 'slurm_train.sh'
    done = command('bash', script, 'part', 'job', CONFIG, *options)
    assert done.returncode == 0, done.stderr
    checkpoint = torch.load(tmp_path / 'work' / 'epoch_1.pth', weights_only=False)
    assert checkpoint['meta']['iter'] == 2
    assert (checkpoint['label_moco']['queues']['multi']['labels'] >= 0).sum() == 16

    monkeypatch.setenv('GPUS', '1')
    script = ROOT / 'tools' / 'slurm_test.sh'
    words = ['part', 'job', CONFIG, tmp_path / 'work' / 'epoch_1.pth', *options[:-1]]
    done = command('bash', script, *words)
    assert done.returncode == 0, done.stderr
    assert 'scored 4 of 4 videos' in done.stdout


@pytest.mark.parametrize(
    ('sent', 'processes', 'told'),
    [(signal.SIGINT, 2, 'interrupted'), (signal.SIGTERM, 1, 'ended by SIGTERM')],
)
def test_an_ended_dist_train_tells_its_end_and_status(smoke, tmp_path, sent, processes, told):
    """Ctrl-C reaches the whole group, SIGTERM the script."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    environment = dict(os.environ, PATH=path, PORT=free_port(), OMP_NUM_THREADS='1')
    words = ['bash', ROOT / 'tools' / 'dist_train.sh', CONFIG.with_name('bin_ce_holdout_f2f.py')]
    words += [processes, '--scale', smoke, '--work-dir', tmp_path, '--no-validate']
    words += ['--cfg-options', 'train_cfg.max_epochs=1000', 'default_hooks.checkpoint.interval=999']
    process = subprocess.Popen(
        [str(word) for word in words],
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for line in process.stdout:
            if 'Epoch(train)' in line:
                break
        (os.killpg if sent == signal.SIGINT else os.kill)(process.pid, sent)
        rest, _ = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 128 + sent, rest
    assert 'Traceback' not in rest, rest
    assert told in rest.splitlines()[-1]


@pytest.mark.parametrize('launcher', ['pytorch', 'slurm', 'mpi'])
@pytest.mark.parametrize('main', [train_detector, score_detector])
def test_a_launcher_that_did_not_start_it(launcher, main, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')  # which the commands set
    words = [str(CONFIG), '--launcher', launcher]
    words += ['nowhere.pth'] if main is score_detector else []
    with pytest.raises(MMFakeError, match=f'--launcher {launcher}: the environment has no'):
        main(words)
    assert not list(tmp_path.iterdir())
