"""AUC per attribute in DeepfakeMetric, against pairs counted by hand."""

import itertools

import pytest

from mmfake import DeepfakeMetric

LABELS = ['expression', 'identity', 'physical consistency', 'eye', 'illumination', 'mouth', 'nose']
ALTERED = dict(original=[0] * 7, df=[0, 1, 0, 1, 0, 1, 1], f2f=[1, 0, 0, 0, 0, 1, 0])
# method, probabilities of expression and mouth of each of its videos
VIDEOS = [
    ('original', 0.2, 0.3),
    ('original', 0.6, 0.4),
    ('df', 0.3, 0.9),
    ('df', 0.1, 0.2),
    ('f2f', 0.7, 0.8),
    ('f2f', 0.5, 0.4),
]


def sample(number, method, expression, mouth, **more):
    prompts = dict.fromkeys(['fake', *LABELS], 0.5)
    prompts.update(expression=expression, mouth=mouth)
    return dict(
        video_id=f'ffpp/{method}/c23/{number:03d}',
        method=method,
        label_bin=int(method != 'original'),
        pred_score=[0.5, 0.5],
        attributes=tuple(ALTERED[method]) if method in ALTERED else None,
        pred_prompts=prompts,
        **more,
    )


def auc(positive, negative):
    pairs = itertools.product(positive, negative)
    return sum(0.5 if p == n else float(p > n) for p, n in pairs) / len(positive) / len(negative)


def judge(samples, **kwargs):
    metric = DeepfakeMetric(n_bootstrap=50, **kwargs)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_an_attribute_stands_against_all_videos_without_it():
    found = judge([sample(number, *video) for number, video in enumerate(VIDEOS)])
    for attribute, column in (('expression', 1), ('mouth', 2)):
        altered = {m for m, row in ALTERED.items() if row[LABELS.index(attribute)]}
        sides = [[v[column] for v in VIDEOS if (v[0] in altered) == side] for side in (True, False)]
        assert found[f'deepfake/{attribute}_altered/auc'] == pytest.approx(auc(*sides))
        assert found[f'deepfake/{attribute}_altered/n_altered'] == len(sides[0])
        assert found[f'deepfake/{attribute}_altered/n_unaltered'] == len(sides[1])
        ends = [found[f'deepfake/{attribute}_altered/auc_{end}'] for end in ('low', 'high')]
        assert ends[0] <= auc(*sides) <= ends[1]
    # the best balanced accuracy of expression: 0.5 and 0.7 altered, only 0.6 of the others above
    assert 0.3 < found['deepfake/expression_altered/threshold_bacc'] <= 0.5
    # nothing alters physical consistency here, and a test would not be asked for a threshold
    assert not [key for key in found if 'physical' in key or 'illumination' in key]
    tested = judge([sample(n, *video) for n, video in enumerate(VIDEOS)], threshold=0.5)
    assert 'deepfake/expression_altered/threshold_bacc' not in tested
    assert tested['deepfake/expression_altered/auc'] == found['deepfake/expression_altered/auc']


def test_clips_are_averaged_and_what_is_not_known_is_left_out():
    videos = [sample(number, *video) for number, video in enumerate(VIDEOS[:5])]
    # the last video in two samples of one and three frames, one of them as two ranks give it
    parts = [
        sample(5, 'f2f', 0.9, 0.4, num_clips=1, sample_idx=5),
        sample(5, 'f2f', 0.1, 0.4, num_clips=3, sample_idx=6),
    ]
    others = [
        sample(6, 'fsh', 0.99, 0.99),  # nobody knows what FaceShifter alters
        sample(7, 'f2f', 0.99, 0.99, unreadable='no frame'),
    ]
    found = judge([*videos, *parts, parts[0], *others])
    expected = auc([0.7, (0.9 + 3 * 0.1) / 4], [0.2, 0.6, 0.3, 0.1])
    assert found['deepfake/expression_altered/auc'] == pytest.approx(expected)
    assert found['deepfake/expression_altered/n_altered'] == 2
    assert found['deepfake/n_expected'] == 8


def test_a_model_without_prompts_has_no_such_metrics():
    samples = [dict(sample(n, *video), pred_prompts=None) for n, video in enumerate(VIDEOS)]
    assert not [key for key in judge(samples) if 'altered' in key]
