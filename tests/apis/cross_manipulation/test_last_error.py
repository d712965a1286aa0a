import pytest

from mmfake.apis.cross_manipulation.last_error import last_error

TRACEBACK = 'Traceback (most recent call last):\n  File "a.py"\nRuntimeError: shapes\nbye\n'


@pytest.mark.parametrize(
    ('text', 'status', 'expected'),
    [
        ('error: early\nnoise\n', 2, 'error: early'),
        (f'error: no such file.\n{TRACEBACK}', 1, 'error: no such file.'),
        ('error [rank 3]: lost\n', 2, 'error [rank 3]: lost'),
        (TRACEBACK, 1, 'RuntimeError: shapes'),
        ('torch.cuda.OutOfMemoryError: tried\nlast\n', 1, 'torch.cuda.OutOfMemoryError: tried'),
        ('KeyboardInterrupt\n', 130, 'KeyboardInterrupt'),
        ('one\ntwo\n\n', 1, 'two'),
        ('', 4, 'exit status 4, and it printed nothing'),
        ('loss: 0.3\n', -9, 'ended by SIGKILL (out of memory?)'),
        (TRACEBACK, -11, 'ended by SIGSEGV: RuntimeError: shapes'),
    ],
)
def test_the_line_that_says_why(text, status, expected, tmp_path):
    log = tmp_path / 'train.log'
    log.write_text(text)
    assert last_error(log, status) == expected


def test_without_a_log(tmp_path):
    assert last_error(tmp_path / 'none', 1) == 'exit status 1, and it printed nothing'
