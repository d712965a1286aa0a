"""Worker pool: jobs that end well, fail, hang or die beside each other."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pebble import ProcessExpired

from data_prep import worker_pool
from data_prep.worker_pool import WorkerPool

SCRIPT = """
import os, signal, sys, threading
sys.path.insert(0, {root!r})
from data_prep.worker_pool import WorkerPool

def work(path):
    open(path + '.begun', 'w').close()
    os.kill(int(os.environ['MAIN']), signal.SIGINT)  # Ctrl-C comes while the job is at work ...
    os.kill(os.getpid(), signal.SIGINT)  # ... and reaches the whole group of processes
    sum(range(3_000_000))
    open(path + '.done', 'w').close()

if __name__ == '__main__':
    os.environ['MAIN'] = str(os.getpid())
    try:
        with WorkerPool(work, 1) as pool:
            for number in range(50):
                pool.submit(os.path.join({out!r}, str(number)))
            for _, future in pool.finished():
                future.result()
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_each_job_ends_in_its_own_way():
    dies, hangs = "__import__('os')._exit(9)", 'all(True for _ in iter(int, 1))'
    ended = {}
    with WorkerPool(eval, 2, timeout=1) as pool:
        for job in ('1 + 1', '1 / 0', dies, hangs, '2 + 2'):
            pool.submit(job)
        for job, future in pool.finished():
            ended[job] = future.exception() or future.result()
            if job == '2 + 2':  # a job may lead to another
                pool.submit('3 + 3')
    assert (ended['1 + 1'], ended['2 + 2'], ended['3 + 3']) == (2, 4, 6)
    assert isinstance(ended['1 / 0'], ZeroDivisionError)
    assert isinstance(ended[dies], ProcessExpired)
    assert 'imeout' in type(ended[hangs]).__name__
    assert len(ended) == 6


def test_an_exception_of_the_caller_drops_the_queue(tmp_path):
    def half_way():
        with WorkerPool(eval, 1) as pool:
            for number in range(50):
                pool.submit(f'open({str(tmp_path / str(number))!r}, "w").close()')
            next(pool.finished())
            raise RuntimeError('enough')

    with pytest.raises(RuntimeError, match='enough'):
        half_way()
    assert 1 <= len(list(tmp_path.iterdir())) <= 2


@pytest.mark.skipif(os.name != 'posix', reason='Ctrl-C is a signal on POSIX only')
def test_ctrl_c_finishes_what_was_begun(tmp_path):
    script = tmp_path / 'script.py'
    folder = str(Path(worker_pool.__file__).parents[1])
    out = tmp_path / 'out'
    out.mkdir()
    script.write_text(SCRIPT.format(root=folder, out=str(out)))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert done.returncode in (130, -signal.SIGINT), done.stderr
    assert 'Traceback' not in done.stderr
    begun = {path.stem for path in out.glob('*.begun')}
    assert begun
    assert len(begun) < 50
    assert {path.stem for path in out.glob('*.done')} == begun


MODULE = """
import os, sys
import data_prep.prepare.prepare_video, data_prep.audit.inspection, data_prep.mini_ffpp.tree
IMPORTED_BY = os.getpid()

def work(_):
    heavy = {'torch', 'mmaction', 'mmengine.dist', 'matplotlib', 'pandas'} & set(sys.modules)
    return os.getpid() != IMPORTED_BY, sorted(heavy)
"""
MAIN = """
import sys
sys.path[:0] = [{root!r}]
from inner.jobs import work
from data_prep.worker_pool import run_jobs

if __name__ == '__main__':
    print([future.result() for _, future in run_jobs(work, [1, 2], 2, 'jobs')])
"""


@pytest.mark.skipif(os.name != 'posix', reason='processes are not forked elsewhere')
def test_workers_find_the_module_imported_and_nothing_heavy_in_it(tmp_path):
    """The script is started from another folder, by a relative path, without PYTHONPATH."""
    (tmp_path / 'scripts' / 'inner').mkdir(parents=True)
    (tmp_path / 'scripts' / 'inner' / 'jobs.py').write_text(MODULE)
    root = str(Path(worker_pool.__file__).parents[1])
    (tmp_path / 'scripts' / 'main.py').write_text(MAIN.format(root=root))
    (tmp_path / 'elsewhere').mkdir()
    done = subprocess.run(
        [sys.executable, '../scripts/main.py'],
        cwd=tmp_path / 'elsewhere',
        env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == '[(True, []), (True, [])]\n', done.stderr
