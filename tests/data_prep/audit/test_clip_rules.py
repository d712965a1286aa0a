"""Rules that read clips and tracks: copies of a video, damage, sizes and lengths."""

from __future__ import annotations

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from data_prep.prepare.video_job import file_hash
from tests.data_prep.audit.conftest import only

# ---- duplicates


def test_the_same_raw_file_in_two_splits(prepared):
    for name in ('original/000', 'original/004'):
        prepared.row(name)['source_hash'] = 'one and the same'
    finding = only(prepared.findings(), 'exact-duplicate')
    assert 'original/c23/000' in finding.where
    assert finding.what == 'has the raw file of ffpp/original/c23/004, in train and test'


def test_the_same_clip_in_two_splits(prepared):
    one, other = prepared.row('original/001'), prepared.row('original/002')
    shutil.copy(prepared.root / one['path'], prepared.root / other['path'])
    what = only(prepared.findings(again=[other['path']]), 'exact-duplicate').what
    assert what == 'has the clip of ffpp/original/c23/002, in train and val'


def test_equal_files_of_one_split_are_an_error_only_as_original_and_fake(prepared):
    prepared.row('fs/000_001')['source_hash'] = prepared.row('original/000')['source_hash']
    prepared.row('original/004')['source_hash'] = prepared.row('original/005')['source_hash']
    fake, twin = prepared.findings()['exact-duplicate']
    assert (fake.severity, twin.severity) == ('error', 'warning')
    assert fake.what.endswith('as original and fake')


def _closer(video):
    """By 3 %."""
    large = [cv2.resize(picture, (128, 128)) for picture in video]
    return np.stack([cv2.resize(picture[2:-2, 2:-2], (32, 32)) for picture in large])


@pytest.mark.parametrize(
    'change',
    [lambda video: (video * 0.8).astype(np.uint8), lambda video: video // 12 * 12, _closer],
    ids=['darker', 'coarser', 'closer'],
)
def test_a_copy_of_another_make_in_another_split(prepared, change):
    twin = prepared.row('original/004')
    prepared.write_clip(prepared.root / twin['path'], change(prepared.paint('000')))
    # one finding, however many pairs of clips of the two people
    finding = only(prepared.findings(again=[twin['path']]), 'near-duplicate')
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


# ---- clips and tracks


@pytest.mark.parametrize('damage', ['gone', 'truncated', 'empty', 'text'])
def test_a_damaged_clip(prepared, damage):
    row = prepared.row('fs/000_001')
    clip = prepared.root / row['path']
    content = clip.read_bytes()
    if damage == 'gone':
        clip.unlink()
    else:
        whole = {'truncated': content[: len(content) // 2], 'empty': b'', 'text': b'no video'}
        clip.write_bytes(whole[damage])
    finding = only(prepared.findings(again=[row['path']]), 'clip-unreadable')
    assert '000_001' in finding.where
    unread = prepared.findings(decode=False)
    if damage == 'gone':
        assert finding.what == f'clip {row["path"]}: it is not there'
        assert unread == {'clip-unreadable': [finding]}
    else:
        assert unread == {}


def test_the_wrong_size_whether_or_not_the_index_names_one(prepared):
    row = prepared.row('original/001')
    video = np.repeat(prepared.paint('001'), 2, axis=2)
    prepared.write_clip(prepared.root / row['path'], video)
    for columns in (None, prepared.basic):
        found = prepared.findings(columns, again=[row['path']])
        assert only(found, 'clip-size').what.endswith('is 64x32 px and not 32x32')


def test_a_clip_that_was_exchanged(prepared):
    for row in prepared.rows:
        row['clip_hash'] = file_hash(prepared.root / row['path'])
    columns = (*prepared.rows[0],)
    assert prepared.findings(columns) == {}
    one, other = prepared.row('original/001'), prepared.row('f2f/001_000')
    shutil.copy(prepared.root / one['path'], prepared.root / other['path'])
    found = prepared.findings(columns, again=[other['path']])
    finding = only(found, 'clip-exchanged', also=['exact-duplicate', 'near-duplicate'])
    assert 'f2f/c23/001_000' in finding.where
    assert finding.what.endswith('001_000.mp4 is not the one that was prepared')
    other['clip_hash'] = ''  # not known
    assert 'clip-exchanged' not in prepared.findings(columns)


def test_a_clip_whose_size_changes(prepared):
    row = prepared.row('original/001')
    row['path'] = 'clips/pictures'
    (prepared.root / row['path']).mkdir()
    for number, picture in enumerate(prepared.paint('001')):
        picture = picture if number < 5 else picture[:30]
        cv2.imwrite(str(prepared.root / row['path'] / f'{number:06d}.jpg'), picture)
    found = prepared.findings(again=[row['path']])
    finding = only(found, 'clip-size', also=['unequal-codec'])  # which tells the other format
    assert finding.what.endswith('is 32x30 and 32x32 px and not 32x32')


def test_the_wrong_number_of_frames(prepared):
    prepared.row('original/000')['frames'] = ''  # which says nothing
    prepared.row('original/001')['frames'] = '5'
    finding = only(prepared.findings(), 'clip-frames')
    assert finding.what.endswith('has 6 frames, the index says 5')
    # what decord does with some trimmed files; the frames it makes up repeat the last one
    path = prepared.row('original/001')['path']
    facts = replace(prepared.facts[path], decord_frames=8)
    finding = only(prepared.findings(other_facts={path: facts}), 'clip-frames')
    assert finding.what.endswith('has 6 frames, the index says 5 and decord counts 8')


def test_tracks_that_are_gone_damaged_or_short(prepared):
    names = ('f2f/003_002', 'f2f/000_001', 'fs/003_002', 'fs/000_001', 'original/003')
    unnamed, gone, damaged, short, longer = (prepared.row(name) for name in names)
    unnamed['track'] = ''
    (prepared.root / gone['track']).unlink()
    (prepared.root / damaged['track']).write_bytes(b'PK not a track')
    prepared.write_track(prepared.root / short['track'], frames=5)
    prepared.write_track(prepared.root / longer['track'], frames=7)  # the clip ended first
    found = prepared.findings()
    assert set(found) == {'track-missing'}
    told = [finding.what for finding in found['track-missing']]
    assert len(told) == 4
    assert 'the index names no track' in told
    assert f'track {short["track"]} has 5 boxes for 6 frames' in told
    assert sum('cannot be read' in what for what in told) == 2
