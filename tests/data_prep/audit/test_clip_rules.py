from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest


def test_a_clip_that_is_not_there(prepared):
    row = prepared.row('fs/000_001')
    (prepared.root / row['path']).unlink()
    for decode in (True, False):
        found = prepared.findings(decode=decode, again=[row['path']])
        assert set(found) == {'clip-unreadable'}
        assert found['clip-unreadable'][0].what == f'clip {row["path"]}: it is not there'


@pytest.mark.parametrize('damage', ['truncated', 'empty', 'text'])
def test_a_damaged_clip(prepared, damage):
    row = prepared.row('fs/000_001')
    clip = prepared.root / row['path']
    content = clip.read_bytes()
    clip.write_bytes(
        {'truncated': content[: len(content) // 2], 'empty': b'', 'text': b'no video'}[damage]
    )
    found = prepared.findings(again=[row['path']])
    assert set(found) == {'clip-unreadable'}
    (finding,) = found['clip-unreadable']
    assert finding.severity == 'error'
    assert '000_001' in finding.where
    assert '\n' not in str(finding)
    assert prepared.findings(decode=False) == {}


def test_the_wrong_size(prepared):
    row = prepared.row('original/001')
    prepared.write_clip(prepared.root / row['path'], prepared.paint('001', side=40))
    found = prepared.findings(again=[row['path']])
    assert set(found) == {'clip-size'}
    assert found['clip-size'][0].what.endswith('is 40x40 px and not 32x32')


def test_the_wrong_size_of_an_index_that_names_none(prepared):
    row = prepared.row('original/001')
    video = np.repeat(prepared.paint('001'), 2, axis=2)
    prepared.write_clip(prepared.root / row['path'], video)
    found = prepared.findings(prepared.basic, again=[row['path']])
    assert set(found) == {'clip-size'}
    assert found['clip-size'][0].what.endswith('is 64x32 px and not 32x32')


def test_the_wrong_number_of_frames(prepared):
    row = prepared.row('original/001')
    row['frames'] = '5'
    found = prepared.findings()
    assert set(found) == {'clip-frames'}
    assert found['clip-frames'][0].what.endswith('has 6 frames, the index says 5')


def test_a_clip_that_decord_counts_otherwise(prepared):
    """What it does with some trimmed files; the frames it makes up repeat the last one."""
    path = prepared.row('original/001')['path']
    facts = replace(prepared.facts[path], decord_frames=8)
    found = prepared.findings(other_facts={path: facts})
    assert set(found) == {'clip-frames'}
    assert found['clip-frames'][0].what.endswith('has 6 frames, decord counts 8')


def test_a_clip_whose_size_changes(prepared):
    row = prepared.row('original/001')
    row['path'] = 'clips/pictures'
    (prepared.root / row['path']).mkdir()
    for number, picture in enumerate(prepared.paint('001')):
        picture = picture if number < 5 else picture[:30]
        cv2.imwrite(str(prepared.root / row['path'] / f'{number:06d}.jpg'), picture)
    found = prepared.findings(again=[row['path']])
    assert set(found) == {'clip-size', 'unequal-codec'}  # which tells the other format
    assert found['clip-size'][0].what.endswith('is 32x30 and 32x32 px and not 32x32')


def test_an_index_that_does_not_say_how_many_frames(prepared):
    prepared.row('original/001')['frames'] = ''
    assert 'clip-frames' not in prepared.findings()


def test_a_track_that_is_not_there(prepared):
    row = prepared.row('f2f/003_002')
    (prepared.root / row['track']).unlink()
    found = prepared.findings()
    assert set(found) == {'track-missing'}
    assert '003_002' in found['track-missing'][0].where
    row['track'] = ''
    assert prepared.findings()['track-missing'][0].what == 'the index names no track'


def test_a_damaged_and_a_short_track(prepared):
    names = ('f2f/003_002', 'fs/003_002', 'original/003')
    damaged, short, longer = (prepared.row(name) for name in names)
    (prepared.root / damaged['track']).write_bytes(b'PK not a track')
    prepared.write_track(prepared.root / short['track'], frames=5)
    prepared.write_track(prepared.root / longer['track'], frames=7)  # the clip ended first
    found = prepared.findings()
    assert set(found) == {'track-missing'}
    one, other = found['track-missing']
    assert 'cannot be read' in one.what
    assert other.what == f'track {short["track"]} has 5 boxes for 6 frames'
