import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from mmfake.apis.score import file_names, score_files
from mmfake.errors import MMFakeError
from tools.score import main

TOOL = Path(__file__).parents[2] / 'tools' / 'score.py'


def rows_of(seed, methods=('Deepfakes', 'sbi'), n=20, shift=1.5):
    rng = np.random.default_rng(seed)
    rows = [(f'{i:03d}', 'original', 0, rng.normal()) for i in range(n)]
    rows += [
        (f'{i:03d}_{n - i:03d}', method, 1, rng.normal() + shift)
        for method in methods
        for i in range(n)
    ]
    return [(*row[:3], 1 / (1 + np.exp(-row[3]))) for row in rows]


@pytest.fixture
def write(tmp_path):
    def write(name, rows):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        frame = pd.DataFrame(rows, columns=['video', 'method', 'label', 'score'])
        frame.sample(frac=1, random_state=0).to_csv(path, index=False)
        return path

    return write


def test_two_files(write, tmp_path):
    ours, theirs = rows_of(0, shift=4), rows_of(1)[:-2]
    paths = [write('ours.csv', ours), write('theirs.csv', theirs)]
    text = score_files(paths, tmp_path / 'out', [0.6, 0.4], n_bootstrap=50)

    names = {path.name for path in (tmp_path / 'out').iterdir()}
    figures = ('intervals', 'roc', 'histogram', 'confusion')
    assert names == {
        *('table.csv', 'table.md', 'table.json', 'comparisons.csv'),
        *(f'{name}.{ending}' for name in figures for ending in ('png', 'svg')),
    }
    assert (tmp_path / 'out' / 'table.md').read_text() == text
    table = pd.read_csv(tmp_path / 'out' / 'table.csv').set_index(['file', 'method'])
    assert list(table.index) == [
        *((name, method) for name in ('ours', 'theirs') for method in ('df', 'sbi', 'overall')),
    ]
    for name, rows, level in (('ours', ours, 0.6), ('theirs', theirs, 0.4)):
        for method, spelt in (('df', 'Deepfakes'), ('sbi', 'sbi')):
            kept = [row for row in rows if row[1] in ('original', spelt)]
            labels, scores = (np.array([row[i] for row in kept]) for i in (2, 3))
            row = table.loc[(name, method)]
            assert row['auc'] == pytest.approx(roc_auc_score(labels, scores))
            assert row['acc_val'] == pytest.approx(accuracy_score(labels, scores >= level))
            assert row['auc_low'] <= row['auc'] <= row['auc_high']
            assert row['n_manipulated'] == len(kept) - 20
    assert 'theirs: 2 videos of the other files are missing (sbi/018_002, sbi/019_001)' in text
    assert '| sbi       | ours | theirs | 20 + 18 (2 left out) | 0.' in text
    pairs = pd.read_csv(tmp_path / 'out' / 'comparisons.csv')
    resolved = (pairs['auc_verdict'] == 'these networks differ').sum()
    assert resolved > 0
    assert f': {resolved} of 3 differences in AUC, ' in text

    content = json.loads((tmp_path / 'out' / 'table.json').read_text())
    assert [row['method'] for row in content['comparisons']] == ['df', 'sbi', 'overall']
    assert content['comparisons'][1]['n_manipulated'] == 18
    # the accuracy is compared at the threshold of each
    assert content['comparisons'][0]['acc_a'] == table.loc[('ours', 'df'), 'acc_val']
    assert content['comparisons'][0]['acc_b'] == table.loc[('theirs', 'df'), 'acc_val']


def test_one_file_of_one_method_is_not_compared(write, tmp_path):
    text = score_files([write('a.csv', rows_of(0, ['f2f']))], tmp_path / 'out', n_bootstrap=20)
    table = pd.read_csv(tmp_path / 'out' / 'table.csv')
    assert list(table['method']) == ['f2f']  # all methods together would be the same
    assert 'acc_val' not in table
    assert 'Differences' not in text
    assert 'Every video of every file is scored.' in text
    assert '## If the last incomplete batch were dropped' in text
    assert '32 of 40' in text


def test_originals_alone(write, tmp_path):
    text = score_files([write('a.csv', rows_of(0, []))], tmp_path / 'out', n_bootstrap=20)
    table = pd.read_csv(tmp_path / 'out' / 'table.csv')
    assert list(table['method']) == ['overall']
    assert table['auc'].isna().all()
    assert '| video AUC                    |                    - |' in text
    assert 'last incomplete batch' not in text  # 20 videos are less than a batch


def test_a_file_of_originals_beside_others_is_kept(write, tmp_path):
    paths = [write('o.csv', rows_of(1, [])), write('a.csv', rows_of(0, ['f2f']))]
    text = score_files(paths, tmp_path / 'out', n_bootstrap=20)
    table = pd.read_csv(tmp_path / 'out' / 'table.csv').set_index(['file', 'method'])
    assert set(table.index) == {('a', 'f2f'), ('a', 'overall'), ('o', 'overall')}
    originals = [row[3] < 0.5 for row in rows_of(1, [])]
    assert table.loc[('o', 'overall'), 'acc'] == pytest.approx(np.mean(originals))
    assert '- o: holds originals only: no AUC' in text
    assert '- o: 20 videos of the other files are missing' in text


def test_names_are_no_formulas(write, tmp_path):
    methods = ['x$\\frac$', 'f2f']
    paths = [write(name, rows_of(0, methods)) for name in ('we$ird$_{.csv', 'b$\\frac$.csv')]
    text = score_files(paths, tmp_path / 'out', n_bootstrap=5)
    assert 'we$ird$_{' in text
    assert len(list((tmp_path / 'out').glob('*.png'))) == 4


def test_files_of_other_videos_are_not_compared(write, tmp_path):
    other = [(f'x{row[0]}', *row[1:]) for row in rows_of(1, ['f2f'])]
    paths = [write('a.csv', rows_of(0, ['f2f'])), write('b.csv', other)]
    text = score_files(paths, tmp_path / 'out', n_bootstrap=20)
    assert 'Face2Face: not compared, a and b have no scored video in common' in text
    assert 'Differences' not in text


def test_names_of_files(tmp_path):
    assert file_names(['x/a.csv', 'y/b.csv']) == ['a', 'b']
    assert file_names(['x/scores.csv', 'y/scores.csv']) == ['x', 'y']
    assert file_names(['x/a.csv', 'x/b.csv', 'y/a.csv']) == ['x/a', 'x/b', 'y/a']
    paths = [tmp_path / '1/x/a.csv', tmp_path / '2/x/a.csv']
    assert file_names(paths) == [str(path) for path in paths]
    with pytest.raises(MMFakeError, match='a.csv is given twice'):
        file_names(['a.csv', './a.csv'])


@pytest.mark.parametrize(
    ('levels', 'message'),
    [
        ([0.1, 0.2, 0.3], '--threshold has 3 values for 1 files; give one for all or one each'),
        ([1.5], '--threshold 1.5: use a probability between 0 and 1'),
        ([float('nan')], '--threshold nan'),
    ],
)
def test_thresholds(write, tmp_path, levels, message):
    with pytest.raises(MMFakeError, match=message):
        score_files([write('a.csv', rows_of(0))], tmp_path / 'out', levels)


def test_contradicting_labels(write, tmp_path):
    rows = [('1', 'a', 0, 0.1), ('2', 'b', 1, 0.9)]
    swapped = [('1', 'a', 1, 0.1), ('2', 'b', 1, 0.9)]
    paths = [write('x.csv', rows), write('y.csv', swapped)]
    with pytest.raises(MMFakeError, match='x and y disagree on the label of 1 videos'):
        score_files(paths, tmp_path / 'out', n_bootstrap=5)


def test_command(write, tmp_path, capsys):
    path = write('a.csv', rows_of(0, ['f2f']))
    main([str(path), '--out', str(tmp_path / 'out'), '--bootstrap', '20'])
    printed = capsys.readouterr().out
    assert printed.startswith('# Scores per video\n')
    assert printed.splitlines()[-1].startswith('wrote table.csv, table.md')


@pytest.mark.parametrize(
    'words',
    [
        ['--out', 'o'],
        ['a.csv'],
        ['a.csv', '--out', 'o', '--bootstrap', '0'],
        ['a.csv', '--out', 'o', '--seed', '-1'],
    ],
)
def test_usage(words, capsys):
    with pytest.raises(SystemExit, match='2'):
        main(words)
    assert 'usage' in capsys.readouterr().err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit, match='0'):
        main(['--help'])
    text = capsys.readouterr().out
    assert 'video,method,label,score' in text
    assert '95 % intervals' in text


def test_a_mistake_ends_the_tool_in_one_line(command, tmp_path):
    done = command('python', TOOL, tmp_path / 'none.csv', '--out', tmp_path / 'out')
    assert (done.returncode, done.stdout) == (2, '')
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'error: {tmp_path}/none.csv: not a readable file of scores (No such')
    assert not (tmp_path / 'out').exists()


def test_the_tool_runs_without_torch(command, write, tmp_path):
    """Nor mmaction2: what reads CSV files starts in a second."""
    path = write('a.csv', rows_of(0, ['f2f']))
    program = f"""
import runpy, sys
sys.argv = ['score.py', {str(path)!r}, '--out', {str(tmp_path / 'out')!r}, '--bootstrap', '5']
try:
    runpy.run_path({str(TOOL)!r}, run_name='__main__')
finally:
    print(sorted({{'torch', 'mmaction', 'mmcv'}} & set(sys.modules)))
"""
    done = command('python', '-c', program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '[]'
