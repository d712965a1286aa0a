import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from mmfake.apis.score import file_names, score_files
from mmfake.errors import MMFakeError
from mmfake.evaluation.scores_file import write_scores
from mmfake.files import sha256_of
from tests.evaluation.conftest import frame_of
from tools.score import main

TOOL = Path(__file__).parents[2] / 'tools' / 'score.py'


def rows_of(seed, methods=('Deepfakes', 'own'), n=20, shift=1.5):
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


@pytest.fixture
def no_figures(monkeypatch):
    """Where only texts and numbers are looked at: laying figures out takes seconds."""
    monkeypatch.setattr('mmfake.apis.score.save_png_and_svg', lambda figure, stem: None)


def test_without_a_bootstrap_there_are_no_intervals(write, no_figures, tmp_path):
    text = score_files([write('a.csv', rows_of(0))], tmp_path / 'out', n_bootstrap=0)
    (row,) = (line for line in text.splitlines() if '| as given |' in line)
    assert '[' not in row
    assert 0 < float(row.split('|')[4]) < 1  # ECE


def test_two_files(write, tmp_path):
    ours, theirs = rows_of(0, shift=4), rows_of(1)[:-2]
    paths = [write('ours.csv', ours), write('theirs.csv', theirs)]
    text = score_files(paths, tmp_path / 'out', [0.6, 0.4], n_bootstrap=50)

    names = {path.name for path in (tmp_path / 'out').iterdir()}
    figures = ('intervals', 'roc', 'histogram', 'confusion', 'reliability', 'coverage')
    assert names == {
        *('table.csv', 'table.md', 'table.json', 'comparisons.csv'),
        *(f'{name}.{ending}' for name in figures for ending in ('png', 'svg')),
    }
    assert (tmp_path / 'out' / 'table.md').read_text() == text
    table = pd.read_csv(tmp_path / 'out' / 'table.csv').set_index(['file', 'method'])
    assert list(table.index) == [
        *((name, method) for name in ('ours', 'theirs') for method in ('df', 'own', 'overall')),
    ]
    for name, rows, level in (('ours', ours, 0.6), ('theirs', theirs, 0.4)):
        for method, spelt in (('df', 'Deepfakes'), ('own', 'own')):
            kept = [row for row in rows if row[1] in ('original', spelt)]
            labels, scores = (np.array([row[i] for row in kept]) for i in (2, 3))
            row = table.loc[(name, method)]
            assert row['auc'] == pytest.approx(roc_auc_score(labels, scores))
            assert row['acc_val'] == pytest.approx(accuracy_score(labels, scores >= level))
            assert row['auc_low'] <= row['auc'] <= row['auc_high']
            assert row['n_manipulated'] == len(kept) - 20
    assert 'theirs: 2 videos of the other files are missing (own/018_002, own/019_001)' in text
    assert '| own       | ours | theirs | 20 + 18 (2 left out) | 0.' in text
    pairs = pd.read_csv(tmp_path / 'out' / 'comparisons.csv')
    resolved = (pairs['auc_verdict'] == 'these networks differ').sum()
    assert resolved > 0
    assert f': {resolved} of 3 differences in AUC, ' in text

    content = json.loads((tmp_path / 'out' / 'table.json').read_text())
    assert [row['method'] for row in content['comparisons']] == ['df', 'own', 'overall']
    assert content['comparisons'][1]['n_manipulated'] == 18
    # the accuracy is compared at the threshold of each
    assert content['comparisons'][0]['acc_a'] == table.loc[('ours', 'df'), 'acc_val']
    assert content['comparisons'][0]['acc_b'] == table.loc[('theirs', 'df'), 'acc_val']


def test_one_file_of_one_method_is_not_compared(write, no_figures, tmp_path):
    text = score_files([write('a.csv', rows_of(0, ['f2f']))], tmp_path / 'out', n_bootstrap=20)
    table = pd.read_csv(tmp_path / 'out' / 'table.csv')
    assert list(table['method']) == ['f2f']  # all methods together would be the same
    assert 'acc_val' not in table
    assert 'Differences' not in text
    assert 'Every video of every file is scored.' in text
    assert 'Weakest and strongest' not in text
    assert 'last incomplete batch' not in text  # the paper's own habit, on request alone
    path = tmp_path / 'a.csv'
    text = score_files([path], tmp_path / 'out', n_bootstrap=20, dropped_batch=True)
    assert '## If the last incomplete batch were dropped' in text
    assert '32 of 40' in text


def test_originals_alone(write, no_figures, tmp_path):
    path = write('a.csv', rows_of(0, []))
    text = score_files([path], tmp_path / 'out', n_bootstrap=20, dropped_batch=True)
    table = pd.read_csv(tmp_path / 'out' / 'table.csv')
    assert list(table['method']) == ['overall']
    assert table['auc'].isna().all()
    assert '| video AUC                    |                    - |' in text
    assert 'last incomplete batch' not in text  # 20 videos are less than a batch


def test_a_file_of_originals_beside_others_is_kept(write, no_figures, tmp_path):
    paths = [write('o.csv', rows_of(1, [])), write('a.csv', rows_of(0, ['f2f']))]
    text = score_files(paths, tmp_path / 'out', n_bootstrap=20)
    table = pd.read_csv(tmp_path / 'out' / 'table.csv').set_index(['file', 'method'])
    assert set(table.index) == {('a', 'f2f'), ('a', 'overall'), ('o', 'overall')}
    originals = [row[3] < 0.5 for row in rows_of(1, [])]
    assert table.loc[('o', 'overall'), 'acc'] == pytest.approx(np.mean(originals))
    assert '- o: holds originals only: no AUC' in text
    assert '- o: 20 videos of the other files are missing' in text


def test_calibration_before_and_after_the_temperature_of_the_sidecar(write, no_figures, tmp_path):
    path = write('a.csv', rows_of(0, ['f2f']))
    facts = dict(scores_sha256=sha256_of(path), threshold=0.4, temperature=0.5)
    path.with_suffix('.json').write_text(json.dumps(facts))
    text = score_files([path], tmp_path / 'out', n_bootstrap=20)
    (given, tempered) = json.loads((tmp_path / 'out' / 'table.json').read_text())['calibration']
    assert (given['temperature'], tempered['temperature']) == (1.0, 0.5)
    labels = np.array([row[2] for row in rows_of(0, ['f2f'])])
    odds = np.array([row[3] / (1 - row[3]) for row in rows_of(0, ['f2f'])])
    truth = np.mean((1 / (1 + odds**-2) - labels) ** 2)  # as many of each class
    assert tempered['brier'] == pytest.approx(truth)
    assert f'| {tempered["ece"]:.3f} [{tempered["ece_low"]:.3f}, ' in text
    assert 'temperature 0.5 |' in text


def test_names_are_no_formulas(write, tmp_path):
    methods = ['x$\\frac$', 'f2f']
    paths = [write(name, rows_of(0, methods)) for name in ('we$ird$_{.csv', 'b$\\frac$.csv')]
    text = score_files(paths, tmp_path / 'out', n_bootstrap=5)
    assert 'we$ird$_{' in text
    assert len(list((tmp_path / 'out').glob('*.png'))) == 6


def test_files_of_other_videos_are_not_compared(write, no_figures, tmp_path):
    other = [(f'x{row[0]}', *row[1:]) for row in rows_of(1, ['f2f'])]
    paths = [write('a.csv', rows_of(0, ['f2f'])), write('b.csv', other)]
    text = score_files(paths, tmp_path / 'out', n_bootstrap=20)
    assert 'Face2Face: not compared, a and b have no scored video in common' in text
    assert 'Differences' not in text


def test_names_of_files(tmp_path):
    assert file_names(['x/a.csv']) == ['a']
    assert file_names(['x/a.csv', 'x/b.csv']) == ['a', 'b']
    assert file_names(['x/a.csv', 'y/b.csv']) == ['x/a', 'y/b']
    assert file_names(['x/scores.csv', 'y/scores.csv']) == ['x', 'y']
    assert file_names(['x/a.csv', 'x/b.csv', 'y/a.csv']) == ['x/a', 'x/b', 'y/a']
    cells = [f'{tmp_path}/{regime}_holdout_f2f/seed_0/scores.csv' for regime in ('ce', 'con')]
    assert file_names(cells) == ['ce_holdout_f2f', 'con_holdout_f2f']
    assert file_names(['w/scores.csv', 'w/old/scores.csv']) == ['scores', 'old/scores']
    assert file_names(['w/a.csv', 'w/a.tsv']) == ['a.csv', 'a.tsv']
    with pytest.raises(MMFakeError, match='a.csv is given twice'):
        file_names(['a.csv', './a.csv'])


def test_names_that_are_given(write, no_figures, tmp_path):
    paths = [write('a.csv', rows_of(0)), write('b.csv', rows_of(1))]
    score_files(paths, tmp_path / 'out', n_bootstrap=5, names=['theirs', 'ours'])
    assert set(pd.read_csv(tmp_path / 'out' / 'table.csv')['file']) == {'theirs', 'ours'}
    for names in (['x'], ['x', 'x'], ['x', '']):
        with pytest.raises(MMFakeError, match='--names x.*: give 2 different names'):
            score_files(paths, tmp_path / 'out', names=names)


def test_a_file_that_calls_originals_real_is_paired(write, no_figures, tmp_path):
    rows = rows_of(0, ['f2f'])
    real = [(row[0], 'real' if row[1] == 'original' else row[1], *row[2:]) for row in rows]
    text = score_files([write('a.csv', rows), write('b.csv', real)], tmp_path / 'o', n_bootstrap=5)
    assert '| Face2Face | a | b | 20 + 20 | 0.000 [' in text


def test_rendered_and_real_videos_of_one_name_are_not_paired(write, no_figures, tmp_path):
    paths = [
        write(
            f'{dataset}.csv',
            [(f'{dataset}/{row[1]}/c23/{row[0]}', *row[1:]) for row in rows_of(0, ['f2f'])],
        )
        for dataset in ('ffpp', 'mini_ffpp')
    ]
    text = score_files(paths, tmp_path / 'out', n_bootstrap=5)
    assert 'Face2Face: not compared, ffpp and mini_ffpp have no scored video in common' in text


def test_the_threshold_of_the_validation_is_used_and_said(write, no_figures, tmp_path):
    fakes = [0.3, 0.35, 0.6, 0.9]
    write_scores(frame_of([[0.1, 0.2, 0.5], fakes]), tmp_path / 'a.csv', dict(threshold=0.25))
    other = write('b.csv', rows_of(0))
    text = score_files([tmp_path / 'a.csv', other], tmp_path / 'out', n_bootstrap=5)
    assert '- a: threshold 0.25, chosen on validation.' in text
    assert '- b: threshold 0.5, as none is known from validation.' in text
    table = pd.read_csv(tmp_path / 'out' / 'table.csv').set_index(['file', 'method'])
    assert table.loc[('a', 'df'), 'acc_val'] == pytest.approx(6 / 7)
    assert np.isnan(table.loc[('b', 'df'), 'acc_val'])
    text = score_files([tmp_path / 'a.csv'], tmp_path / 'out', [0.7], n_bootstrap=5)
    assert '- a: threshold 0.7, given.' in text


def test_a_threshold_of_other_scores_is_not_used_and_that_is_said(write, no_figures, tmp_path):
    path = tmp_path / 'a.csv'
    write_scores(frame_of([[0.1, 0.2, 0.5], [0.3, 0.6, 0.9]]), path, dict(threshold=0.25))
    path.write_text(path.read_text().replace('0.3', '0.4'))
    text = score_files([path], tmp_path / 'out', n_bootstrap=5)
    assert '- a: threshold 0.5, as none is known from validation.' in text
    assert '- **a: a.json beside a.csv is of other scores, so that nothing of it is used' in text


def test_suspicious_scores_are_told(write, no_figures, tmp_path):
    rows = [(*row[:3], 1 - row[3]) for row in rows_of(0, ['f2f'], shift=4)]
    equal = [(*row[:3], 0.003) for row in rows]
    alone = [row for row in rows if row[2]] + rows[:1]
    paths = [write(f'{x}.csv', y) for x, y in (('turned', rows), ('eq', equal), ('one', alone))]
    text = score_files(paths, tmp_path / 'out', n_bootstrap=50)
    assert '- **turned: AUC 0.0' in text
    assert '- **eq: all 40 scores are equal (0.0030): the detector does not tell' in text
    assert '- **one: only 1 original: too few for an interval' in text
    table = pd.read_csv(tmp_path / 'out' / 'table.csv').set_index('file')
    assert table.loc['one', ['auc_low', 'auc_high', 'acc_low', 'eer_low']].isna().all()
    pairs = pd.read_csv(tmp_path / 'out' / 'comparisons.csv').set_index(['name_a', 'name_b'])
    ends = ['auc_low', 'auc_high', 'acc_low', 'acc_high']
    assert pairs.loc[('turned', 'one'), ends].isna().all()
    assert pairs.loc[('turned', 'eq'), ends].notna().all()
    assert 'Every video of every file is scored' not in text  # above the 19 that "one" lacks
    assert '- one: 19 videos of the other files are missing' in text


def test_many_methods_are_rows(write, no_figures, tmp_path):
    methods = [f'method_number_{i:02d}' for i in range(20)]
    rows = [row for i, name in enumerate(methods) for row in rows_of(i, [name], shift=i / 10)[20:]]
    rows = rows_of(0, [])[:20] + rows
    text = score_files([write('a.csv', rows)], tmp_path / 'out', [0.4], n_bootstrap=5)
    assert 'TPR at' not in text  # not shown, so not explained
    lines = [line for line in text.splitlines() if line.startswith('|')]
    assert max(map(len, lines)) <= 200
    headings, _, *shown = ([c.strip() for c in line.split('|')[1:-1]] for line in lines[:23])
    assert headings[:3] == ['method', 'n', 'video AUC']
    assert [row[0] for row in shown] == [*methods, 'overall']
    table = pd.read_csv(tmp_path / 'out' / 'table.csv').set_index('method')['auc']
    assert [row[2].split()[0] for row in shown] == [f'{auc:.3f}' for auc in table]
    # the report card
    worst, best = table[methods].idxmin(), table[methods].idxmax()
    card = next(line for line in lines[23:] if line.startswith('| a '))
    cells = [cell.strip() for cell in card.split('|')[2:-1]]
    assert cells[0].startswith(f'{worst}: {table[worst]:.3f} [')
    assert cells[1].startswith(f'{best}: {table[best]:.3f} [')
    assert cells[2] == f'{table[best] - table[worst]:.3f}'


def test_originals_of_several_folders_are_told(write, no_figures, tmp_path):
    rows = [(f'{folder}/{row[0]}', *row[1:]) for row in rows_of(0) for folder in 'abc']
    text = score_files([write('a.csv', rows)], tmp_path / 'out', n_bootstrap=5)
    assert '- **a: 60 rows of original look like 20 videos that are there several times' in text


def test_frames_that_are_averaged_are_said(write, no_figures, tmp_path):
    rows = [(f'{x[0]}/{i}.png', *x[1:]) for x in rows_of(0, ['f2f']) for i in range(3)]
    path = write('a.csv', rows)
    with pytest.raises(MMFakeError, match='120 rows look like frames of 40 videos'):
        score_files([path], tmp_path / 'out')
    text = score_files([path], tmp_path / 'out', n_bootstrap=5, average_frames=True)
    assert 'a: the scores of 40 videos are means over 120 frames' in text
    videos = write('b.csv', rows_of(0, ['f2f']))
    with pytest.raises(MMFakeError, match='b.csv: no two rows are of one video by their names'):
        score_files([videos], tmp_path / 'out', average_frames=True)
    assert 'n = 20 + 20' in text
    assert 'TPR at 1 % FPR needs 100 originals' in text


@pytest.mark.parametrize(
    ('levels', 'message'),
    [
        ([0.1, 0.2, 0.3], '--threshold has 3 values for 1 files; give one for all or one each'),
        ([1.5], '--threshold 1.5: use a score from 0 to 1'),
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


def test_what_a_test_warned_of_is_told_of_its_scores(write, no_figures, tmp_path):
    path = tmp_path / 'leaky.csv'
    write_scores(frame_of(([0.1, 0.3], [0.2, 0.9])), path, dict(warnings=['they were trained on']))
    text = score_files([path, write('b.csv', rows_of(0))], tmp_path / 'out', n_bootstrap=20)
    assert '- **leaky: they were trained on**\n' in text
    assert '**b: ' not in text


def test_copies_and_exchanged_clips_are_told(write, no_figures, tmp_path):
    paths = [write('a.csv', rows_of(0)), write('b.csv', rows_of(0)), write('c.csv', rows_of(1))]
    text = score_files(paths, tmp_path / 'out', n_bootstrap=0)
    assert text.count('hold the same scores') == 1
    assert '- **a and b hold the same scores: is one a copy of the other?**\n' in text
    tested = []
    for name, high, clips in (('d', 0.9, 'x'), ('e', 0.8, 'y'), ('f', 0.7, 'y'), ('g', 0.6, None)):
        tested.append(tmp_path / f'{name}.csv')
        facts = {} if clips is None else dict(clips_sha256=clips)
        write_scores(frame_of(([0.1, 0.3], [0.2, high])), tested[-1], facts)
    text = score_files(tested, tmp_path / 'out', n_bootstrap=0)
    told = [line for line in text.splitlines() if 'not tested on the same clips' in line]
    assert [line[4:11] for line in told] == ['d and e', 'd and f']
