"""How far a run is, told by a clock that is set by hand."""

import pytest

from mmfake.inference.detection_run import TerminalProgress


@pytest.fixture
def progress():
    """A run of so many videos, each of which takes two seconds; gives what was printed."""

    def run(total, before, judge):
        now, heard, notes = [100.0], [], []
        with TerminalProgress(heard.append, notes.append, lambda: now[0]) as bar:
            bar.begin(total, before)
            bar.note('a note')
            for number in range(before + judge):
                now[0] += 2 * (number >= before)
                bar(number)
            assert heard == list(range(before + judge))
            assert notes == ['a note']
            return bar.time_left()

    return run


def test_time_left_is_that_of_what_is_judged_now(progress):
    assert progress(10, 0, 0) == '?'
    assert progress(10, 4, 0) == '?'
    assert progress(10, 0, 2) == '0:00:16'
    assert progress(10, 4, 2) == '0:00:08'
    assert progress(10, 4, 6) == '0:00:00'


def test_without_a_terminal_ten_lines_at_most(progress, capsys):
    progress(100, 0, 100)
    captured = capsys.readouterr()
    assert captured.out == ''
    lines = captured.err.splitlines()
    assert len(lines) == 10
    assert (lines[0], lines[-1]) == (
        '10 of 100 videos, 0:03:00 left',
        '100 of 100 videos, 0:00:00 left',
    )
    progress(4, 2, 2)
    assert capsys.readouterr().err.splitlines() == [
        '3 of 4 videos, 0:00:02 left',
        '4 of 4 videos, 0:00:00 left',
    ]
    progress(1, 0, 1)
    assert capsys.readouterr().err == ''
