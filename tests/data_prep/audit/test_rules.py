"""Each rule that reads the index finds its fault in a spoilt copy of a good one, and no other."""

from __future__ import annotations

import csv

import pytest

from data_prep.audit.index_table import Finding, IndexRow, IndexTable, read_table
from data_prep.audit.rules import RULES
from data_prep.audit.rules.split_rules import write_without_shared_sources
from mmfake.datasets.ffpp_tree import SHARED_SOURCES
from mmfake.datasets.index import read_index
from mmfake.errors import MMFakeError
from tests.data_prep.audit.conftest import only


def test_a_clean_index_has_no_finding_and_bare_columns_are_enough(prepared):
    assert prepared.findings() == {}
    assert prepared.findings(prepared.basic) == {}


# ---- rows


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


def test_all_bad_rows_are_told_at_once(prepared):
    prepared.row('fs/001_000').update(id='ffpp/Xyz/c24/001_000', method='Xyz', compression='c24')
    index = prepared.write()
    lines = index.read_text().splitlines()
    lines[2] = lines[2].replace(',train,', ',nowhere,')
    lines[4] += ',surplus'
    lines[5] = lines[5].rsplit(',', 2)[0]
    index.write_bytes('\n'.join(lines).encode() + b'\nffpp/\xff/x/y' + b',a' * 19 + b'\n')
    found = prepared.findings(index=index)['bad-row']
    where = [finding.where.split(' (')[0] for finding in found]
    assert sorted(set(where)) == ['line 20', 'line 3', 'line 5', 'line 6', 'line 7']
    said = ' '.join(finding.what for finding in found)
    assert said.count('as many fields') == 2
    for words in ('not UTF-8', "unknown manipulation 'Xyz'", "unknown compression 'c24'"):
        assert words in said


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
    finding = only(found, 'duplicate-row', also=['index-refused'])
    assert finding.where == 'ffpp/fs/c23/004_005'
    assert 'lines 16, 20' in finding.what
    assert 'two rows' in found['index-refused'][0].what


def test_two_videos_with_one_clip(prepared):
    prepared.row('fs/004_005')['path'] = prepared.row('f2f/004_005')['path']
    found = prepared.findings()
    finding = only(found, 'duplicate-row', also=['exact-duplicate', 'index-refused'])
    assert finding.where == 'clips/f2f/c23/004_005.mp4'
    assert "is a clip of 'f2f'" in found['index-refused'][0].what
    assert found['exact-duplicate'][0].severity == 'warning'  # which it is by its bytes as well


def test_a_status_without_reason_and_an_unknown_one(prepared):
    prepared.row('fs/002_003').update(status='no-face', reason='')
    assert '002_003' in only(prepared.findings(), 'status-without-reason').where
    prepared.row('fs/002_003').update(status='Used', reason='a typing error')
    what = only(prepared.findings(), 'unknown-status', 'warning').what
    assert "status 'Used' is none of used, no-face" in what


def test_a_method_of_ones_own_is_one_warning(prepared):
    for target, source in (('002', '003'), ('003', '002')):
        name = f'ffpp/sbi/c23/{target}_{source}'
        row = prepared.row(f'fs/{target}_{source}')
        path = row['path'].replace('/fs/', '/sbi/')
        (prepared.root / path).parent.mkdir(parents=True, exist_ok=True)
        (prepared.root / row['path']).rename(prepared.root / path)
        row.update(id=name, method='sbi', path=path)
    finding = only(prepared.findings(), 'unknown-method', 'warning')
    assert str(finding).startswith("method 'sbi': 2 videos; known are original, df, f2f")


# ---- splits


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
    also = ['index-refused', 'duplicate-row', 'exact-duplicate']  # it is a copy
    assert only(prepared.findings(), 'id-in-two-splits', also=also).where == 'ffpp/000'


def test_ids_without_originals_are_where_their_fakes_are(prepared):
    prepared.rows[:] = [row for row in prepared.rows if row['method'] != 'original']
    prepared.row('fs/000_001')['split'] = 'test'
    found = prepared.findings()
    assert [one.where for one in found['id-in-two-splits']] == ['ffpp/000', 'ffpp/001']
    assert found['id-in-two-splits'][0].what == 'is in train and test'
    assert 'fake-across-splits' not in found


@pytest.mark.parametrize(
    ('change', 'what'),
    [
        (dict(split='val'), 'is in val with ffpp/000 in train and ffpp/001 in train'),
        (
            dict(id='ffpp/fs/c23/000_004', source='004'),
            'is in train with ffpp/004 in test',
        ),
    ],
)
def test_a_fake_in_another_split_than_its_people(prepared, change, what):
    prepared.row('fs/000_001').update(change)
    assert only(prepared.findings(), 'fake-across-splits', also=['index-refused']).what == what


def test_datasets_whose_lists_mix_people_and_fakes_of_unknown_people(prepared):
    """No person is called so: nobody is in two splits, and no original is missing."""
    for row in prepared.rows:
        row['id'] = row['id'].replace('ffpp', 'celebdf2')
    prepared.rows[1]['split'] = 'test'
    assert 'fake-across-splits' not in prepared.findings(decode=False)
    for row in prepared.rows:
        row['id'] = row['id'].replace('celebdf2', 'mine')
        if row['method'] != 'original':
            row.update(target='?', source='?')
    assert prepared.findings(decode=False) == {}


def test_shared_sources_of_the_official_splits(whole_ffpp):
    outcome = RULES['shared-source'](whole_ffpp)
    assert outcome.checked == 1000
    assert {finding.severity for finding in outcome.findings} == {'warning'}
    # the copy in the earlier split is the one to leave out
    named = {finding.where: finding.what for finding in outcome.findings}
    assert set(named) == {f'ffpp/{name}' for name in (756, 954, 605, 639, 837, 875, 982)}
    assert named['ffpp/756'] == 'is in train and 755, cut from the same video, in test'
    # unused twins are none
    for row in whole_ffpp.rows:
        if row['target'] in ('755', '605'):
            row.fields.update(status='no-face', reason='-')
    named = {finding.where for finding in RULES['shared-source'](whole_ffpp).findings}
    assert named == {f'ffpp/{name}' for name in (954, 639, 837, 875, 982)}


def test_counts_of_the_whole_and_of_a_small_set_with_its_numbers(whole_ffpp):
    assert RULES['counts'](whole_ffpp).findings == []
    del whole_ffpp.rows[:3]
    (finding,) = RULES['counts'](whole_ffpp).findings
    assert (finding.where, finding.severity) == ('ffpp/original/c23', 'warning')
    assert finding.what == 'train 717 of 720, val 140 of 140, test 140 of 140'
    whole_ffpp.rows[:] = [row for row in whole_ffpp.rows if row['target'] > '500']
    assert not RULES['shared-source'](whole_ffpp).findings
    assert RULES['counts'](whole_ffpp).skipped == 'not the size of FF++'


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


def test_without_shared_sources_the_copy_in_the_earlier_split_and_its_fakes_go(torn):
    out = torn.path.with_name('clean.csv')
    assert write_without_shared_sources(torn, out) == 3
    with open(out, newline='') as stream:
        rows = list(csv.DictReader(stream))
    assert [row.fields for row in torn.rows if '756' not in row['id']] == rows
    assert any(row['target'] == '755' for row in rows)
    assert len(read_index(str(out))) == 998


def test_without_shared_sources_nothing_is_written_in_vain(torn):
    before = torn.path.read_bytes()
    for place in ('other/index.csv', 'index.csv'):  # the paths in it would break
        with pytest.raises(MMFakeError, match='name another file in'):
            write_without_shared_sources(torn, torn.path.parent / place)
    torn.faults.append(Finding('error', 'line 2', 'is bad', 'mend it'))
    with pytest.raises(MMFakeError, match='bad rows'):
        write_without_shared_sources(torn, torn.path.with_name('clean.csv'))
    assert torn.path.read_bytes() == before
    assert not torn.path.with_name('clean.csv').exists()


# ---- which videos there are, made alike


@pytest.mark.parametrize(('lost', 'is_fake'), [('original', False), ('fake', True)])
def test_a_kind_that_lacks_is_told_once_with_the_splits(prepared, lost, is_fake):
    unused = [row for row in prepared.rows if (row['method'] != 'original') == is_fake]
    for row in unused:
        if row['split'] != 'val':
            row.update(status='no-face', reason='in none of 60 frames')
    also = ['original-missing']
    finding = only(prepared.findings(decode=False), 'both-kinds', 'warning', also)
    assert finding.what == f'no {lost} is used in train, test'
    prepared.rows[:] = [row for row in prepared.rows if row not in unused]
    finding = only(prepared.findings(decode=False), 'both-kinds', 'warning', also)
    assert finding.what == f'no {lost} is used in train, val, test'


@pytest.mark.parametrize(
    ('column', 'value'),
    [('codec', 'h264 crf18'), ('margin', '1.5'), ('detector', 'yunet'), ('detector_version', '2')],
)
def test_a_method_made_with_other_settings(prepared, column, value):
    for row in prepared.rows:
        if row['method'] == 'fs':
            row[column] = value
    finding = only(prepared.findings(), 'unequal-codec')
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


def test_settings_mixed_alike_are_a_warning_and_compressions_need_not_be_alike(prepared):
    copies = [dict(row, id=row['id'].replace('c23', 'c40')) for row in prepared.rows]
    for row in copies:
        row.update(compression='c40', codec='h264 crf28', path=row['path'].replace('c23', 'c40'))
    for row in prepared.rows:
        if row['target'] in ('000', '001'):
            row['margin'] = '1.5'
    prepared.rows += copies
    (finding,) = prepared.findings(decode=False)['unequal-codec']
    assert (finding.severity, finding.what) == ('warning', 'margin is mixed (1.3, 1.5)')


def test_clips_of_a_method_are_half_as_long(prepared):
    for row in prepared.rows:
        if row['method'] != 'original':
            row['frames'] = '3' if row['method'] == 'fs' else '4'
    finding = only(prepared.findings(decode=False), 'unequal-frames', 'warning')
    assert finding.what == 'fs clips have 3 frames and originals 6 (medians)'


def test_clips_of_a_method_are_at_another_rate(prepared):
    for row in prepared.rows:
        if row['method'] != 'original':
            own = 'ffpp/{method}/c23/{target}_{source}'.format(**row)
            row.update(fps='30' if row['method'] == 'fs' else '24.98', track_of=own)
    finding = only(prepared.findings(decode=False), 'unequal-frames', 'warning')
    assert finding.what == 'fs clips have 30 frames per s and originals 25 (medians)'


@pytest.mark.parametrize(
    ('fps', 'told'), [('30', True), ('24.75', False), ('25.025', False), ('', False)]
)
def test_a_fake_along_the_track_of_an_original_at_another_rate(prepared, fps, told):
    prepared.row('fs/003_002')['fps'] = fps
    prepared.row('f2f/003_002').update(fps='30', track_of='ffpp/f2f/c23/003_002')  # as it should be
    prepared.row('fs/000_001').update(fps='30', status='no-face', reason='in none of 60 frames')
    found = prepared.findings(decode=False)
    found.pop('index-refused', None)  # which training does without a rate
    if not told:
        assert found == {}
        return
    finding = only(found, 'unequal-track', 'warning')
    assert finding.where == 'ffpp/fs/c23/003_002'
    assert finding.what == (
        'has 30 frames per s, and ffpp/original/c23/003, along whose track it is cut out, has 25'
    )
    assert RULES['unequal-track'](read_table(prepared.write())).checked == 11


def test_fakes_of_one_original_along_different_tracks(prepared):
    prepared.row('fs/003_002')['track_of'] = 'ffpp/fs/c23/003_002'
    finding = only(prepared.findings(decode=False), 'unequal-track', 'warning')
    assert finding.where == 'ffpp/fs/c23/003_002'
    assert finding.what == (
        'is cut out along a track of its own, other fakes along that of ffpp/original/c23/003'
    )
    # all of them by themselves is a choice, and so it is without a usable original
    prepared.row('f2f/003_002')['track_of'] = 'ffpp/f2f/c23/003_002'
    assert prepared.findings(decode=False) == {}
    prepared.row('f2f/003_002')['track_of'] = 'ffpp/original/c23/003'
    prepared.row('original/003').update(status='no-face', reason='in none of 60 frames')
    assert set(prepared.findings(decode=False)) == {'original-missing'}


@pytest.mark.parametrize('how', ['unused', 'no row'])
def test_fakes_without_their_original(prepared, how):
    row = prepared.row('original/003')
    if how == 'unused':
        row.update(status='no-face', reason='in none of 60 frames')
    else:
        prepared.rows.remove(row)
    finding = only(prepared.findings(), 'original-missing', 'warning')
    assert finding.where == 'ffpp/original/c23/003'
    assert finding.what.endswith('its fakes are: f2f, fs')
