import itertools
import math

import pytest

from mmfake.errors import MMFakeError
from mmfake.evaluation.scores import COLUMNS, SampleScore, score_videos, scored_only


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
