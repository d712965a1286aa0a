import copy
import ctypes
import faulthandler
import os
import pickle
import select
import signal
import time

import numpy as np
import psutil
import pytest

from mmfake.datasets.ended_call import EndedCallError
from mmfake.datasets.killable_call import KillableCall

PATIENCE = 60  # s; no test waits for it


def hang():
    """As decord does: native code that does not return and does not let go of Python's lock."""
    ctypes.PyDLL(None).pause()


def serve(job):
    """What the tests let the other process do."""
    what, value = job
    if what == 'echo':
        return value
    if what == 'pid':
        return os.getpid()
    if what == 'raise':
        raise value
    faulthandler.disable()  # of pytest
    if what == 'die':
        os.kill(os.getpid(), value)
    if what == 'die once' and not value.exists():
        value.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if what == 'exit':
        os._exit(value)
    if what == 'hang':
        hang()
    if what == 'unpicklable':
        return lambda: None
    return 'lived'


@pytest.fixture
def call():
    return KillableCall(serve, PATIENCE)


def test_results_and_arrays_come_back_whole(call):
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 255, shape, np.uint8) for shape in ((3, 5, 3), (0, 4), (64, 64, 3))]
    sent = dict(text='x', arrays=arrays, view=arrays[0][:, ::2], floats=rng.random(7))
    for _ in range(3):
        got = call(('echo', sent))
        assert got['text'] == 'x'
        pairs = zip(
            [*arrays, sent['view'], sent['floats']], [*got['arrays'], got['view'], got['floats']]
        )
        for a, b in pairs:
            assert a.dtype == b.dtype
            assert (a == b).all()
    first = call(('echo', sent))['arrays'][2]
    call(('echo', dict(other=np.zeros(50_000, np.uint8))))
    assert (first == arrays[2]).all(), 'an answer must not change when the next one comes'
    first[0, 0] = 1  # and can be written to


def test_answers_beyond_the_shared_memory_come_too(call, monkeypatch):
    monkeypatch.setattr('mmfake.datasets.killable_call._SHARED_BYTES', 4096)
    sent = np.arange(5000, dtype=np.int64)
    assert (call(('echo', sent)) == sent).all()


def test_one_other_process_serves_all_calls(call):
    first = call(('pid', None))
    assert first != os.getpid()
    assert call(('pid', None)) == first
    assert psutil.Process(first).ppid() == os.getpid()


@pytest.mark.parametrize(
    'error', [ValueError('no such frame'), KeyError('frame_inds'), OSError(5, 'I/O', '/x')]
)
def test_exceptions_come_back_as_they_are(call, error):
    with pytest.raises(type(error)) as caught:
        call(('raise', error))
    assert caught.value.args == error.args
    assert 'test_killable_call.py' in str(caught.value.__cause__), 'with the other traceback'
    assert call(('echo', 1)) == 1


class Awkward(Exception):
    """Cannot be pickled and made again."""

    def __init__(self, one, two):
        super().__init__(f'{one} and {two}')


def test_an_exception_that_cannot_be_sent_is_told(call):
    def fail(_):
        raise Awkward('this', 'that')

    with pytest.raises(RuntimeError, match='Awkward: this and that'):
        KillableCall(fail, PATIENCE)(None)


def test_a_result_that_cannot_be_sent_is_no_result(call):
    with pytest.raises(pickle.PicklingError, match='cannot be sent'):
        call(('unpicklable', None))
    assert call(('echo', 1)) == 1


def test_a_hang_that_holds_the_lock_is_ended_and_the_next_call_served():
    call = KillableCall(serve, 0.5)
    before = call(('pid', None))
    start = time.monotonic()
    with pytest.raises(EndedCallError, match=r'^timed out after 0\.5 s$') as caught:
        call(('hang', None))
    assert caught.value.timed_out
    assert time.monotonic() - start >= 0.45
    assert not psutil.pid_exists(before), 'ended and waited for: no zombie'
    assert call(('pid', None)) != before


@pytest.mark.parametrize(
    ('job', 'reason'),
    [
        (('die', signal.SIGSEGV), 'crashed (SIGSEGV)'),
        (('die', signal.SIGKILL), 'crashed (SIGKILL)'),
        (('exit', 3), 'crashed (exit status 3)'),
    ],
)
def test_a_crash_takes_down_the_call_only(call, job, reason):
    with pytest.raises(EndedCallError) as caught:
        call(job)
    assert str(caught.value) == reason
    assert not caught.value.timed_out
    assert call(('echo', 1)) == 1


def test_a_crash_is_forgiven_once(call, tmp_path):
    assert call(('die once', tmp_path / 'died')) == 'lived'


def test_nothing_is_left_when_the_object_goes():
    call = KillableCall(serve, PATIENCE)
    process = call(('pid', None))
    assert psutil.pid_exists(process)
    del call
    assert not psutil.pid_exists(process)


def test_a_fork_and_a_copy_have_processes_of_their_own(call):
    mine = call(('pid', None))
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, f'{call(("pid", None))}'.encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    theirs = int(os.read(reader, 100))
    os.close(reader)
    twin = copy.deepcopy(call)(('pid', None))
    assert len({mine, theirs, twin}) == 3
    assert call(('pid', None)) == mine


@pytest.mark.parametrize('busy', [False, True])
def test_the_process_ends_with_its_caller_even_in_a_hang(busy, monkeypatch):
    """The caller is killed, so it can end nobody."""
    monkeypatch.setattr('mmfake.datasets.killable_call._GRACE', 0.2)
    reader, writer = os.pipe()

    def work(_):
        os.write(writer, b'x')
        if busy:
            hang()

    caller = os.fork()
    if not caller:
        try:
            KillableCall(work, 0.5)(None)
            signal.pause()
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 1) == b'x'
    os.kill(caller, signal.SIGKILL)
    os.waitpid(caller, 0)
    # the pipe ends when the last process that could write to it is gone
    assert select.select([reader], [], [], PATIENCE)[0]
    assert os.read(reader, 1) == b''
    os.close(reader)


def test_ctrl_c_is_the_callers_business(call):
    process = call(('pid', None))
    os.kill(process, signal.SIGINT)
    assert call(('pid', None)) == process


def test_an_interrupted_call_does_not_answer_the_next():
    call = KillableCall(serve, PATIENCE)
    call(('echo', 0))

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            call(('hang', None))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert call(('echo', 'mine')) == 'mine'
