from __future__ import annotations

import cv2
import numpy as np
import pytest

from data_prep.mini_ffpp.contact_sheet import (
    HEADER,
    MARGIN,
    contact_sheet,
    middle_frame,
    save_sheet,
)
from data_prep.mini_ffpp.tree import write_video
from mmfake.errors import MMFakeError


@pytest.fixture
def videos(tmp_path):
    files = {}
    for level, key in ((60, 'original'), (180, 'nt')):
        video = np.full((5, 32, 32, 3), level, np.uint8)
        video[2] += 20  # the middle one
        files[key] = tmp_path / f'{key}.mp4'
        write_video(files[key], video)
    return files


def test_every_picture_is_in_its_row_and_column():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (2, 3, 48, 48, 3)).astype(np.uint8)
    keys = ('original', 'df', 'fs')
    sheet = contact_sheet([(f'{r}', dict(zip(keys, pictures[r]))) for r in range(2)])
    assert sheet.shape == (HEADER + 2 * 48, MARGIN + 3 * 48, 3)
    for r in range(2):
        for c in range(3):
            top, left = HEADER + 48 * r, MARGIN + 48 * c
            np.testing.assert_array_equal(sheet[top : top + 48, left : left + 48], pictures[r, c])
        label = sheet[HEADER + 48 * r : HEADER + 48 * (r + 1), :MARGIN]
        assert label.min() < 100, 'the row is labelled'
    for c in range(3):
        assert sheet[:HEADER, MARGIN + 48 * c : MARGIN + 48 * (c + 1)].min() < 100


def test_the_middle_frame_is_read(videos):
    picture = middle_frame(videos['original'], 64)
    assert picture.shape == (64, 64, 3)
    assert picture.mean() == pytest.approx(80, abs=3)


def test_a_sheet_is_written(videos, tmp_path):
    save_sheet(tmp_path / 'sheet.png', [('000_001', videos)], side=40)
    image = cv2.imread(str(tmp_path / 'sheet.png'))
    assert image.shape == (HEADER + 40, MARGIN + 2 * 40, 3)
    assert image[-20, -20].mean() == pytest.approx(200, abs=3)


@pytest.mark.parametrize('name', ['sheet.nothing', 'absent/sheet.png'])
def test_a_sheet_that_cannot_be_written(videos, tmp_path, name):
    with pytest.raises(MMFakeError, match='cannot be written'):
        save_sheet(tmp_path / name, [('000_001', videos)])
