"""Each rule finds its fault in a spoilt copy of a good dataset, and nothing else."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from data_prep.audit.index_table import Finding, IndexRow, IndexTable, read_table
from data_prep.audit.rules import RULES
from data_prep.audit.rules.split_rules import write_without_shared_sources
from mmfake.datasets.ffpp_tree import SHARED_SOURCES
from mmfake.datasets.index import read_index
from mmfake.errors import MMFakeError

# ---- row rules


def test_a_clean_index_has_no_finding_and_bare_columns_are_enough(prepared):
    assert prepared.findings() == {}
    assert prepared.findings(prepared.basic) == {}


@pytest.mark.parametrize(
    ('column', 'value', 'what'),
    [
        ('id', 'ffpp/f2f/000_001', "id 'ffpp/f2f/000_001' is not dataset/method/compression/stem"),
        ('id', 'ffpp/fs/c23/000_001', "method 'f2f' is not what the id says"),
        ('id', 'ffpp/f2f/c23/000_002', "stem '000_002' is not what target and source"),
        ('method', 'f3f', "method 'f3f' is not what the id says"),
        ('compression', 'c40', "compression 'c40' is not what the id says"),
        ('source', '', "target '000' and source '' do not fit 'f2f'"),
        ('target', '', "target '' and source '001' do not fit 'f2f'"),
        ('split', 'training', "split 'training' is none of train, val, test"),
        ('status', '', 'it has no status'),
        ('path', '', 'it is used and has no path'),
        ('frames', 'six', "frames 'six' is not a whole number above 0"),
        ('frames', '6.5', "frames '6.5' is not"),
        ('size', '-1', "size '-1' is not"),
        ('fps', 'nan', "fps 'nan' is not a number above 0"),
        ('margin', 'wide', "margin 'wide' is not"),
    ],
)
def test_a_bad_row(prepared, column, value, what):
    prepared.row('f2f/000_001')[column] = value
    found = prepared.findings()
    # what training refuses as well is said a second time, by the rule that has the last word
    assert set(found) <= {'bad-row', 'index-refused'}
    assert any(what in finding.what for finding in found['bad-row'])
    assert all(finding.where.startswith('line 3') for finding in found['bad-row'])


def test_an_unknown_method_and_compression(prepared):
    row = prepared.row('fs/000_001')
    row.update(id='ffpp/xyz/c24/000_001', method='xyz', compression='c24')
    said = ' '.join(finding.what for finding in prepared.findings()['bad-row'])
    assert "unknown manipulation 'xyz'" in said
    assert "unknown compression 'c24'" in said


def test_all_bad_rows_are_told_at_once(prepared):
    index = prepared.write()
    lines = index.read_text().splitlines()
    lines[2] = lines[2].replace(',train,', ',nowhere,')
    lines[4] += ',surplus'
    lines[6] = lines[6].rsplit(',', 2)[0]
    index.write_bytes('\n'.join(lines).encode() + b'\nffpp/\xff/x/y' + b',a' * 19 + b'\n')
    found = prepared.findings(index=index)['bad-row']
    where = [finding.where.split(' (')[0] for finding in found]
    assert sorted(set(where)) == ['line 20', 'line 3', 'line 5', 'line 7']
    assert any('not UTF-8' in finding.what for finding in found)
    assert sum('as many fields' in finding.what for finding in found) == 2


def test_a_missing_column_and_no_rows(prepared):
    columns = ['id', 'path', 'method', 'compression', 'target', 'source', 'split', 'status']
    found = prepared.findings(columns)
    assert {'bad-row', 'index-refused'} == set(found)
    assert 'frames, fps, reason' in found['bad-row'][0].what
    prepared.rows.clear()
    assert 'no row follows' in prepared.findings()['bad-row'][0].what


def test_a_duplicate_row(prepared):
    prepared.rows.append(dict(prepared.row('fs/004_005')))
    found = prepared.findings()
    assert set(found) == {'duplicate-row', 'index-refused'}
    (finding,) = found['duplicate-row']
    assert finding.where == 'ffpp/fs/c23/004_005'
    assert 'lines 16, 20' in finding.what
    assert 'two rows' in found['index-refused'][0].what


def test_two_videos_with_one_clip(prepared):
    prepared.row('fs/004_005')['path'] = prepared.row('f2f/004_005')['path']
    found = prepared.findings()
    assert found['duplicate-row'][0].where == 'clips/f2f/c23/004_005.mp4'
    assert found['exact-duplicate'][0].severity == 'warning'  # which it is by its bytes as well
    assert set(found) == {'duplicate-row', 'exact-duplicate'}


def test_a_status_without_reason_and_an_unknown_one(prepared):
    prepared.row('fs/002_003').update(status='no-face', reason='')
    prepared.row('fs/003_002').update(status='Used', reason='a typing error')
    found = prepared.findings()
    assert set(found) == {'status-without-reason', 'unknown-status'}
    (finding,) = found['status-without-reason']
    assert ('002_003' in finding.where, finding.severity) == (True, 'error')
    (finding,) = found['unknown-status']
    assert ('003_002' in finding.where, finding.severity) == (True, 'warning')
    assert "status 'Used' is none of used, no-face" in finding.what


# ---- split rules


@pytest.fixture
def whole_ffpp(prepared, tmp_path):
    """Rows of the size of FF++: 720, 140 and 140 originals, the seven shared recordings torn."""
    ids = [f'{number:03d}' for number in range(1000)]
    torn = {'test': ['755', '955'], 'val': ['606', '640', '838', '876', '983']}
    shared = {name for pair in SHARED_SOURCES for name in pair}
    others = [name for name in ids if name not in shared]
    split = dict.fromkeys(ids, 'train')
    for part, count in (('test', 138), ('val', 135)):
        for name in torn[part] + [others.pop() for _ in range(count)]:
            split[name] = part
    rows = [prepared.make_row('original', name, '', split[name]) for name in ids]
    return IndexTable(
        tmp_path / 'index.csv', tuple(rows[0]), [IndexRow(n, row) for n, row in enumerate(rows, 2)]
    )


def test_an_original_in_two_splits(prepared):
    copy = prepared.make_row('original', '000', '', 'val')
    copy.update(id='ffpp/original/c40/000', compression='c40')
    prepared.rows.append(copy)
    found = prepared.findings()
    assert [finding.where for finding in found.pop('id-in-two-splits')] == ['ffpp/000']
    assert set(found) <= {'index-refused', 'duplicate-row', 'exact-duplicate'}  # it is a copy


def test_ids_without_originals_are_where_their_fakes_are(prepared):
    prepared.rows[:] = [row for row in prepared.rows if row['method'] != 'original']
    prepared.row('fs/000_001')['split'] = 'test'
    found = prepared.findings()
    (one, other) = found['id-in-two-splits']
    assert (one.where, other.where) == ('ffpp/000', 'ffpp/001')
    assert one.what == 'is in train and test'
    assert 'fake-across-splits' not in found


def test_a_fake_in_another_split_than_its_people(prepared):
    prepared.row('fs/000_001')['split'] = 'val'
    found = prepared.findings()
    assert set(found) == {'fake-across-splits', 'index-refused'}
    (finding,) = found['fake-across-splits']
    assert finding.what == 'is in val with ffpp/000 in train and ffpp/001 in train'


def test_a_fake_of_people_of_two_splits(prepared):
    row = prepared.row('fs/000_001')
    row.update(id='ffpp/fs/c23/000_004', source='004')
    found = prepared.findings()
    assert set(found) == {'fake-across-splits', 'index-refused'}
    assert found['fake-across-splits'][0].what == 'is in train with ffpp/004 in test'


def test_shared_sources_of_the_official_splits(whole_ffpp):
    outcome = RULES['shared-source'](whole_ffpp)
    assert outcome.checked == 1000
    assert {finding.severity for finding in outcome.findings} == {'warning'}
    # the copy in the earlier split is the one to leave out
    named = {finding.where for finding in outcome.findings}
    assert named == {f'ffpp/{name}' for name in (756, 954, 605, 639, 837, 875, 982)}
    test = next(finding for finding in outcome.findings if finding.where == 'ffpp/756')
    assert test.what == 'is in train and 755, cut from the same video, in test'

    # unused twins are none
    for row in whole_ffpp.rows:
        if row['target'] in ('755', '605'):
            row.fields.update(status='no-face', reason='-')
    named = {finding.where for finding in RULES['shared-source'](whole_ffpp).findings}
    assert named == {f'ffpp/{name}' for name in (954, 639, 837, 875, 982)}


def test_a_small_set_may_use_the_numbers_of_ffpp(whole_ffpp):
    whole_ffpp.rows[:] = [row for row in whole_ffpp.rows if row['target'] > '500']
    assert not RULES['shared-source'](whole_ffpp).findings
    assert RULES['counts'](whole_ffpp).skipped == 'not the size of FF++'


def test_counts_of_the_whole(whole_ffpp):
    assert RULES['counts'](whole_ffpp).findings == []
    del whole_ffpp.rows[:3]
    (finding,) = RULES['counts'](whole_ffpp).findings
    assert finding.where == 'ffpp/original/c23'
    assert finding.what == 'train 717 of 720, val 140 of 140, test 140 of 140'
    assert finding.severity == 'warning'


def test_datasets_whose_lists_mix_people(prepared):
    for row in prepared.rows:
        row['id'] = row['id'].replace('ffpp', 'celebdf2')
    prepared.rows[1]['split'] = 'test'
    assert 'fake-across-splits' not in prepared.findings(decode=False)


def test_fakes_of_unknown_people(prepared):
    """No person is called so: nobody is in two splits, and no original is missing."""
    for row in prepared.rows:
        row['id'] = row['id'].replace('ffpp', 'mine')
        if row['method'] != 'original':
            row.update(target='?', source='?')
    assert prepared.findings(decode=False) == {}


# ---- shared sources index


@pytest.fixture
def torn(prepared):
    """1000 originals, of which 755 tests and its twin 756 trains with a fake each way."""
    prepared.rows[:] = [
        prepared.make_row('original', f'{number:03d}', '', 'test' if number == 755 else 'train')
        for number in range(1000)
        if number != 955
    ]
    prepared.rows += [
        prepared.make_row('fs', *ids, 'train') for ids in (('756', '001'), ('001', '756'))
    ]
    return read_table(prepared.write())


def test_the_copy_in_the_earlier_split_and_its_fakes_go(torn):
    out = torn.path.with_name('clean.csv')
    assert write_without_shared_sources(torn, out) == 3
    with open(out, newline='') as stream:
        rows = list(csv.DictReader(stream))
    assert [row.fields for row in torn.rows if '756' not in row['id']] == rows
    assert any(row['target'] == '755' for row in rows)
    assert len(read_index(str(out))) == 998


@pytest.mark.parametrize('place', ['other/index.csv', 'index.csv'])
def test_a_place_that_would_break_the_paths(torn, place):
    before = torn.path.read_bytes()
    with pytest.raises(MMFakeError, match='name another file in'):
        write_without_shared_sources(torn, torn.path.parent / place)
    assert torn.path.read_bytes() == before


def test_an_index_with_faults_is_not_copied(torn):
    torn.faults.append(Finding('error', 'line 2', 'is bad', 'mend it'))
    with pytest.raises(MMFakeError, match='bad rows'):
        write_without_shared_sources(torn, torn.path.with_name('clean.csv'))
    assert not torn.path.with_name('clean.csv').exists()


# ---- duplicate rules


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


def test_equal_files_of_one_split_are_an_error_only_as_original_and_fake(prepared):
    prepared.row('fs/000_001')['source_hash'] = prepared.row('original/000')['source_hash']
    prepared.row('original/004')['source_hash'] = prepared.row('original/005')['source_hash']
    fake, twin = prepared.findings()['exact-duplicate']
    assert fake.severity == 'error'
    assert fake.what.endswith('as original and fake')
    assert twin.severity == 'warning'


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


# ---- clip rules


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


def test_the_wrong_size_whether_or_not_the_index_names_one(prepared):
    row = prepared.row('original/001')
    video = np.repeat(prepared.paint('001'), 2, axis=2)
    prepared.write_clip(prepared.root / row['path'], video)
    for columns in (None, prepared.basic):
        found = prepared.findings(columns, again=[row['path']])
        assert set(found) == {'clip-size'}
        assert found['clip-size'][0].what.endswith('is 64x32 px and not 32x32')


def test_the_wrong_number_of_frames(prepared):
    prepared.row('original/000')['frames'] = ''  # which says nothing
    prepared.row('original/001')['frames'] = '5'
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


# ---- fairness rules


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


def test_another_size_and_file_format_are_seen_without_decoding(prepared):
    row, other = prepared.row('fs/000_001'), prepared.row('f2f/000_001')
    row.update(path=row['path'].replace('.mp4', '.npy'), size='64')
    other['path'] = other['path'].replace('.mp4', '.MP4')  # which is no other format
    size, format = prepared.findings(decode=False)['unequal-codec']
    assert 'size differs' in size.what
    assert 'format differs' in format.what
    assert 'f2f: .mp4; fs: .mp4, .npy' in format.what


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


def test_clips_of_a_method_are_half_as_long(prepared):
    for row in prepared.rows:
        if row['method'] != 'original':
            row['frames'] = '3' if row['method'] == 'fs' else '4'
    found = prepared.findings(decode=False)
    assert set(found) == {'unequal-frames'}
    (finding,) = found['unequal-frames']
    assert finding.severity == 'warning'
    assert finding.what == 'fs clips have 3 frames and originals 6 (medians)'


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
