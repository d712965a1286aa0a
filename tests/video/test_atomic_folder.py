from __future__ import annotations

import pytest

from data_prep.clip_writer import atomic_folder
from mmfake.errors import MMFakeError


def write(path, name):
    with atomic_folder(path, 'the test') as folder:
        (folder / name).write_text(name)


def test_folder_is_made_and_replaced_whole(tmp_path):
    path = tmp_path / 'a' / 'b'
    write(path, 'one')
    write(path, 'two')
    assert [p.name for p in path.iterdir()] == ['two']
    assert [p.name for p in path.parent.iterdir()] == ['b']


def test_failure_leaves_what_was_there(tmp_path):
    write(tmp_path / 'a', 'one')
    with pytest.raises(MMFakeError, match='cannot be written'):
        write(tmp_path / 'a', 'no/such/folder')
    assert [p.name for p in tmp_path.iterdir()] == ['a']
    assert [p.name for p in (tmp_path / 'a').iterdir()] == ['one']


def test_file_in_the_way_is_kept_and_named(tmp_path):
    (tmp_path / 'a').write_text('a file')
    with pytest.raises(MMFakeError, match='a: the test cannot be written .* choose another place'):
        write(tmp_path / 'a', 'one')
    assert [p.name for p in tmp_path.iterdir()] == ['a']
    assert (tmp_path / 'a').read_text() == 'a file'


def test_debris_of_a_killed_process_is_not_taken_along(tmp_path):
    with atomic_folder(tmp_path / 'a', 'the test') as folder:
        name = folder.name
    (tmp_path / name).mkdir()
    (tmp_path / name / 'debris').write_text('x')
    write(tmp_path / 'a', 'one')
    assert [p.name for p in (tmp_path / 'a').iterdir()] == ['one']
