from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from data_prep.audit.inspection import inspect_clip, inspect_clips


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (7, 24, 24, 3)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, pictures):
    (tmp_path / 'clip').mkdir()
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(tmp_path / 'clip' / f'{number:06d}.jpg'), picture)
    return tmp_path / 'clip'


def test_a_video(prepared):
    facts = inspect_clip(str(prepared.root / 'clips/original/c23/000.mp4'))
    assert (facts.error, facts.frames, facts.decord_frames) == ('', 6, 6)
    assert facts.sizes == {(32, 32)}
    assert facts.look.shape == (5, 256)


@pytest.mark.parametrize('name', ['clip.npy', 'CLIP.NPY'])
def test_an_array(tmp_path, pictures, name):
    with open(tmp_path / name, 'wb') as stream:
        np.save(stream, pictures)
    facts = inspect_clip(str(tmp_path / name))
    assert (facts.error, facts.frames, facts.decord_frames) == ('', 7, None)
    assert facts.sizes == {(24, 24)}


@pytest.mark.parametrize('array', [np.zeros((3, 8, 8), np.uint8), np.array([{}])])
def test_an_array_of_something_else(tmp_path, array):
    np.save(tmp_path / 'clip.npy', array, allow_pickle=True)
    assert inspect_clip(str(tmp_path / 'clip.npy')).error


@pytest.mark.parametrize('suffix', ['.jpg', '.JPG'])
def test_a_folder_whatever_the_case_of_its_names(folder, suffix):
    for file in list(folder.iterdir()):
        file.rename(file.with_suffix(suffix))
    assert inspect_clip(str(folder)).frames == 7


def test_a_folder(folder):
    facts = inspect_clip(str(folder))
    assert (facts.error, facts.frames) == ('', 7)
    assert facts.sizes == {(24, 24)}
    digest = facts.digest
    (folder / '000006.jpg').write_bytes((folder / '000005.jpg').read_bytes())
    assert inspect_clip(str(folder)).digest != digest


def test_a_folder_with_a_gap_a_bad_picture_or_none(folder):
    (folder / '000003.jpg').write_bytes(b'\xff\xd8 broken')
    assert '000003.jpg' in inspect_clip(str(folder)).error
    (folder / '000003.jpg').unlink()
    assert '000003.jpg' in inspect_clip(str(folder)).error
    for file in folder.iterdir():
        file.unlink()
    assert inspect_clip(str(folder)).error


def test_a_clip_that_hangs_harms_only_itself(tmp_path, pictures, capfd):
    """A picture that is a pipe: opening it blocks until somebody writes, and nobody does."""
    (tmp_path / 'stuck').mkdir()
    os.mkfifo(tmp_path / 'stuck' / '000000.jpg')
    np.save(tmp_path / 'good.npy', pictures)
    files = {'stuck': tmp_path / 'stuck', 'good': tmp_path / 'good.npy'}
    facts = inspect_clips(files, processes=1, timeout=5)
    assert list(facts) == ['stuck', 'good']
    assert facts['stuck'].error == 'reading it did not end in 5 s'
    assert (facts['good'].error, facts['good'].frames) == ('', 7)
    assert 'left' in capfd.readouterr().err  # the bar is not among the results


def test_nothing_to_inspect():
    assert inspect_clips({}, processes=2) == {}
