import math

from mmfake.evaluation.scores import SampleScore, score_videos
from mmfake.evaluation.video_metrics import format_summary, format_table


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
    assert cells(fs)[4] == 'nan [nan, 0.900]'
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
