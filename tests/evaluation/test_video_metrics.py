import math
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mmfake.evaluation.scores import COLUMNS, SampleScore, score_videos
from mmfake.evaluation.statistics import binary_metrics, bootstrap_intervals
from mmfake.evaluation.video_metrics import (
    evaluate_videos,
    format_summary,
    format_table,
    score_warnings,
)

# evaluate videos


def identity(method, stem):
    return f'ffpp/{method}/c23/{stem}'


def random_frame(n, methods, seed=0):
    rng = np.random.default_rng(seed)
    samples = []
    for stem in range(n):
        samples.append(SampleScore(identity('original', stem), 'original', 0, rng.beta(2, 3), 1))
        samples += [
            SampleScore(identity(name, stem), name, 1, rng.beta(3, 2), 1) for name in methods
        ]
    return score_videos(samples)


def test_stems_shared_by_methods_are_different_videos():
    """Two of four methods detected, two missed: 0.774, not the 1.000 of grouping by stem.

    140 originals score 0.000, 0.001, ... 0.139. Deepfakes and Face2Face score 0.9: AUC 1. Of the
    140 FaceSwap (NeuralTextures) videos, 101 score just above 77 originals and 39 just above 76,
    so they win 101 * 77 + 39 * 76 = 10,741 of 140 * 140 = 19,600 pairs: AUC 0.548, close to a
    coin. Each method has a quarter of the pairs: (1 + 1 + 2 * 0.54801) / 4 = 0.774.
    Grouped by stem, a fake's score is the mean over its four methods, about (0.9 + 0.9 + 0.077 +
    0.077) / 4 = 0.488, above every original: 1.000.
    """
    stems = [f'{target:03d}_{139 - target:03d}' for target in range(140)]
    missed = [(77 if i < 101 else 76) / 1000 - 0.0005 for i in range(140)]
    scores = {'df': [0.9] * 140, 'f2f': [0.9] * 140, 'fs': missed, 'nt': missed}
    samples = [
        SampleScore(identity('original', stem[:3]), 'original', 0, i / 1000, 1)
        for i, stem in enumerate(stems)
    ]
    for method, of_method in scores.items():
        samples += [
            SampleScore(identity(method, stem), method, 1, score, 1)
            for stem, score in zip(stems, of_method)
        ]
    frame = score_videos(samples)
    rows = evaluate_videos(frame, n_bootstrap=0)

    wrong = frame.groupby(frame['video'].str.split('/').str[-1])[['label', 'score']].mean()
    assert len(wrong) == 280
    assert f'{roc_auc_score(wrong["label"], wrong["score"]):.3f}' == '1.000'

    assert rows['overall']['n_scored'] == 700
    assert f'{rows["overall"]["auc"]:.3f}' == '0.774'
    assert rows['overall']['auc'] == pytest.approx((2 * 19600 + 2 * 10741) / (4 * 19600))
    assert rows['df']['auc'] == rows['f2f']['auc'] == 1.0
    assert rows['fs']['auc'] == rows['nt']['auc'] == pytest.approx(10741 / 19600)
    assert list(rows) == ['overall', 'df', 'f2f', 'fs', 'nt']


def test_each_method_against_all_originals():
    frame = random_frame(20, ['fs', 'df'])
    rows = evaluate_videos(frame, threshold=0.4, n_bootstrap=40, confidence=0.8, seed=5)
    assert list(rows) == ['overall', 'df', 'fs']
    for name, row in rows.items():
        part = frame if name == 'overall' else frame[frame['method'].isin(['original', name])]
        labels, scores = part['label'].to_numpy(), part['score'].to_numpy()
        truth = binary_metrics(labels, scores, 0.4)
        intervals = bootstrap_intervals(labels, scores, 0.4, 40, 0.8, 5)
        assert {key: row[key] for key in truth} == truth
        assert {key: (row[f'{key}_low'], row[f'{key}_high']) for key in truth} == intervals
        assert (row['n_original'], row['n_manipulated']) == (20, 40 if name == 'overall' else 20)


def test_a_method_does_not_move_the_others():
    both = random_frame(15, ['df', 'nt'])
    alone = evaluate_videos(both[both['method'] != 'nt'], n_bootstrap=30)
    assert evaluate_videos(both, n_bootstrap=30)['df'] == alone['df'] == alone['overall']


def test_row_order_does_not_matter():
    frame = random_frame(15, ['df', 'nt'])
    shuffled = frame.sample(frac=1, random_state=3)
    assert evaluate_videos(shuffled, n_bootstrap=30) == evaluate_videos(frame, n_bootstrap=30)


@pytest.mark.filterwarnings('error')
def test_expected_but_not_scored():
    samples = [SampleScore(identity('original', i), 'original', 0, 0.2, 1) for i in range(3)]
    samples.append(SampleScore(identity('nt', 0), 'nt', 1, math.nan, 0, reason='cut short'))
    rows = evaluate_videos(score_videos(samples), n_bootstrap=10)
    assert rows['nt'] == pytest.approx(rows['overall'], nan_ok=True)
    row = rows['nt']
    assert (row['n_expected'], row['n_scored'], row['n_manipulated']) == (4, 3, 0)
    assert row['acc'] == row['acc_low'] == row['acc_high'] == 1.0
    assert all(
        math.isnan(row[key]) for key in ('auc', 'auc_low', 'auc_high', 'ap', 'eer', 'bacc_low')
    )


@pytest.mark.filterwarnings('error')
def test_nothing_at_all():
    rows = evaluate_videos(score_videos([]), threshold=0.5)
    assert list(rows) == ['overall']
    assert rows['overall']['n_expected'] == rows['overall']['n_scored'] == 0
    assert math.isnan(rows['overall']['acc'])
    assert math.isnan(rows['overall']['acc_val_high'])


def test_no_bootstrap_no_intervals():
    row = evaluate_videos(random_frame(5, ['df']), n_bootstrap=0)['overall']
    assert not [key for key in row if key.endswith(('_low', '_high'))]


def test_fast_enough_for_every_validation():
    frame = random_frame(140, ['df', 'f2f', 'nt'])  # 560 videos
    started = time.process_time()
    evaluate_videos(frame, threshold=0.5, n_bootstrap=1000)
    assert time.process_time() - started < 3


# report


def row(**changes):
    made = dict(n_expected=280.0, n_scored=278.0, n_original=140.0, n_manipulated=138.0)
    made.update(auc=0.8501, auc_low=0.8, auc_high=0.9, ap=0.8, eer=0.25, acc=0.7, bacc=0.65)
    return {**made, **changes}


def cells(line):
    return [cell.strip() for cell in line.strip('|').split('|')]


def test_table():
    text = format_table({'overall': row(acc_val=0.75), '[fs]': row(auc=math.nan, auc_low=math.nan)})
    header, _, overall, fs = text.splitlines()
    assert cells(header) == [
        *('videos', 'scored', 'original', 'manipulated', 'AUC', 'AP', 'EER', 'acc@0.5'),
        *('balanced acc@0.5', 'acc@val'),
    ]
    assert cells(overall) == [
        *('overall', '278/280', '140', '138', '0.850 [0.800, 0.900]', '0.800', '0.250', '0.700'),
        *('0.650', '0.750'),
    ]
    assert cells(fs)[0] == '[fs]'  # not taken for markup
    assert cells(fs)[4] == 'nan [-]'
    assert cells(fs)[-1] == '-'  # no threshold was given
    assert len({len(line) for line in text.splitlines()}) == 1  # aligned
    assert text.isascii()
    assert text.replace('\n', '').isprintable()  # no colour codes


def test_table_without_intervals():
    plain = row()
    del plain['auc_low'], plain['auc_high']
    assert cells(format_table({'overall': plain}).splitlines()[-1])[4] == '0.850'


def test_summary_counts_names_and_reasons():
    samples = [SampleScore(f'v{i}', 'df', 1, 0.5, 1) for i in range(3)]
    samples += [SampleScore(f'w{i}', 'df', 1, math.nan, 0, None, 'cut short') for i in range(7)]
    samples.append(SampleScore('x', 'df', 1, math.nan, 0, None, 'no such file'))
    assert format_summary(score_videos(samples)) == (
        'scored 3 of 11 videos; not scored: 8 '
        '(cut short x 7: w0, w1, w2, w3, w4 and 2 more; no such file x 1: x)'
    )


def test_summary_is_bounded():
    samples = [SampleScore(f'v{i}', 'df', 1, math.nan, 0, None, f'reason {i}') for i in range(7)]
    assert format_summary(score_videos(samples)).endswith('reason 4 x 1: v4; 2 more reasons)')


def test_summary_of_complete_and_partly_scored():
    whole = SampleScore('v', 'df', 1, 0.5, 1, 0)
    assert format_summary(score_videos([whole])) == 'scored 1 of 1 videos; not scored: 0'
    lost = SampleScore('v', 'df', 1, math.nan, 0, 1, 'cut short')
    assert format_summary(score_videos([whole, lost])) == (
        'scored 1 of 1 videos; not scored: 0; scored from part of their samples: 1'
    )


def scored(labels, scores, methods=None):
    methods = methods or ['df' if label else 'original' for label in labels]
    rows = [
        (f'{i:03d}', *row, 1, 'scored', '') for i, row in enumerate(zip(methods, labels, scores))
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_suspicious_scores():
    labels, scores = [0] * 20 + [1] * 20, list(np.linspace(0, 1, 40))
    (line,) = score_warnings(scored(labels, scores))
    assert line.startswith('every fake of 40 videos has a higher score than every original: of')
    assert score_warnings(scored(labels, [*scores[:18], 0.9, 0.9, *scores[20:]])) == []
    # labels or scores turned round
    (line,) = score_warnings(scored(labels, scores[::-1]), n_bootstrap=50)
    assert line.startswith('AUC 0.000 [0.000, 0.000] lies wholly below 0.5: are labels or scores')
    assert score_warnings(scored(labels, scores[::-1]), n_bootstrap=0) == []
    # a weak detector is none that is turned round
    weak = np.random.default_rng(1).random(40)
    assert score_warnings(scored(labels, weak)) == []
    (line,) = score_warnings(scored([0, 1, 1, 1], [0.1, 0.8, 0.9, 0.7], ['original', *'aab']))
    assert line == (
        'only 1 original, only 1 video of b: too few for an interval, which needs 2 of each class'
    )
    assert score_warnings(scored([], [])) == []


def test_videos_of_several_datasets_and_compressions_in_one_file_are_told():
    labels, scores = [0, 1] * 10, np.linspace(0.1, 0.9, 20)
    frame = scored(labels, scores)
    frame['video'] = [f'ffpp/{method}/c23/{i}' for i, method in enumerate(frame['method'])]
    assert score_warnings(frame) == []
    # four parts that are no id of ours
    foreign = frame.assign(video=[f'{"abc"[i % 3]}/test/{"xy"[i % 2]}/{i}' for i in range(20)])
    assert score_warnings(foreign) == []
    frame.loc[3, 'video'] = f'celebdf/{frame.loc[3, "method"]}/c40/3'
    told = score_warnings(frame)
    assert [line.split(', and')[0] for line in told] == [
        'the videos are of several datasets (celebdf, ffpp)',
        'the videos are of several compressions (c23, c40)',
    ]
