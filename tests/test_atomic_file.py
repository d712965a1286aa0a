import pytest

from mmfake import MMFakeError
from mmfake.files import atomic_file


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
    with pytest.raises(UnicodeEncodeError), atomic_file(path, 'the text') as temporary:
        temporary.write_text('half \ud800', encoding='utf-8')
    assert path.read_text() == 'old'
    assert [*tmp_path.iterdir()] == [path]


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / 'file').touch()
    place, told = tmp_path / 'file' / 'x.txt', 'file/x.txt: the text cannot be written'
    with pytest.raises(MMFakeError, match=told) as error, atomic_file(place, 'the text') as name:
        name.write_text('never')
    assert '\n' not in str(error.value)
