from __future__ import annotations

import pytest


def test_a_clean_index_has_no_finding(prepared):
    assert prepared.findings() == {}


def test_bare_columns_are_enough(prepared):
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
        ('frames', '0', "frames '0' is not"),
        ('frames', '6.5', "frames '6.5' is not"),
        ('size', '-1', "size '-1' is not"),
        ('fps', 'nan', "fps 'nan' is not a number above 0"),
        ('fps', '0', "fps '0' is not"),
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


def test_a_status_without_reason(prepared):
    prepared.row('fs/002_003').update(status='no-face', reason='')
    prepared.row('fs/003_002').update(status='no-face', reason='in none of 60 frames')
    found = prepared.findings()
    assert set(found) == {'status-without-reason'}
    (finding,) = found['status-without-reason']
    assert '002_003' in finding.where
    assert finding.severity == 'error'


def test_an_unknown_status(prepared):
    prepared.row('fs/002_003').update(status='Used', reason='a typing error')
    found = prepared.findings()
    assert set(found) == {'unknown-status'}
    (finding,) = found['unknown-status']
    assert finding.severity == 'warning'
    assert "status 'Used' is none of used, no-face" in finding.what
