import errno

import pytest

from mmfake.errors import MMFakeError
from mmfake.files import atomic_file, is_full, remove_leftovers


def write(path, text, error=None):
    with atomic_file(path, 'the text') as temporary:
        temporary.write_text(text, encoding='utf-8')
        if error is not None:
            raise error


def test_the_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / 'new' / 'file.txt'
    with atomic_file(path, 'the text') as temporary:
        temporary.write_text('whole')
        assert not path.exists()
    assert path.read_text() == 'whole'
    assert [*path.parent.iterdir()] == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / 'file.txt'
    path.write_text('old')
    with pytest.raises(UnicodeEncodeError):
        write(path, 'half \ud800')
    assert path.read_text() == 'old'
    assert [*tmp_path.iterdir()] == [path]


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / 'file').touch()
    (tmp_path / 'folder').mkdir()
    for name in ('file/x.txt', 'folder'):
        told = f'{name}: the text cannot be written .*; choose another place'
        with pytest.raises(MMFakeError, match=told) as error:
            write(tmp_path / name, 'whole')
        assert '\n' not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} == {'file', 'folder'}


def test_a_full_disk_is_the_fault_of_the_file(tmp_path):
    full = OSError(errno.ENOSPC, 'No space left on device')  # write(2) names no file
    with pytest.raises(MMFakeError, match='the text cannot be written .No space left'):
        write(tmp_path / 'file.txt', 'half', full)


def test_what_cannot_be_read_is_not_the_fault_of_the_file(tmp_path):
    """A source that vanishes while a clip is cut from it costs this clip, not the preparation."""
    (tmp_path / 'file.txt').write_text('old')
    gone = tmp_path / 'gone.mp4'
    with pytest.raises(FileNotFoundError, match='gone.mp4'):
        write(tmp_path / 'file.txt', 'half', FileNotFoundError(2, 'No such file', str(gone)))
    assert [path.read_text() for path in tmp_path.iterdir()] == ['old']


def test_leftovers_are_removed_by_the_name_they_were_to_have(tmp_path):
    for name in ('.a[1].mp4.7.tmp', '.a1.mp4.7.tmp', 'a[1].mp4'):
        (tmp_path / name).touch()
    (tmp_path / '.a[1].mp4.8.old').mkdir()
    remove_leftovers(tmp_path / 'a[1].mp4')
    assert {path.name for path in tmp_path.iterdir()} == {'.a1.mp4.7.tmp', 'a[1].mp4'}


def test_what_counts_as_a_full_disk():
    assert is_full(OSError(errno.ENOSPC, 'full'))
    assert not is_full(OSError(errno.EACCES, 'forbidden'))
    assert not is_full(ValueError('full'))
