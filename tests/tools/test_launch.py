"""tools/launch.py, in which dist_train.sh and dist_test.sh end: one line whatever is wrong."""

import logging
import runpy
import signal
import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAUNCH = ROOT / 'tools' / 'launch.py'


def free_port():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]


@pytest.fixture
def launch(monkeypatch, capsys, tmp_path):
    """Run it in this process; it is to end before it starts one. Gives what it wrote to stderr."""
    monkeypatch.chdir(tmp_path)

    def run(**options):
        given = dict(nnodes=1, node_rank=0, nproc_per_node=1, master_port=29500)
        words = [f'--{name}={value}' for name, value in dict(given, **options).items()]
        monkeypatch.setattr('torch.distributed.run.main', pytest.fail)  # it must not come to that
        monkeypatch.setattr('sys.argv', [str(LAUNCH), *words, str(ROOT / 'tools' / 'train.py')])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(LAUNCH), run_name='__main__')
        assert end.value.code == 2
        return capsys.readouterr().err

    yield run
    logging.disable(logging.NOTSET)


@pytest.fixture
def taken_port():
    """A port that somebody else listens on."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        (dict(nproc_per_node='abc'), 'N=abc: not a number of processes'),
        (dict(nproc_per_node='0'), 'N=0: not a number of processes'),
        (dict(nproc_per_node='-1'), 'N=-1: not a number of processes'),
        (dict(nnodes='abc'), 'NNODES=abc: not a number of machines'),
        (dict(nnodes='0'), 'NNODES=0: not a number of machines'),
        (dict(nnodes='2', node_rank='2'), 'NODE_RANK=2: the 2 machines of NNODES count from 0'),
        (dict(node_rank='-1'), 'NODE_RANK=-1: the 1 machines of NNODES count from 0'),
        (dict(node_rank='x'), "node_rank: invalid int value: 'x'"),
        (dict(master_port='x'), "master_port: invalid int value: 'x'"),
        (dict(master_port='70000'), 'PORT=70000: not a port'),
        (dict(master_port='0'), 'PORT=0: not a port'),
    ],
)
def test_a_wrong_number_is_told_in_one_line(launch, options, told):
    (line,) = launch(**options).splitlines()
    assert line.startswith('error: ')
    assert told in line


@pytest.mark.parametrize('gpus', [1, 4])
def test_more_processes_than_gpus(launch, monkeypatch, gpus):
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    monkeypatch.setattr('torch.cuda.device_count', lambda: gpus)
    plural = 's' * (gpus > 1)
    told = f'error: N=8: this machine has {gpus} GPU{plural}; give at most {gpus}.'
    assert launch(nproc_per_node=8).splitlines() == [told]
    taken = launch(nproc_per_node=gpus, master_port=0)  # so many are taken: the next is refused
    assert taken.startswith('error: PORT=0')


def test_a_full_temporary_folder_is_told_in_one_line(launch, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', '/proc/absent')
    (line,) = launch().splitlines()
    assert line.startswith('error: no temporary folder can be used (No such file or directory)')
    assert 'TMPDIR' in line


def test_a_port_in_use_is_told_with_another(command, taken_port, monkeypatch):
    monkeypatch.setenv('PORT', str(taken_port))
    done = command('bash', ROOT / 'tools' / 'dist_test.sh', 'config.py', 'checkpoint.pth', 1)
    assert done.returncode == 2
    assert done.stderr == (
        f'error: PORT={taken_port}: in use, maybe by another run; choose another: '
        f'PORT={taken_port + 1} bash tools/dist_test.sh ...\n'
    )


def test_a_first_machine_that_is_not_there_is_told_in_the_last_line(command, tmp_path):
    port = free_port()
    words = ['--nnodes', 2, '--node_rank', 1, '--nproc_per_node', 1, '--rdzv_conf', 'timeout=1']
    words += ['--master_addr', '127.0.0.1', '--master_port', port]
    done = command('python', LAUNCH, *words, tmp_path / 'absent.py')
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith('error: ')
    assert last.endswith(f'look at MASTER_ADDR=127.0.0.1 and PORT={port}.')


@pytest.mark.parametrize(
    ('end', 'status', 'told'),
    [
        ("print('error: wrong', file=sys.stderr); sys.exit(2)", 2, 'error: wrong'),
        (
            'os.kill(os.getpid(), signal.SIGKILL)',
            128 + signal.SIGKILL,
            'the process of rank 0 was ended by SIGKILL, maybe for want of memory',
        ),
    ],
)
def test_torch_adds_nothing_to_how_a_process_ended(command, tmp_path, end, status, told):
    script = tmp_path / 'script.py'
    script.write_text(f'import os, signal, sys\n{end}\n')
    words = ['--nproc_per_node', 1, '--master_addr', '127.0.0.1', '--master_port', free_port()]
    done = command('python', LAUNCH, *words, script)
    assert (done.returncode, done.stderr) == (status, f'{told}\n')
