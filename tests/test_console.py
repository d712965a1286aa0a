"""How commands end, seen from the shell."""

import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from mmfake import MMFakeError
from mmfake.console import run_command

PROLOGUE = """
import os, sys
from mmfake.console import run_command
from mmfake.errors import MMFakeError
"""


def command(body):
    """A process whose ``main`` has this body."""
    code = f'{PROLOGUE}\ndef main(arguments):\n    {body}\nrun_command(main)'
    return [sys.executable, '-c', code]


def ended(body, *shell):
    """Run ``main`` with this body, maybe in a shell."""
    return subprocess.run([*shell, *command(body)], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ('error', 'told'), [('ConnectionResetError', ''), ('OSError', 'OSError\n')]
)
def test_a_worker_that_died_is_not_told_by_the_thread_that_served_it(error, told):
    """As multiprocessing.resource_sharer calls it, in a thread of its own."""
    body = (
        f'import threading; serve = lambda: sys.excepthook({error}, {error}(), None); '
        'thread = threading.Thread(target=serve); thread.start(); thread.join()'
    )
    assert ended(body).stderr == told


@pytest.mark.parametrize(
    ('body', 'status', 'stderr'),
    [
        ('print("done")', 0, ''),
        ('return 3', 3, ''),
        ('raise MMFakeError("a.csv: wrong; mend it")', 2, 'error: a.csv: wrong; mend it\n'),
        ('raise KeyboardInterrupt', 130, 'interrupted\n'),
    ],
)
def test_status_and_one_line(body, status, stderr):
    done = ended(body)
    assert (done.returncode, done.stderr) == (status, stderr)


@pytest.mark.parametrize(
    'rest',
    [
        '[print("x" * 1000) for _ in range(1000)]',
        'print("last")',  # stays in Python's buffer until the very end
    ],
)
def test_reader_who_has_gone(rest):
    pipe = subprocess.PIPE
    body = f'print("first", flush=True); sys.stdin.read(); {rest}'
    with subprocess.Popen(command(body), stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout.readline() == b'first\n'
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b''
    assert process.returncode == 141


@pytest.mark.parametrize('body', ['print("lost")', 'sys.stdout.isatty(); sys.stderr.isatty()'])
def test_output_closed_from_the_start(body):
    assert ended(body, 'bash', '-c', 'exec "$0" "$@" >&- 2>&-').returncode == 0


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs a device that is full')
@pytest.mark.parametrize('body', ['print("lost")', 'print("lost", flush=True)'])
def test_output_on_a_disk_that_is_full(body):
    done = ended(body, 'bash', '-c', 'exec "$0" "$@" > /dev/full')
    told = 'error: No space left on device; make room, then start the same command again\n'
    assert (done.returncode, done.stderr) == (2, told)


def test_what_the_encoding_lacks_is_escaped():
    done = ended('print("5\\xa0%")', 'env', 'PYTHONIOENCODING=euc_jp')
    assert (done.returncode, done.stdout) == (0, '5\\xa0%\n')


def test_broken_pipe_of_its_own_is_no_reader_who_has_gone():
    done = ended('r, w = os.pipe(); os.close(r); os.write(w, b"x")')
    assert done.returncode == 1
    assert 'BrokenPipeError' in done.stderr


@pytest.mark.parametrize(
    ('variables', 'told'),
    [
        ({}, 'error: wrong'),
        (dict(RANK='0', SLURM_PROCID='2'), 'error: wrong'),
        (dict(RANK='3'), 'error [rank 3]: wrong'),
        (dict(SLURM_PROCID='2'), 'error [rank 2]: wrong'),
        (dict(OMPI_COMM_WORLD_RANK='1', SLURM_PROCID='0'), 'error [rank 1]: wrong'),
    ],
)
def test_a_mistake_is_told_with_its_rank(monkeypatch, capsys, variables, told):
    def main(argv):
        raise MMFakeError('wrong')

    for name in ('RANK', 'OMPI_COMM_WORLD_RANK', 'SLURM_PROCID'):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as status:
        run_command(main)
    assert status.value.code == 2
    assert capsys.readouterr().err == f'{told}\n'


def test_an_interruption_ends_without_a_traceback(capsys, request):
    def main(argv):
        raise KeyboardInterrupt

    # the second Ctrl-C would end the process at once
    request.addfinalizer(partial(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT)))
    with pytest.raises(SystemExit) as status:
        run_command(main)
    assert (status.value.code, capsys.readouterr().err) == (130, 'interrupted\n')
