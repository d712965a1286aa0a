from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ('column', 'value'),
    [('codec', 'h264 crf18'), ('margin', '1.5'), ('detector', 'dlib'), ('detector_version', '2')],
)
def test_a_method_made_with_other_settings(prepared, column, value):
    for row in prepared.rows:
        if row['method'] == 'fs':
            row[column] = value
    found = prepared.findings()
    assert set(found) == {'unequal-codec'}
    (finding,) = found['unequal-codec']
    assert finding.severity == 'error'
    assert finding.where == 'ffpp/*/c23'
    assert finding.what.startswith(f'{column} differs (original: ')
    assert finding.what.endswith(f'fs: {value})')


def test_another_size_is_seen_without_decoding(prepared):
    prepared.row('fs/000_001')['size'] = '64'
    assert 'size differs' in prepared.findings(decode=False)['unequal-codec'][0].what


def test_another_file_format(prepared):
    row = prepared.row('fs/000_001')
    row['path'] = row['path'].replace('.mp4', '.npy')
    (finding,) = prepared.findings(decode=False)['unequal-codec']
    assert 'format differs' in finding.what
    assert 'fs: .mp4, .npy' in finding.what


def test_settings_mixed_alike_are_a_warning(prepared):
    for row in prepared.rows:
        if row['target'] in ('000', '001'):
            row['margin'] = '1.5'
    (finding,) = prepared.findings()['unequal-codec']
    assert finding.severity == 'warning'
    assert finding.what == 'margin is mixed (1.3, 1.5)'


def test_compressions_need_not_be_made_alike(prepared):
    copies = [dict(row, id=row['id'].replace('c23', 'c40')) for row in prepared.rows]
    for row in copies:
        row.update(compression='c40', codec='h264 crf28', path=row['path'].replace('c23', 'c40'))
    prepared.rows += copies
    assert 'unequal-codec' not in prepared.findings(decode=False)


def test_clips_of_a_method_are_much_shorter(prepared):
    for row in prepared.rows:
        if row['method'] == 'fs':
            row['frames'] = '3'
    found = prepared.findings(decode=False)
    assert set(found) == {'unequal-frames'}
    (finding,) = found['unequal-frames']
    assert finding.severity == 'warning'
    assert finding.what == 'fs clips have 3 frames and originals 6 (medians)'


def test_clips_of_a_method_are_a_little_shorter(prepared):
    for row in prepared.rows:
        if row['method'] == 'fs':
            row['frames'] = '4'
    assert prepared.findings(decode=False) == {}


@pytest.mark.parametrize('how', ['unused', 'no row'])
def test_fakes_without_their_original(prepared, how):
    row = prepared.row('original/003')
    if how == 'unused':
        row.update(status='no-face', reason='in none of 60 frames')
    else:
        prepared.rows.remove(row)
    found = prepared.findings()
    assert set(found) == {'original-missing'}
    (finding,) = found['original-missing']
    assert finding.where == 'ffpp/original/c23/003'
    assert finding.severity == 'warning'
    assert finding.what.endswith('its fakes are: f2f, fs')
