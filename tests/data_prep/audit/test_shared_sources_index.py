from __future__ import annotations

import csv

import pytest

from data_prep.audit.index_table import read_table
from data_prep.audit.rules.split_rules import write_without_shared_sources
from mmfake.datasets.index import read_index
from mmfake.errors import MMFakeError


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
    torn.faults.append(('line 2', 'is bad'))
    with pytest.raises(MMFakeError, match='bad rows'):
        write_without_shared_sources(torn, torn.path.with_name('clean.csv'))
    assert not torn.path.with_name('clean.csv').exists()


def test_a_small_set_loses_nothing(prepared):
    table = read_table(prepared.write())
    assert write_without_shared_sources(table, table.path.with_name('clean.csv')) == 0
    assert table.path.with_name('clean.csv').read_bytes() == table.path.read_bytes().replace(
        b'\r\n', b'\n'
    )
