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

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools'
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


@pytest.fixture(scope='module')
def trained(tmp_path_factory, command, tiny_encoder):
    """The work dir of one epoch of two processes that torchrun, as a module, started."""
    work_dir = tmp_path_factory.mktemp('torchrun')
    words = ['-m', 'torch.distributed.run', '--nproc_per_node', '2', '--master_port', free_port()]
    words += [TOOLS / 'train.py', CONFIG]
    options = ['--launcher', 'pytorch', '--scale', tiny_encoder, '--work-dir', work_dir]
    done = command('python', *words, *options)
    assert done.returncode == 0, done.stderr
    return work_dir


def test_torchrun_and_dist_test(command, tiny_encoder, trained, tmp_path, monkeypatch):
    checkpoint = torch.load(trained / 'epoch_1.pth', weights_only=False)
    # 16 videos: 2 iterations of 2 ranks x 4, whose keys both ranks hold
    queue = checkpoint['label_moco']['queues']['multi']
    assert (queue['labels'] >= 0).sum() == 16

    # 4 test videos over 3 processes: one is padded, and counts once
    options = ['--scale', tiny_encoder, '--work-dir', tmp_path]
    monkeypatch.setenv('PORT', free_port())
    words = [TOOLS / 'dist_test.sh', CONFIG, trained / 'epoch_1.pth', 3, *options]
    done = command('bash', *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'scored 4 of 4 videos' in done.stdout
    assert not (tmp_path / '.dist_test').exists()  # of mmengine, which machines would have to share
    distributed = pd.read_csv(tmp_path / 'scores.csv')

    # one process, as mpirun would start it
    for name in ('RANK', 'LOCAL_RANK', 'SIZE'):
        monkeypatch.setenv(f'OMPI_COMM_WORLD_{name}', str(int(name == 'SIZE')))
    monkeypatch.setenv('MASTER_ADDR', '127.0.0.1')
    monkeypatch.setenv('MASTER_PORT', free_port())
    words = [TOOLS / 'test.py', CONFIG, trained / 'epoch_1.pth', *options, '--launcher', 'mpi']
    done = command('python', *words)
    assert done.returncode == 0, done.stderr
    assert 'Distributed launcher: mpi' in done.stdout
    # another batch size adds in another order
    single = pd.read_csv(tmp_path / 'scores.csv')
    pd.testing.assert_frame_equal(single, distributed, rtol=1e-5)


def test_one_process_as_slurm_starts_it(command, tiny_encoder, trained, tmp_path, monkeypatch):
    """scontrol names the machine; SLURM_LOCALID is not set."""
    (tmp_path / 'scontrol').write_text('#!/bin/sh\necho 127.0.0.1\n')
    (tmp_path / 'scontrol').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    for name, value in dict(PROCID='0', NTASKS='1', NODELIST='node').items():
        monkeypatch.setenv(f'SLURM_{name}', value)
    monkeypatch.setenv('MASTER_PORT', free_port())
    options = ['--scale', tiny_encoder, '--work-dir', tmp_path / 'work', '--launcher', 'slurm']
    done = command('python', TOOLS / 'test.py', CONFIG, trained / 'epoch_1.pth', *options)
    assert done.returncode == 0, done.stderr
    assert 'scored 4 of 4 videos' in done.stdout


@pytest.mark.parametrize(
    ('script', 'words', 'tool'),
    [
        ('slurm_train.sh', ['my.py'], ['train.py', 'my.py']),
        ('slurm_test.sh', ['my.py', 'best.pth'], ['test.py', 'my.py', 'best.pth']),
    ],
)
def test_what_srun_is_told(script, words, tool, command, tmp_path, monkeypatch):
    """A stand-in prints its words and starts nothing."""
    (tmp_path / 'srun').write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / 'srun').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    given = dict(GPUS='4', GPUS_PER_NODE='2', CPUS_PER_TASK='3', SRUN_ARGS='--time 60')
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    done = command('bash', TOOLS / script, 'part', 'job', *words, '--seed', 'a b')
    assert done.stdout.splitlines() == [
        *('-p', 'part', '--job-name=job', '--gres=gpu:2', '--ntasks=4', '--ntasks-per-node=2'),
        *('--cpus-per-task=3', '--kill-on-bad-exit=1', '--time', '60'),
        *('python', '-u', str(TOOLS / tool[0]), *tool[1:], '--launcher', 'slurm', '--seed', 'a b'),
    ]
    done = command('bash', TOOLS / script, 'part', 'job')
    assert (done.returncode, done.stderr.split(' [')[0]) == (
        2,
        f'usage: bash tools/{script} '
        'PARTITION JOB_NAME CONFIG' + ' CHECKPOINT' * ('test' in script),
    )


@pytest.mark.parametrize(
    ('sent', 'processes', 'told'),
    [
        (signal.SIGTERM, 1, 'ended by SIGTERM'),
        pytest.param(signal.SIGINT, 2, 'interrupted', marks=pytest.mark.nightly),
    ],
)
def test_an_ended_dist_train_tells_its_end_and_status(
    tiny_encoder, tmp_path, sent, processes, told
):
    """Ctrl-C reaches the whole group, SIGTERM the script."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    environment = dict(os.environ, PATH=path, PORT=free_port(), OMP_NUM_THREADS='1')
    words = ['bash', TOOLS / 'dist_train.sh', CONFIG, processes, '--scale', tiny_encoder]
    words += ['--work-dir', tmp_path, '--no-validate']
    words += ['--cfg-options', 'train_cfg.max_epochs=1000', 'default_hooks.checkpoint.interval=999']
    # videos are read elsewhere: decord swallows a Ctrl-C that comes while it lets go of one
    words += ['train_dataloader.num_workers=1', 'train_dataloader.persistent_workers=True']
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
