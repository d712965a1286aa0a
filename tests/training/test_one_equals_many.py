"""One process with batches of 2B, two with batches of B: the same training, with gloo.

Batch norm and dropout see single batches. So there is no dropout, and the batch norms are frozen;
synchronised ones torch has for GPUs only.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

SETTINGS = {
    'optim_wrapper.optimizer': dict(type='SGD', lr=0.1),  # Adam magnifies rounding errors
    'train_cfg.max_epochs': 2,
}
GLOO = ['--launcher', 'pytorch']
FROZEN = {'optim_wrapper.optimizer.lr': 1e-3, 'train_cfg.max_epochs': 1}  # S3D takes its time


def order(folder, scale, world_size, jobs):
    """The processes for lives.py: arguments, output, environment."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = str(s.getsockname()[1])
    words = ['be_rank', json.dumps(dict(folder=str(folder), scale=str(scale), jobs=jobs))]
    place = dict(WORLD_SIZE=str(world_size), MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
    return [
        (words, folder / f'{rank}.txt', dict(place, RANK=str(rank), LOCAL_RANK=str(rank)))
        for rank in range(world_size)
    ]


def launch(fork, folder, scale, world_size, jobs):
    """Start the processes, which succeed, and give what each ended with, and printed."""
    codes = fork(order(folder, scale, world_size, jobs))
    outputs = [(folder / f'{rank}.txt').read_text() for rank in range(world_size)]
    assert not any(codes), '\n'.join(outputs)[-5000:]
    return ends_in(folder, world_size), outputs


def ends_in(folder, world_size):
    names = [rank for rank in [*range(world_size), 'one'] if (folder / f'{rank}.pth').is_file()]
    return [torch.load(folder / f'{name}.pth', weights_only=False) for name in names]


def job(batch_size, *options, **settings):
    settings = {**SETTINGS, **settings, 'train_dataloader.batch_size': batch_size}
    return dict(options=options, settings=settings)


@pytest.fixture(scope='module')
def one(tmp_path_factory, smoke, fork):
    folder = tmp_path_factory.mktemp('one')
    (end,), _ = launch(fork, folder, smoke, 1, dict(whole=job(8), spoilt=job(8)))
    return folder, end


@pytest.fixture(scope='module')
def one_killed(tmp_path_factory, smoke, fork):
    """A folder in which one of two processes was killed in the second epoch; checkpoints; codes."""
    folder = tmp_path_factory.mktemp('killed')
    codes = fork(order(folder, smoke, 2, dict(killed=job(4, *GLOO))))
    return folder, [path.name for path in (folder / 'killed').glob('epoch_*.pth')], codes


@pytest.fixture(scope='module')
def many(tmp_path_factory, smoke, fork, one, one_killed):
    folder = tmp_path_factory.mktemp('many')
    killed = ['--work-dir', str(one_killed[0] / 'killed')]
    checkpoint = str(one[0] / 'whole' / 'epoch_2.pth')
    jobs = dict(
        whole=job(4, *GLOO),
        spoilt=job(4, *GLOO),
        again=job(4, *GLOO, '--resume', str(folder / 'whole' / 'epoch_1.pth')),
        killed=job(4, *GLOO, '--resume', *killed),
        # the checkpoint of one process, with the batch size of one, by two
        resumed=job(8, *GLOO, '--resume', checkpoint, **{'train_cfg.max_epochs': 3}),
    )
    return launch(fork, folder, smoke, 2, jobs)


def in_batches(queue):
    """Keys and labels by video within each batch of eight: ranks take turns in another order."""
    for start in (0, 8):
        rows = slice(start, start + 8)
        order = torch.argsort(queue['videos'][rows])
        yield {name: queue[name][rows][order] for name in ('videos', 'labels', 'keys')}


@pytest.mark.parametrize('name', ['whole', 'spoilt'])
def test_two_processes_train_as_one(one, many, name):
    assert_trained_as_one(one[1][name], [end[name] for end in many[0]], name == 'spoilt')
    assert [end['backend'] for end in many[0]] == ['gloo', 'gloo']


@pytest.mark.nightly
def test_two_processes_train_s3d_as_one(tmp_path, smoke, fork):
    ends = []
    for world_size, options in ((1, []), (2, GLOO)):
        (tmp_path / str(world_size)).mkdir()
        jobs = dict(s3d=job(8 // world_size, *options, **FROZEN))
        ends.append(launch(fork, tmp_path / str(world_size), smoke, world_size, jobs)[0])
    assert_trained_as_one(ends[0][0]['s3d'], [end['s3d'] for end in ends[1]])


def assert_trained_as_one(alone, ranks, spoilt=False):
    first, second = ranks
    for key in ('weights', 'ema', 'queues'):
        torch.testing.assert_close(first[key], second[key], rtol=0, atol=0)  # ranks agree
    for key in ('weights', 'ema'):
        torch.testing.assert_close(alone[key], first[key], rtol=1e-4, atol=1e-6)
    for stream, queue in alone['queues'].items():
        assert queue['pointer'] == first['queues'][stream]['pointer']
        assert (queue['labels'] >= 0).all()
        for expected, found in zip(in_batches(queue), in_batches(first['queues'][stream])):
            torch.testing.assert_close(expected, found, rtol=1e-4, atol=1e-6)
    assert alone['history'].keys() == first['history'].keys()
    for term, values in alone['history'].items():
        values, parts = np.array(values), np.array([rank['history'][term] for rank in ranks])
        if 'loss' in term:  # each rank logs its own; NaN where one rank has NaN
            np.testing.assert_allclose(values, parts.mean(axis=0), rtol=1e-4, atol=1e-6)
        if term.startswith('val/'):
            np.testing.assert_allclose(values, parts[0], rtol=1e-4, atol=1e-6)
    assert [end['skipped'] for end in (alone, *ranks)] == [spoilt] * 3
    assert all(value.isfinite().all() for value in first['weights'].values())


@pytest.mark.parametrize('resumed', ['again', 'killed'])
def test_two_processes_resume_exactly(many, harness, resumed):
    """Between two epochs; after one of the two was killed."""
    for rank, end in enumerate(many[0]):
        # files: another folder; the log of rank 0 is the one that is saved
        different = {'files', 'kept'} if rank == 0 else {'files', 'kept', 'history'}
        expected, found = (
            {key: value for key, value in end[name].items() if key not in different}
            for name in ('whole', resumed)
        )
        harness.assert_same(expected, found)


def test_no_process_outlives_one_that_was_killed(one_killed):
    folder, checkpoints, codes = one_killed
    assert codes[1] == -signal.SIGKILL
    assert codes[0] not in (0, None), (folder / '0.txt').read_text()
    assert checkpoints == ['epoch_1.pth']


def test_another_number_of_processes_goes_on_after_a_warning(many):
    (first, second), (output, _) = many
    assert 'written with 2 batches per epoch, now there are 1' in output
    assert first['resumed']['place'] == (3, 5)  # one more epoch of one iteration
    torch.testing.assert_close(first['resumed']['weights'], second['resumed']['weights'])


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU, and there is none')
def test_one_process_on_nccl(tmp_path, smoke):
    """As without a launcher, to the tolerance of kernels that add in any order."""
    ends = []
    for name, options in dict(alone=[], nccl=GLOO).items():
        (tmp_path / name).mkdir()
        jobs = dict(whole=job(8, *options))
        ((words, _, place),) = order(tmp_path / name, smoke, 1, jobs)
        # not a fork of a process that has looked for GPUs; two ranks on one are too many for nccl
        script = Path(__file__).with_name('lives.py')
        environment = dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='0', **place)
        subprocess.run([sys.executable, script, *words], check=True, env=environment)
        (end,) = ends_in(tmp_path / name, 1)
        ends.append(end['whole'])
    assert end['backend'] == 'nccl'
    for key in ('weights', 'ema'):
        torch.testing.assert_close(ends[0][key], ends[1][key], rtol=1e-3, atol=1e-5)
    assert ends[0]['queues']['binary']['pointer'] == ends[1]['queues']['binary']['pointer']
