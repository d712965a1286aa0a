"""Clips that are decoded and hashed, whatever their format and damage."""

from __future__ import annotations

import os

import cv2
import imagehash
import numpy as np
import pytest
from PIL import Image

from data_prep.audit.inspection import inspect_clip, inspect_clips, look_of, thumbnail
from data_prep.audit.rules.duplicate_rules import near_duplicates

# ---- inspect clip


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


@pytest.mark.parametrize('suffix', ['.npy', '.NPY'])
def test_an_array(tmp_path, pictures, suffix):
    """Training takes both spellings."""
    with open(tmp_path / f'clip{suffix}', 'wb') as stream:
        np.save(stream, pictures)
    facts = inspect_clip(str(tmp_path / f'clip{suffix}'))
    assert (facts.error, facts.frames, facts.decord_frames) == ('', 7, None)
    assert facts.sizes == {(24, 24)}


@pytest.mark.parametrize('array', [np.zeros((3, 8, 8), np.uint8), np.array([{}])])
def test_an_array_of_something_else(tmp_path, array):
    np.save(tmp_path / 'clip.npy', array, allow_pickle=True)
    assert inspect_clip(str(tmp_path / 'clip.npy')).error


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


def test_a_clip_that_hangs_harms_only_itself(tmp_path, pictures):
    """A picture that is a pipe: opening it blocks until somebody writes, and nobody does."""
    (tmp_path / 'stuck').mkdir()
    os.mkfifo(tmp_path / 'stuck' / '000000.jpg')
    np.save(tmp_path / 'good.npy', pictures)
    files = {'stuck': tmp_path / 'stuck', 'good': tmp_path / 'good.npy'}
    facts = inspect_clips(files, processes=1, timeout=1)
    assert list(facts) == ['stuck', 'good']
    assert facts['stuck'].error == 'reading it did not end in 1 s'
    assert (facts['good'].error, facts['good'].frames) == ('', 7)
    assert inspect_clips({}, processes=2) == {}


# ---- near duplicates


def test_all_pairs_below_the_threshold_are_found():
    rng = np.random.default_rng(0)
    first, second = rng.random((600, 5, 256)) < 0.5, rng.random((40, 5, 256)) < 0.5
    for n, share in ((3, 0.1), (30, 0.24), (35, 0.26)):  # the last is not a copy any more
        second[n] = first[590 - n]
        second[n].flat[: int(share * 1280)] ^= True
    found = {pair[:2]: pair[2] for pair in near_duplicates(first, second)}
    loop = {
        (i, j): np.mean([np.mean(a != b) for a, b in zip(first[i], second[j])])
        for i in range(600)
        for j in range(40)
    }
    assert found == {pair: pytest.approx(share) for pair, share in loop.items() if share < 0.25}
    assert set(found) == {(587, 3), (560, 30)}


@pytest.mark.parametrize('sizes', [(0, 3), (3, 0), (0, 0)])
def test_an_empty_split(sizes):
    looks = (np.zeros((size, 5, 256), bool)[: size or None] for size in sizes)
    assert list(near_duplicates(*looks)) == []


def test_frames_are_hashed_at_even_places():
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (10, 64, 64, 3)).astype(np.uint8)
    look = look_of([thumbnail(picture) for picture in pictures])
    assert look.shape == (5, 256)
    for row, place in zip(look, (1, 3, 5, 7, 9)):
        expected = imagehash.phash(Image.fromarray(thumbnail(pictures[place])), 16)
        assert imagehash.ImageHash(row.reshape(16, 16)) == expected


def test_one_frame_is_enough():
    look = look_of([np.arange(64 * 64).reshape(64, 64).astype(np.uint8)])
    assert look.shape == (5, 256)
    assert (look == look[0]).all()
