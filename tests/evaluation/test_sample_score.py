import math
import pickle

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from mmfake.errors import MMFakeError
from mmfake.evaluation.scores import SampleScore


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
