"""Killed at any moment: what is there is whole, and the next run makes the rest."""

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SCRIPT = """
import os, sys
sys.path.insert(0, {root!r})
from data_prep.prepare_ffpp import main  # imported once: a run is a fork of this process

if __name__ == '__main__':
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            # processes that are forked from here need no second import; it has no threads yet
            import multiprocessing.context
            from data_prep import worker_pool
            worker_pool._context = lambda _: multiprocessing.get_context('fork')
            os._exit(main(line.split()))
        os.setpgid(child, child)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, 'waitstatus_to_exitcode'), reason='needs Python 3.9 on POSIX')
@pytest.mark.parametrize('kills', [3, pytest.param(10, marks=pytest.mark.nightly)])
def test_kill_9_at_random_moments(tmp_path, write_tree, contents, kills):
    raw = write_tree(tmp_path / 'raw', methods=('df', 'f2f'))
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT.format(root=str(ROOT)))
    words = '--jobs 2 --detector none --size 32 --frames 24 --min-frames 16 --methods df f2f'

    with subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS='1'),
    ) as server:

        def start(out):
            server.stdin.write(f'--root {raw} --out {out} {words}\n')
            server.stdin.flush()
            return int(server.stdout.readline())

        def finish():
            return int(server.stdout.readline())

        start(tmp_path / 'calm')
        assert finish() == 0
        calm = contents(tmp_path / 'calm')

        chance, out, killed = random.Random(0), tmp_path / 'killed', 0
        for _ in range(kills):
            # a moment is that at which the n-th file of any kind, also a temporary one, appears
            moment = _count(out) + chance.randint(0, 7)
            run = start(out)
            while _count(out) < moment and _alive(run):
                pass
            with suppress(ProcessLookupError):  # done by itself
                os.killpg(run, signal.SIGKILL)
            killed += finish() == -signal.SIGKILL
            for name, data in contents(out).items():
                # nothing half-written under a final name: clips, tracks and records are whole
                if name.split('/')[0] in ('clips', 'tracks', 'records') and '/.' not in name:
                    assert data == calm[name]
        assert killed >= kills // 2  # a run may be done before its moment comes
        start(out)
        assert finish() == 0
        server.stdin.close()
    assert contents(out) == calm


def _count(out):
    return sum(len(files) for _, _, files in os.walk(out))


def _alive(process):
    """Whether a process that somebody else waits for still runs."""
    try:
        with open(f'/proc/{process}/stat') as stream:
            return stream.read().rsplit(')')[1].split()[0] != 'Z'
    except OSError:
        return False
