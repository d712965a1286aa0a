from __future__ import annotations

import json

import pytest

from data_prep.mini_ffpp.settings import FILE_NAME, Settings
from mmfake.errors import MMFakeError


@pytest.mark.parametrize(
    ('wrong', 'words'),
    [
        (dict(pairs=2), '--pairs 2 is not between 3'),
        (dict(pairs=500), '--pairs 500'),
        (dict(seed=-1), '--seed -1'),
        (dict(frames=1), '--frames 1'),
        (dict(size=65), '--size 65 is not an even number'),
        (dict(size=30), '--size 30'),
    ],
)
def test_values_out_of_range(wrong, words):
    with pytest.raises(MMFakeError, match=words) as error:
        Settings(**wrong)
    assert '\n' not in str(error.value)


def test_a_folder_is_claimed_once_and_recognised(tmp_path):
    root = tmp_path / 'a' / 'b'
    Settings(pairs=4).claim(root)
    before = (root / FILE_NAME).read_text()
    assert json.loads(before)['pairs'] == 4
    Settings(pairs=4).claim(root)
    assert (root / FILE_NAME).read_text() == before
    assert [path.name for path in root.iterdir()] == [FILE_NAME]


def _refused(root, settings, words):
    before = {path: path.read_bytes() for path in root.rglob('*') if path.is_file()}
    with pytest.raises(MMFakeError, match=words) as error:
        settings.claim(root)
    assert '\n' not in str(error.value)
    assert {path: path.read_bytes() for path in root.rglob('*') if path.is_file()} == before


def test_other_settings_are_refused_and_named(tmp_path):
    Settings(seed=1).claim(tmp_path)
    _refused(tmp_path, Settings(seed=2), r'seed 1 instead of 2\)')


def test_another_renderer_is_refused(tmp_path):
    Settings().claim(tmp_path)
    file = tmp_path / FILE_NAME
    file.write_text(file.read_text().replace('"renderer": ', '"renderer": 9'))
    _refused(tmp_path, Settings(), 'renderer 9')


def test_a_folder_with_anything_else_is_refused(tmp_path):
    (tmp_path / 'thesis.tex').write_text('dear')
    _refused(tmp_path, Settings(), 'is not empty and has no mini_ffpp.json')


@pytest.mark.parametrize('text', ['', '{"pairs": ', '[1, 2]', '"x"'])
def test_a_spoilt_settings_file_is_refused(tmp_path, text):
    (tmp_path / FILE_NAME).write_text(text)
    _refused(tmp_path, Settings(), 'cannot be read')


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / 'out').write_text('')
    with pytest.raises(MMFakeError, match='is a file'):
        Settings().claim(tmp_path / 'out')
