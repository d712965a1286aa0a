import fcntl
import subprocess
import sys
import threading

import pytest

from mmfake.apis.cross_manipulation.cell_lock import CellBusyError, cell_lock
from mmfake.apis.cross_manipulation.child_processes import ChildProcesses, InterruptedCommand


def test_status_and_output(tmp_path):
    children = ChildProcesses()
    words = ['bash', '-c', 'echo out; echo err >&2; exit 5']
    assert children.run(words, tmp_path / 'log') == 5
    assert (tmp_path / 'log').read_text() == 'out\nerr\n'
    assert children.run(['bash', '-c', 'kill -KILL $$'], tmp_path / 'log') == -9


@pytest.mark.parametrize('stubborn', [False, True])
def test_stop_ends_what_runs_and_starts_nothing_more(stubborn, tmp_path):
    children, begun, ended = ChildProcesses(patience=0.2), tmp_path / 'begun', []
    trap = "trap '' TERM; " if stubborn else ''
    # reads from a pipe that nobody writes to: waits for ever without a clock
    subprocess.run(['mkfifo', str(tmp_path / 'pipe'), str(begun)], check=True)
    script = f'{trap}echo > {begun}; read < {tmp_path / "pipe"}'

    def work():
        try:
            children.run(['bash', '-c', script], tmp_path / 'log')
        except InterruptedCommand:
            ended.append(True)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    begun.read_text()  # returns when the command has begun
    children.stop()
    thread.join(30)
    assert ended == [True]
    with pytest.raises(InterruptedCommand):
        children.run(['touch', str(tmp_path / 'never')], tmp_path / 'log')
    assert not (tmp_path / 'never').exists()


def test_a_lock_lives_as_long_as_the_command_that_inherited_it(tmp_path):
    (tmp_path / 'log').touch()
    with cell_lock(tmp_path / 'cell') as file:
        child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1, pass_fds=(file,))
        with pytest.raises(CellBusyError, match='another process works on this cell'):
            cell_lock(tmp_path / 'cell').__enter__()
    # the command is gone, as if killed; what it started is not
    with pytest.raises(CellBusyError), cell_lock(tmp_path / 'cell'):
        pass
    child.communicate(b'\n')
    with cell_lock(tmp_path / 'cell') as file:
        assert fcntl.fcntl(file, fcntl.F_GETFD) >= 0


@pytest.mark.parametrize('end', ['kill -INT $$', 'exit 130'])
def test_a_command_that_ctrl_c_ended_is_the_last(end, tmp_path):
    """The group has the signal, and this process may get it last."""
    children = ChildProcesses()
    for _ in range(2):
        with pytest.raises(InterruptedCommand):
            children.run(['sh', '-c', end], tmp_path / 'log')
        end = f'touch {tmp_path / "begun"}'
    assert not (tmp_path / 'begun').exists()
