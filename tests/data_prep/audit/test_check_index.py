"""The command: what it reads, prints, writes and refuses."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from data_prep import check_index as cli
from data_prep.audit.rules import RULES
from mmfake.datasets.protocol import STATUSES
from mmfake.errors import MMFakeError

SCRIPT = Path(cli.__file__)


def test_the_command_reads_the_clips_of_a_leaking_index(prepared, command):
    """Two of them are one file in two splits, and a third is damaged."""
    one, other = prepared.row('original/001'), prepared.row('original/002')
    shutil.copy(prepared.root / one['path'], prepared.root / other['path'])
    (prepared.root / prepared.row('fs/005_004')['path']).write_bytes(b'no video')
    options = ['--jobs', '1', '--json', 'found.json']
    done = command('python', '-W', 'ignore', SCRIPT, prepared.write(), *options, cwd=prepared.root)
    assert done.returncode == 3, done.stderr
    assert 'Traceback' not in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        'error exact-duplicate: line 5 (ffpp/original/c23/001): has the clip of '
        'ffpp/original/c23/002, in train and val; leave one of them'
    )
    assert lines[1].startswith('error clip-unreadable: line 19 (ffpp/fs/c23/005_004): clip ')
    assert lines[-2:] == ['18 videos, 18 used', '2 errors, 0 warnings']
    found = json.loads((prepared.root / 'found.json').read_text())
    assert (found['errors'], found['warnings']) == (2, 0)
    assert list(found['rules']) == list(RULES)
    assert found['rules']['clip-size']['checked'] == 17


def test_warnings_do_not_fail(prepared, capsys):
    row = prepared.row('original/003')
    row.update(status='no-face', reason='in none of 60 frames')
    cli.main([str(prepared.write()), '--no-decode'])
    said = capsys.readouterr().out
    assert said.startswith('warning original-missing: ffpp/original/c23/003: is not used (no-face)')
    assert '18 videos, 17 used, 1 not (no-face 1)' in said
    assert said.endswith('0 errors, 1 warnings\n')


def test_the_table_has_a_line_per_rule(prepared, capsys):
    cli.main([str(prepared.write()), '--no-decode'])
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines if '|' in line]
    assert [row[0] for row in rows if not row[0].startswith('-')] == ['rule', *RULES]
    cells = {row[0]: row[1:] for row in rows}
    assert cells['fake-across-splits'] == ['12', 'fakes', '0', '0']
    assert cells['near-duplicate'] == ['-', 'not applied: --no-decode', '-', '-']
    assert len({len(line) for line in lines if '|' in line}) == 1, 'aligned'


def test_a_flood_is_cut_short(prepared, capsys, tmp_path):
    for row in prepared.rows:
        row.update(frames='many', fps='some')
    with pytest.raises(SystemExit) as stop:
        cli.main([str(prepared.write()), '--no-decode', '--json', str(tmp_path / 'all.json')])
    assert stop.value.code == 3
    said = capsys.readouterr().out
    assert said.count('error bad-row') == 20
    assert '... bad-row: 16 more, all are in --json FILE' in said
    found = json.loads((tmp_path / 'all.json').read_text())
    assert len(found['rules']['bad-row']['findings']) == 36


def test_an_index_without_shared_sources(prepared, capsys):
    """A small set, whose numbers only look like those of shared recordings, loses nothing."""
    out = prepared.root / 'clean.csv'
    index = prepared.write()
    cli.main([str(index), '--no-decode', '--drop-shared-sources', str(out)])
    assert capsys.readouterr().out.endswith('clean.csv: written without 0 videos\n')
    assert out.read_bytes() == index.read_bytes().replace(b'\r\n', b'\n')


def test_imagehash_is_missed_only_where_clips_are_compared(prepared, monkeypatch):
    monkeypatch.setitem(sys.modules, 'imagehash', None)
    index = str(prepared.write())
    cli.main([index, '--no-decode'])
    with pytest.raises(MMFakeError, match=r'pip install .mmfake\[data\].* --no-decode'):
        cli.main([index])


@pytest.mark.parametrize('words', [['--jobs', '0'], ['--timeout', '0'], ['--timeout', 'nan']])
def test_wrong_values(prepared, words):
    with pytest.raises(MMFakeError, match='must be above 0'):
        cli.main([str(prepared.write()), *words])


@pytest.mark.parametrize('content', [None, b'', b'\x00\x01\x02', b'a,b,c\n1,2,3\n'])
def test_something_else_than_an_index(tmp_path, content):
    if content is not None:
        (tmp_path / 'index.csv').write_bytes(content)
    with pytest.raises(MMFakeError, match=r'is no index|index.csv cannot be read'):
        cli.main([str(tmp_path / 'index.csv')])


def test_help_teaches_the_rules(capsys):
    with pytest.raises(SystemExit):
        cli.main(['--help'])
    said = capsys.readouterr().out
    assert not [word for word in (*RULES, 'exit status', 'examples:') if word not in said]


def test_the_page_names_every_rule_and_status():
    page = (Path(cli.__file__).parent / 'README.md').read_text()
    assert not [word for word in (*RULES, *STATUSES) if f'`{word}`' not in page]
