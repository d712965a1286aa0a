from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from data_prep.audit.inspection import look_of, thumbnail
from data_prep.audit.rules.duplicate_rules import near_duplicates


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
