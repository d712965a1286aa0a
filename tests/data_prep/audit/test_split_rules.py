from __future__ import annotations

import pytest

from data_prep.audit.index_table import IndexRow, IndexTable
from data_prep.audit.rules import RULES
from mmfake.datasets.ffpp_tree import SHARED_SOURCES


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


def test_unused_twins_are_no_shared_source(whole_ffpp):
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
