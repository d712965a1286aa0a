"""What a path stands for."""

import numpy as np
import pytest

from mmfake.errors import MMFakeError
from mmfake.inference.sources import collect_inputs


@pytest.fixture
def folder(tmp_path):
    for name in ('b.mp4', 'a.MOV', 'notes.pdf', 'deep/c.webm', 'deep/clip/000000.jpg'):
        path = tmp_path / 'videos' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')
    return tmp_path / 'videos'


def names(inputs):
    return [name for name, _ in collect_inputs(inputs)]


def test_folder(folder):
    expected = [str(folder / name) for name in ('a.MOV', 'b.mp4', 'deep/c.webm', 'deep/clip')]
    assert names(folder) == names(str(folder)) == expected


def test_a_folder_of_numbered_pictures_is_a_clip(folder):
    assert names(folder / 'deep' / 'clip') == [str(folder / 'deep' / 'clip')]


def test_list(folder):
    listed = folder / 'list.txt'
    listed.write_text('# two\nb.mp4\n\n  deep/c.webm \n/some/where #1.mp4\n')
    expected = [str(folder / 'b.mp4'), str(folder / 'deep/c.webm'), '/some/where #1.mp4']
    assert names(listed) == expected


def test_list_of_notepad_and_folders_in_it(folder):
    listed = folder / 'list.txt'
    listed.write_bytes(b'\xef\xbb\xbfb.mp4\r\ndeep\r\n')
    found = [str(folder / name) for name in ('b.mp4', 'deep/c.webm', 'deep/clip')]
    assert names(listed) == found


def test_a_name_that_no_file_can_have_stays(tmp_path):
    long = 'a' * 300 + '.mp4'
    (tmp_path / 'list.txt').write_text(f'{long}\n')
    assert names(tmp_path / 'list.txt') == [str(tmp_path / long)]
    assert names([long, 'a' * 5000, 'a\0b.txt', 'x' * 300 + '.txt'])[0] == long


def test_a_wrong_array_is_told_wherever_it_is():
    with pytest.raises(MMFakeError, match='array 1: an array to judge is'):
        collect_inputs([np.zeros((2, 4, 4, 3), np.uint8), np.zeros((2, 4, 4, 3))])


def test_several_and_files_of_any_name(folder):
    array = np.zeros((2, 4, 4, 3), np.uint8)
    found = collect_inputs([folder / 'notes.pdf', array, 'gone.mp4'])
    assert [name for name, _ in found] == [str(folder / 'notes.pdf'), 'array 1', 'gone.mp4']
    assert found[1][1] is array


def test_nothing_is_told(tmp_path):
    with pytest.raises(MMFakeError, match='no video in this folder'):
        collect_inputs(tmp_path)
    (tmp_path / 'empty.txt').write_text('# nothing\n')
    with pytest.raises(MMFakeError, match='names no video'):
        collect_inputs(tmp_path / 'empty.txt')
    (tmp_path / 'wrong.txt').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(MMFakeError, match='cannot be read'):
        collect_inputs(tmp_path / 'wrong.txt')
    with pytest.raises(MMFakeError, match='no video is named'):
        collect_inputs([])
