import math

import pytest

from mmfake.errors import MMFakeError
from mmfake.evaluation.scores import NOT_SCORED, RunScores


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
