"""Commands of cells: their ends, their last error, GPUs and the time left."""

import subprocess
import threading

import pytest

from mmfake.apis.run_cells import (
    Children,
    Interrupted,
    Outcome,
    _time_left,
    last_error,
    visible_devices,
)
from tests.apis.untrained_matrix import GOOD

TRACEBACK = 'Traceback (most recent call last):\n  File "a.py"\nRuntimeError: shapes\nbye\n'


def test_time_left():
    done = [Outcome(GOOD, 'finished', seconds=s) for s in (600.0, 1200.0)]
    done.append(Outcome(GOOD, 'skipped'))
    assert _time_left(done, 3, 1) == ''
    assert _time_left(done[2:], 3, 1) == ''  # nothing to judge by
    assert _time_left(done, 7, 1) == '; 4 cells left, about 60 min'
    assert _time_left(done, 8, 2) == '; 5 cells left, about 45 min'  # two at a time, three times
    assert _time_left(done, 23, 1) == '; 20 cells left, about 5.0 h'


def test_visible_devices():
    assert visible_devices(dict(CUDA_VISIBLE_DEVICES='0, GPU-b')) == ['0', 'GPU-b']
    assert visible_devices(dict(CUDA_VISIBLE_DEVICES='')) == []


def test_status_and_output(tmp_path):
    children = Children()
    words = ['bash', '-c', 'echo out; echo err >&2; exit 5']
    assert children.run(words, tmp_path / 'log') == 5
    assert (tmp_path / 'log').read_text() == 'out\nerr\n'


def test_stop_kills_what_does_not_end(tmp_path):
    children, begun, ended = Children(patience=0.2), tmp_path / 'begun', []
    # reads from a pipe that nobody writes to: waits for ever without a clock
    subprocess.run(['mkfifo', str(tmp_path / 'pipe'), str(begun)], check=True)
    script = f"trap '' TERM; echo > {begun}; read < {tmp_path / 'pipe'}"

    def work():
        try:
            children.run(['bash', '-c', script], tmp_path / 'log')
        except Interrupted:
            ended.append(True)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    begun.read_text()  # returns when the command has begun
    children.stop()
    thread.join(30)
    assert ended == [True]
    with pytest.raises(Interrupted):
        children.run(['touch', str(tmp_path / 'never')], tmp_path / 'log')
    assert not (tmp_path / 'never').exists()


@pytest.mark.parametrize(
    ('text', 'status', 'expected'),
    [
        ('error: early\nnoise\n', 2, 'exit status 2: error: early'),
        (f'error: no such file.\n{TRACEBACK}', 1, 'exit status 1: error: no such file.'),
        ('error [rank 3]: lost\n', 2, 'exit status 2: error [rank 3]: lost'),
        (TRACEBACK, 1, 'exit status 1: RuntimeError: shapes'),
        ('torch.MemoryError: big\nlast\n', 1, 'exit status 1: torch.MemoryError: big'),
        ('one\ntwo\n\n', 1, 'exit status 1: two'),
        ('', 4, 'exit status 4: it printed nothing'),
        ('loss: 0.3\n', -9, 'ended by SIGKILL (out of memory?)'),
        (TRACEBACK, -11, 'ended by SIGSEGV: RuntimeError: shapes'),
    ],
)
def test_the_line_that_says_why(text, status, expected, tmp_path):
    log = tmp_path / 'train.log'
    assert last_error(log, 1) == 'exit status 1: it printed nothing'
    log.write_text(text)
    assert last_error(log, status) == expected
