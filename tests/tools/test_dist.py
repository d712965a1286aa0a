"""Several processes on one machine, with gloo where there is no GPU."""

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from mmfake import MMFakeError
from mmfake.apis.test import test_detector as score_detector  # pytest would take it for a test
from mmfake.apis.train import train_detector

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


@pytest.fixture(scope='module')
def trained(tmp_path_factory, command, smoke):
    """The work dir of one epoch of two processes that torchrun started."""
    work_dir = tmp_path_factory.mktemp('torchrun')
    words = ['--nproc_per_node', '2', '--master_port', free_port(), ROOT / 'tools' / 'train.py']
    options = ['--launcher', 'pytorch', '--scale', smoke, '--work-dir', work_dir]
    done = command('torchrun', *words, CONFIG, *options)
    assert done.returncode == 0, done.stderr
    return work_dir


def test_torchrun_and_dist_test(command, smoke, trained, tmp_path, monkeypatch):
    checkpoint = torch.load(trained / 'epoch_1.pth', weights_only=False)
    # 16 videos: 2 iterations of 2 ranks x 4, whose keys both ranks hold
    queue = checkpoint['label_moco']['queues']['multi']
    assert (queue['labels'] >= 0).sum() == 16

    # 4 test videos over 3 processes: one is padded, and counts once
    options = ['--scale', smoke, '--work-dir', tmp_path]
    monkeypatch.setenv('PORT', free_port())
    script = ROOT / 'tools' / 'dist_test.sh'
    done = command('bash', script, CONFIG, trained / 'epoch_1.pth', 3, *options)
    assert done.returncode == 0, done.stderr
    assert 'scored 4 of 4 videos' in done.stdout
    distributed = pd.read_csv(tmp_path / 'scores.csv')

    # one process, as mpirun would start it
    for name, value in dict(RANK='0', LOCAL_RANK='0', SIZE='1').items():
        monkeypatch.setenv(f'OMPI_COMM_WORLD_{name}', value)
    monkeypatch.setenv('MASTER_ADDR', '127.0.0.1')
    monkeypatch.setenv('MASTER_PORT', free_port())
    script = ROOT / 'tools' / 'test.py'
    options += ['--launcher', 'mpi']
    done = command('python', script, CONFIG, trained / 'epoch_1.pth', *options)
    assert done.returncode == 0, done.stderr
    assert 'Distributed launcher: mpi' in done.stdout
    # another batch size adds in another order
    single = pd.read_csv(tmp_path / 'scores.csv')
    pd.testing.assert_frame_equal(single, distributed, rtol=1e-5)


@pytest.mark.parametrize(
    ('place', 'told'),
    [('work', 'the disk is full'), ('file/x', 'a work dir cannot be made .*Not a directory')],
)
def test_testing_that_cannot_write_ends_in_one_line(smoke, trained, tmp_path, place, told, capfd):
    """No file may grow beyond 9,000 bytes, as the copy of the config would."""
    (tmp_path / 'file').touch()
    words = [str(CONFIG), str(trained / 'epoch_1.pth'), '--scale', str(smoke)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, hard))
    try:
        with pytest.raises(MMFakeError, match=f'{place}: {told}') as error:
            score_detector([*words, '--work-dir', str(tmp_path / place)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert '\n' not in str(error.value)
    assert 'Traceback' not in capfd.readouterr().err


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
    with pytest.raises(MMFakeError, match=f'--launcher {launcher}: the environment has no valid'):
        main(words)
    assert not list(tmp_path.iterdir())
