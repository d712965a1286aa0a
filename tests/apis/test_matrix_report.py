"""Matrix report: what is collected of finished cells, and the tables of a README."""

import json
import shutil
import subprocess

import pandas as pd
import pytest

from mmfake import MMFakeError
from mmfake.apis.cell import Cell
from mmfake.apis.matrix_report import data_note
from mmfake.evaluation.scores import COLUMNS, RunScores
from tests.apis.untrained_matrix import GOOD, scores_of


def collect(matrix, *words):
    return matrix.run('--collect-only', *words)


@pytest.mark.parametrize(
    ('break_it', 'reason'),
    [
        (lambda cell: (cell / 'cell.json').write_text('{'), 'its cell.json cannot be read'),
        (lambda cell: (cell / 'cell.json').write_text('{}'), 'its scores.csv is not the one'),
        (lambda cell: (cell / 'scores.csv').write_text('x'), 'its scores.csv is not the one'),
        (lambda cell: forget(cell, 'threshold'), "KeyError: 'threshold'"),
        (lambda cell: rescore(cell, scores_of('nt')), 'holds nt manipulated videos in a run that'),
        (lambda cell: rescore(cell, 'video\n1\n'), 'no column method'),
        (lambda cell: shutil.rmtree(cell / '20260101_000000') or unrecord(cell), 'not finished'),
        (lambda cell: (cell / 'last_checkpoint').touch() or unrecord(cell), 'not finished'),
        (lambda cell: copy_of(cell, 'seed_0'), 'its cell.json is of good_holdout_f2f/seed_0: it'),
    ],
)
def test_a_bad_cell_is_lost_and_the_others_are_not(matrix, break_it, reason, capsys):
    matrix.run('--seeds', 0, 1)
    capsys.readouterr()
    break_it(matrix.cell(Cell('good', 'f2f', 1)))
    assert collect(matrix) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('not in the table: good_holdout_f2f/seed_1: ')
    assert reason in line
    assert matrix.reported[-1] == ['good/0']


def unrecord(cell):
    (cell / 'cell.json').unlink()


def copy_of(cell, other):
    shutil.rmtree(cell)
    shutil.copytree(cell.with_name(other), cell)


def forget(cell, key):
    record = json.loads((cell / 'cell.json').read_text())
    del record[key]
    (cell / 'cell.json').write_text(json.dumps(record))


def rescore(cell, text):
    """Other scores, with a record of them."""
    (cell / 'scores.csv').write_text(text)
    record = json.loads((cell / 'cell.json').read_text())
    done = subprocess.run(['sha256sum', cell / 'scores.csv'], capture_output=True, text=True)
    record['scores_sha256'] = done.stdout.split()[0]
    (cell / 'cell.json').write_text(json.dumps(record))


def test_a_cell_that_was_run_by_the_printed_commands_is_collected(matrix):
    matrix.run()
    first = json.loads((matrix.cell(GOOD) / 'cell.json').read_text())
    unrecord(matrix.cell(GOOD))
    assert collect(matrix) == 0
    assert matrix.reported == [['good/0']] * 2
    record = json.loads((matrix.cell(GOOD) / 'cell.json').read_text())
    assert record == dict(first, command='by hand')
    assert matrix.run() == 0  # and is not run again
    assert len(matrix.told()) == 2


MARKS = ('<!-- generated: the tables of table.md -->', '<!-- end -->')


def test_the_tables_of_a_readme(matrix, tables, capsys):
    readme = matrix.folder / 'README.md'
    readme.write_text(f'above\n{MARKS[0]}\nold\n{MARKS[1]}\nbelow\n')
    matrix.run()
    assert collect(matrix, '--update-readme', readme) == 0
    lines = readme.read_text().splitlines()
    assert (lines[:2], lines[-2:]) == (['above', MARKS[0]], [MARKS[1], 'below'])
    inside = '\n'.join(lines[2:-2])
    assert inside.startswith('**Video AUC**\n\n| regime ')
    assert '\n\n**Accuracy at 0.5 (%)**\n\n| regime ' in inside
    assert inside in (matrix.work_dir / 'table.md').read_text()
    once = readme.read_text()
    assert collect(matrix, '--update-readme', readme) == 0
    assert readme.read_text() == once

    (matrix.work_dir / 'table.md').unlink()
    readme.write_text(f'{MARKS[1]} {MARKS[0]}')
    with pytest.raises(MMFakeError, match='README.md: has no lines <!-- generated'):
        collect(matrix, '--update-readme', readme)
    with pytest.raises(MMFakeError, match=r'none.md: cannot be read \(No such file'):
        collect(matrix, '--update-readme', matrix.folder / 'none.md')
    assert not (matrix.work_dir / 'table.md').exists()


@pytest.mark.parametrize(
    ('dataset', 'n', 'note'),
    [
        ('ffpp', 140, 'Data: FaceForensics++ (c40).'),
        (
            'ffpp',
            4,
            'Data: **a part of FaceForensics++ (c40)**, 4 + 4 of its 140 + 140 test',
        ),
        ('mini_ffpp', 140, '**Mini results, not FaceForensics++ results**'),
        ('celebdf', 140, 'Data: celebdf, not FaceForensics++.'),
    ],
)
def test_the_data_are_named_for_what_they_are(dataset, n, note):
    rows = [
        (f'{dataset}/{method}/c40/{i}', method, label, 0.5, 1, 'scored', '')
        for label, method in enumerate(('original', 'df'))
        for i in range(n)
    ]
    run = RunScores('a', 'df', 0, pd.DataFrame(rows, columns=list(COLUMNS)), dataset=dataset)
    assert data_note(dataset, [run]).startswith(note)


def test_a_map_of_a_cell_that_is_not_finished(matrix, capsys):
    matrix.run()
    (matrix.work_dir / 'good_holdout_f2f' / 'seed_1').mkdir()
    assert collect(matrix, '--embedding-of', 'good/f2f/1') == 3
    said = capsys.readouterr().err
    assert 'no map of embeddings: good_holdout_f2f/seed_1 is not finished' in said
    with pytest.raises(MMFakeError, match='is none of the 2 cells of this call'):
        collect(matrix, '--embedding-of', 'good/nt/0')
