import re
import tempfile

import pytest

from mmfake import MMFakeError
from mmfake.engine.config import _read


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(f'text = {"x" * 500!r}')
    return path


def test_a_full_temporary_folder_is_not_blamed_on_the_config(config, largest_file):
    with largest_file(100), pytest.raises(MMFakeError) as error:
        _read(str(config))
    assert 'no room to read it, as the temporary folder cannot be written to' in str(error.value)
    assert 'TMPDIR' in str(error.value)


def test_no_temporary_folder_at_all_is_not_blamed_on_the_config(config, largest_file, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', None)  # as in a new process
    with largest_file(0), pytest.raises(MMFakeError, match='No usable temporary directory'):
        _read(str(config))


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('x = (', 'SyntaxError'),
        ('open("absent.txt")', 'FileNotFoundError: [Errno 2]'),
        (
            'def f():\n    try:\n        open("absent.txt")\n    except OSError:\n'
            '        print(x)\n    x = 1\nf()',
            'UnboundLocalError',
        ),
    ],
)
def test_a_mistake_of_the_config_is(config, text, reason):
    config.write_text(text)
    with pytest.raises(MMFakeError, match=f'config that can be read .{re.escape(reason)}'):
        _read(str(config))
