from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest


def test_the_same_raw_file_in_two_splits(prepared):
    for name in ('original/000', 'original/004'):
        prepared.row(name)['source_hash'] = 'one and the same'
    found = prepared.findings()
    assert set(found) == {'exact-duplicate'}
    (finding,) = found['exact-duplicate']
    assert finding.severity == 'error'
    assert 'original/c23/000' in finding.where
    assert finding.what == 'has the raw file of ffpp/original/c23/004, in train and test'


def test_the_same_clip_in_two_splits(prepared):
    one, other = prepared.row('original/001'), prepared.row('original/002')
    shutil.copy(prepared.root / one['path'], prepared.root / other['path'])
    found = prepared.findings(again=[other['path']])
    assert set(found) == {'exact-duplicate'}
    what = found['exact-duplicate'][0].what
    assert what == 'has the clip of ffpp/original/c23/002, in train and val'


def test_a_fake_that_is_its_original(prepared):
    prepared.row('fs/000_001')['source_hash'] = prepared.row('original/000')['source_hash']
    (finding,) = prepared.findings()['exact-duplicate']
    assert finding.severity == 'error'
    assert finding.what.endswith('as original and fake')


def test_equal_files_of_one_split_and_label_are_a_warning(prepared):
    prepared.row('original/000')['source_hash'] = prepared.row('original/001')['source_hash']
    (finding,) = prepared.findings()['exact-duplicate']
    assert finding.severity == 'warning'


@pytest.mark.parametrize('copy', ['darker', 'coarser', 'closer'])
def test_a_copy_of_another_make_in_another_split(prepared, copy):
    twin = prepared.row('original/004')
    video = prepared.paint('000')
    if copy == 'darker':
        video = (video * 0.8).astype(np.uint8)
    elif copy == 'coarser':
        video = video // 24 * 24
    else:  # by 3 %
        large = [cv2.resize(picture, (128, 128)) for picture in video]
        video = np.stack([cv2.resize(picture[2:-2, 2:-2], (32, 32)) for picture in large])
    prepared.write_clip(prepared.root / twin['path'], video)
    found = prepared.findings(again=[twin['path']])
    assert set(found) == {'near-duplicate'}
    (finding,) = found['near-duplicate']  # however many pairs of clips of the two people
    assert 'original/c23/000' in finding.where
    assert 'in train looks like ffpp/original/c23/004 in test' in finding.what


def test_a_copy_in_the_same_split_is_no_leak(prepared):
    twin = prepared.row('original/001')
    prepared.write_clip(prepared.root / twin['path'], prepared.paint('000') // 2)
    assert prepared.findings(again=[twin['path']]) == {}


def test_a_small_set_with_numbers_of_shared_recordings(prepared):
    """The splits of FF++ tear 755 and 756 apart; here they are other people."""
    one, other = prepared.row('original/000'), prepared.row('original/004')
    for row, name in ((one, '756'), (other, '755')):
        row.update(id=f'ffpp/original/c23/{name}', target=name)
    prepared.write_clip(prepared.root / other['path'], prepared.paint('000') // 2)
    assert 'near-duplicate' in prepared.findings(again=[other['path']])
