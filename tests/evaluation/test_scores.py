import itertools
import math
import pickle

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from mmfake.errors import MMFakeError
from mmfake.evaluation.scores import (
    COLUMNS,
    NOT_SCORED,
    RunScores,
    SampleScore,
    score_videos,
    scored_only,
)

# sample score


def sample(**changes):
    made = dict(video_id='ffpp/f2f/c23/033_097', method='f2f', label_bin=1, pred_score=[0.25, 0.75])
    return {key: value for key, value in {**made, **changes}.items() if value is not Ellipsis}


@pytest.mark.parametrize(
    'pred',
    [
        [0.25, 0.75],
        np.array([0.25, 0.75], np.float32),
        torch.tensor([0.25, 0.75], requires_grad=True),
        torch.tensor([0.25, 0.75], dtype=torch.bfloat16),
    ],
)
@pytest.mark.parametrize('label', [1, torch.tensor([1]), np.int64(1), [1]])
def test_kinds_of_values(pred, label):
    read = SampleScore.from_data_sample(sample(pred_score=pred, label_bin=label, sample_idx=3))
    assert read == SampleScore('ffpp/f2f/c23/033_097', 'f2f', 1, 0.75, 1, 3)
    assert pickle.loads(pickle.dumps(read)) == read  # how ranks exchange it


def test_clips_averaged_by_the_head_and_here():
    averaged = SampleScore.from_data_sample(sample(num_clips=4))
    assert (averaged.score, averaged.clips) == (0.75, 4)
    rows = torch.tensor([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    kept = SampleScore.from_data_sample(sample(pred_score=rows, num_clips=7))
    assert kept.score == pytest.approx((0.5 + 0.75 + 0.0) / 3)
    assert kept.clips == 3


def test_from_mmaction_data_sample():
    packed = ActionDataSample(metainfo=dict(video_id='ffpp/original/c23/033', method='original'))
    packed.set_metainfo(dict(label_bin=0, sample_idx=9, num_clips=2))
    packed.set_pred_score(torch.tensor([0.75, 0.25]))
    read = SampleScore.from_data_sample(packed.to_dict())
    assert read == SampleScore('ffpp/original/c23/033', 'original', 0, 0.25, 2, 9)


def test_unreadable_needs_no_score():
    read = SampleScore.from_data_sample(sample(unreadable='moov atom\nnot found', pred_score=...))
    assert math.isnan(read.score)
    assert (read.clips, read.reason) == (0, 'moov atom not found')
    assert SampleScore.from_data_sample(sample(unreadable=None)).score == 0.75


@pytest.mark.parametrize(
    'pred', [[math.nan, math.nan], [[0.5, 0.5], [math.nan, 0.5]], [math.inf, 0.0]]
)
def test_nan_is_a_reason_not_a_score(pred):
    read = SampleScore.from_data_sample(sample(pred_score=pred))
    assert math.isnan(read.score)
    assert (read.clips, read.reason) == (0, 'the score is not a number')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(video_id=..., method=...), 'lacks video_id, method; add them'),
        (dict(label_bin=2), r"'ffpp/f2f/c23/033_097' has label_bin \[2\]; it must be"),
        (dict(label_bin=[0, 1]), r'has label_bin \[0, 1\]'),
        (dict(pred_score=[0.2, 0.3, 0.5]), r"033_097' has shape \(3,\), expected \(2,\)"),
        (dict(pred_score=0.7), r'has shape \(\)'),
        (dict(pred_score=torch.zeros(0, 2)), r'has shape \(0, 2\)'),
        (dict(pred_score=torch.zeros(1, 4, 2)), r'has shape \(1, 4, 2\)'),
        (dict(pred_score=...), 'is a NoneType, not a tensor'),
        (dict(pred_score=dict(rgb=1)), 'is a dict, not a tensor'),
        (dict(pred_score=[-1.5, 2.5]), r"not two probabilities .* average_clips='prob'"),
        (dict(pred_score=[0.1, 0.4]), 'not two probabilities'),
        (dict(num_clips=0), 'num_clips=0'),
    ],
)
def test_wrong_form_is_one_clear_line(changes, message):
    with pytest.raises(MMFakeError, match=message) as caught:
        SampleScore.from_data_sample(sample(**changes))
    assert '\n' not in str(caught.value)


# video scores


def fake(score, clips=1, index=None, video='ffpp/f2f/c23/033_097', reason='', label=1):
    return SampleScore(video, 'f2f', label, score, clips, index, reason)


def lost(reason, index=None):
    return fake(math.nan, 0, index, reason=reason)


def only(samples, expected=None):
    (row,) = score_videos(samples, expected).itertuples(index=False)
    return row


def test_a_video_is_dataset_method_compression_and_stem():
    names = [
        '/'.join(parts)
        for parts in itertools.product(['ffpp', 'other'], ['c23', 'c40'], ['1', '2'])
    ]
    frame = score_videos([fake(0.1 * i, video=name) for i, name in enumerate(names)])
    assert frame['video'].tolist() == sorted(names)
    assert frame['score'].tolist() == pytest.approx([0.1 * i for i in range(8)])


def test_mean_over_all_clips():
    row = only([fake(0.2, clips=1, index=0), fake(0.6, clips=3, index=1)])
    assert row.score == pytest.approx((0.2 + 0.6 + 0.6 + 0.6) / 4)
    assert (row.clips, row.status, row.reason) == (4, 'scored', '')


def test_padding_counts_once():
    padded = [fake(0.2, index=4), fake(0.7, index=5), fake(0.2, index=4)]
    row = only(padded)
    assert (row.score, row.clips) == (pytest.approx(0.45), 2)


def test_samples_without_index_all_count():
    row = only([fake(1.0), fake(1.0), fake(0.4)])
    assert (row.score, row.clips) == (pytest.approx(0.8), 3)


def test_order_does_not_show_in_the_last_digit():
    # the repeated sample 2 differs a little between the ranks that scored it
    samples = [fake(0.1, 3, 0), fake(0.7, 7, 1), fake(1 / 3, 5, 2), fake(1 / 3 + 1e-8, 5, 2)]
    rows = {only(order) for order in itertools.permutations(samples)}
    assert len(rows) == 1


def test_not_scored_keeps_its_reason():
    row = only([lost('no such file', 1), lost('cut short', 2), lost('cut short', 3)])
    assert math.isnan(row.score)
    assert (row.clips, row.status, row.reason) == (0, 'not-scored', 'cut short; no such file')


def test_partly_scored_says_so():
    row = only([fake(0.3, 2, 1), lost('cut short', 2), fake(0.5, 2, 3)])
    assert (row.score, row.clips, row.status) == (pytest.approx(0.4), 4, 'scored')
    assert row.reason == '1 of 3 samples not used: cut short'


def test_expected_videos_never_vanish():
    expected = {
        'ffpp/f2f/c23/033_097': dict(method='f2f', label=1),
        'ffpp/original/c23/033': dict(method='original', label=0),
    }
    frame = score_videos([fake(0.9)], expected)
    assert frame['status'].tolist() == ['scored', 'not-scored']
    missing = frame.iloc[1]
    assert (missing['method'], missing['label'], missing['reason']) == (
        'original',
        0,
        'no prediction',
    )
    assert scored_only(frame)['video'].tolist() == ['ffpp/f2f/c23/033_097']


def test_the_reason_that_the_dataset_gives_is_kept():
    expected = {'ffpp/original/c23/033': dict(method='original', label=0, reason='no face')}
    assert score_videos([], expected)['reason'].tolist() == ['no face']


def test_nothing_at_all():
    frame = score_videos([])
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == len(scored_only(frame)) == 0


@pytest.mark.parametrize(
    ('samples', 'expected'),
    [
        ([fake(0.9, label=1), fake(0.9, label=0)], None),
        ([fake(0.9)], {'ffpp/f2f/c23/033_097': dict(method='f2f', label=0)}),
        ([fake(0.9)], {'ffpp/f2f/c23/033_097': dict(method='df', label=1)}),
    ],
)
def test_contradiction_is_refused(samples, expected):
    with pytest.raises(MMFakeError, match="'ffpp/f2f/c23/033_097' has contradicting labels: label"):
        score_videos(samples, expected)


def test_video_outside_the_protocol_is_refused():
    samples = [fake(0.5, video=f'v{i}') for i in range(8)]
    with pytest.raises(MMFakeError, match='7 tested videos .*: v1, v2, v3, v4, v5 and 2 more;'):
        score_videos(samples, {'v0': dict(method='f2f', label=1)})


# run scores


def test_counts(make_frame):
    frame = make_frame([[0.1, 0.2, 0.3], [0.9, 0.8]])
    frame.loc[frame['method'] == 'df', ['status', 'score']] = [NOT_SCORED, math.nan]
    run = RunScores('a', 'df', 0, frame.iloc[::-1])
    expected = dict(n_expected=5, n_scored=3, n_original=3, n_manipulated=0)
    assert run.counts() == expected
    assert run.scored['video'].is_monotonic_increasing


def test_scores_of_another_hold_out(make_frame):
    RunScores('a', 'df', 0, make_frame([[0.1], [0.9]])).check_holdout('x')
    with pytest.raises(
        MMFakeError, match="x: holds nt manipulated videos in a run that tests 'df'"
    ):
        RunScores('a', 'df', 0, make_frame([[0.1], [0.9]], 'nt')).check_holdout('x')
    with pytest.raises(MMFakeError, match='x: holds no manipulated videos'):
        RunScores('a', 'df', 0, make_frame([[0.1], []])).check_holdout('x')
