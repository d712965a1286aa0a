import math

import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.runner import load_checkpoint
from torch import nn

from mmfake import MMFakeError
from mmfake.evaluation.scores import SampleScore
from mmfake.models.heads.targets import targets_of


class Shrink(nn.Module):
    """A backbone that only averages pixels: (N, 3, T, H, W) -> (N, 3, T, 2, 2)."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.batches = []

    def forward(self, x):
        self.batches.append(len(x))
        return F.adaptive_avg_pool3d(x, (None, 2, 2)) * self.scale


def head(channels=3, classes=2, key='label_bin', **kwargs):
    return dict(
        type='mmfake.MLPHead',
        num_classes=classes,
        in_channels=channels,
        hidden_channels=(8, 8),
        dropout_ratio=0.0,
        label_key=key,
        **kwargs,
    )


def recognizer(backbone=Shrink, multi=True, channels=3, **kwargs):
    cfg = dict(
        type='mmfake.DualStreamRecognizer',
        backbone=dict(type=backbone),
        binary=dict(cls_head=head(channels)),
        multi=dict(cls_head=head(channels, 4, 'label_multi')) if multi else None,
        data_preprocessor=dict(
            type='ActionDataPreprocessor', mean=[0.0] * 3, std=[1.0] * 3, format_shape='NCTHW'
        ),
        **kwargs,
    )
    torch.manual_seed(0)
    return MODELS.build(cfg)


def clips(videos=2, per_video=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(videos, per_video, 3, 4, 8, 8, generator=generator)


def test_losses_are_named_by_stream_and_accuracies_logged(make_samples):
    losses = recognizer()(clips(), make_samples([0, 1], [0, 3]), mode='loss')
    assert set(losses) == {
        'binary.loss_ce',
        'binary.acc_top1',
        'multi.loss_ce',
        'multi.acc_top1',
    }


def test_a_monitor_with_nothing_to_show_is_not_logged(make_samples):
    model, nan = recognizer(), torch.tensor(float('nan'))
    losses = dict(loss_a=torch.tensor([1.0, 2.0]), seen=torch.tensor(3.0), unseen=nan)
    loss, shown = model.parse_losses(losses)
    assert loss.item() == 1.5
    assert {name: value.item() for name, value in shown.items()} == dict(
        loss=1.5, loss_a=1.5, seen=3
    )
    # of a batch that is not finite everything is told
    _, shown = model.parse_losses(dict(losses, loss_b=nan))
    assert list(shown) == ['loss', 'loss_a', 'seen', 'unseen', 'loss_b']


def test_loss_is_the_cross_entropy_of_the_pooled_features(make_samples):
    model, inputs = recognizer(), clips(3)
    labels = [0, 1, 1]
    losses = model(inputs, make_samples(labels, [0, 2, 3]), mode='loss')
    for stream, targets in (('binary', labels), ('multi', [0, 2, 3])):
        logits = model.streams[stream].cls_head(inputs[:, 0].mean(dim=(2, 3, 4)))
        expected = -torch.stack([F.log_softmax(z, 0)[t] for z, t in zip(logits, targets)]).mean()
        torch.testing.assert_close(losses[f'{stream}.loss_ce'], expected)
        hits = [int(z.argmax() == t) for z, t in zip(logits, targets)]
        assert losses[f'{stream}.acc_top1'].item() == pytest.approx(sum(hits) / 3)


def test_train_step_sums_the_weighted_losses(make_samples):
    model = recognizer()
    model.multi.cls_head.loss_cls.loss_weight = 0.5
    data = dict(inputs=list(clips()), data_samples=make_samples([0, 1], [0, 3]))
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    total, log = model.parse_losses(losses)
    plain = recognizer()(clips(), make_samples([0, 1], [0, 3]), mode='loss')
    expected = plain['binary.loss_ce'] + 0.5 * plain['multi.loss_ce']
    torch.testing.assert_close(total, expected)
    assert log['binary.acc_top1'] == plain['binary.acc_top1']


@pytest.mark.parametrize(('average', 'expected'), [('prob', 'probabilities'), ('score', 'logits')])
def test_several_clips_per_video_are_averaged(average, expected, make_samples):
    model, inputs = recognizer().eval(), clips(2, 3)
    model.binary.cls_head.average_clips = average
    predictions = model(inputs, make_samples([0, 1]), mode='predict')
    for video, prediction in zip(inputs, predictions):
        rows = model.cls_head(video.mean(dim=(2, 3, 4)))  # (3, 2)
        if expected == 'probabilities':
            score = torch.stack([row.softmax(0) for row in rows]).mean(0)
        else:
            score = rows.mean(0).softmax(0)
        torch.testing.assert_close(prediction.pred_score, score)
        assert prediction.pred_score.sum().item() == pytest.approx(1)
        assert prediction.pred_label.item() == score.argmax().item()


@pytest.mark.parametrize('packed', [None, 'metainfo', 'data'])
def test_the_clips_told_are_those_that_were_averaged(make_samples, packed):
    """Not those of the sampler, which says 4 where ``twice_sample`` or several crops give more."""
    samples = make_samples([0, 1])
    for sample in samples:
        if packed:
            sample.set_field(4, 'num_clips', field_type=packed)
    for prediction in recognizer().eval()(clips(2, 8), samples, mode='predict'):
        assert SampleScore.from_data_sample(prediction.to_dict()).clips == 8


def test_without_averaging_there_is_one_row_per_clip(make_samples):
    model = recognizer().eval()
    model.binary.cls_head.average_clips = None
    scores = [p.pred_score for p in model(clips(2, 3), make_samples([0, 1]), mode='predict')]
    assert [score.shape for score in scores] == [(3, 2), (3, 2)]
    torch.testing.assert_close(torch.stack(scores).sum(dim=2), torch.ones(2, 3))


def test_a_wrong_averaging_is_refused(make_samples):
    model = recognizer().eval()
    model.binary.cls_head.average_clips = 'median'
    with pytest.raises(ValueError, match='median is not supported'):
        model(clips(), make_samples([0, 1]), mode='predict')


def test_only_the_binary_stream_runs_at_test(make_samples):
    model = recognizer().eval()
    model.multi.cls_head.forward = lambda *args: pytest.fail('the multi stream ran')
    model(clips(), make_samples([0, 1]), mode='predict')


def test_max_testing_views_bounds_the_clips_encoded_at_once(make_samples):
    whole, bounded = recognizer().eval(), recognizer(test_cfg=dict(max_testing_views=2)).eval()
    expected = whole(clips(1, 5), make_samples([0]), mode='predict')
    found = bounded(clips(1, 5), make_samples([0]), mode='predict')
    torch.testing.assert_close(found[0].pred_score, expected[0].pred_score)
    assert bounded.backbone.batches == [2, 2, 1]


def test_several_clips_per_video_in_training_share_its_label(make_samples):
    model, inputs = recognizer(multi=False), clips(2, 3)
    several = model(inputs, make_samples([0, 1]), mode='loss')
    flat = model(inputs.flatten(0, 1)[:, None], make_samples([0, 0, 0, 1, 1, 1]), mode='loss')
    torch.testing.assert_close(several['binary.loss_ce'], flat['binary.loss_ce'])


def test_tensor_mode_and_stages():
    model, inputs = recognizer(), clips(2, 3)
    assert model(inputs).shape == (6, 3, 4, 2, 2)
    assert model(inputs, stage='neck').shape == (6, 3)
    assert model(inputs, stage='head').shape == (6, 2)
    with pytest.raises(RuntimeError, match='Invalid mode'):
        model(inputs, mode='train')


def test_unreadable_videos_take_no_part_in_the_loss(make_samples):
    model, inputs = recognizer(), clips(4)
    marked = model(inputs, make_samples([0, 1, 0, 1], unreadable=[1, 2]), mode='loss')
    left = model(inputs[[0, 3]], make_samples([0, 1]), mode='loss')
    torch.testing.assert_close(marked['binary.loss_ce'], left['binary.loss_ce'])


def test_a_batch_of_unreadable_videos_is_zero_with_a_graph_to_every_parameter(make_samples):
    model = recognizer()
    losses = model(clips(), make_samples([0, 1], unreadable=[0, 1]), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.item() == 0
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters())


def test_unreadable_videos_get_no_score(make_samples):
    model = recognizer().eval()
    first, second = model(clips(), make_samples([0, 1], unreadable=[1]), mode='predict')
    assert first.pred_score.isfinite().all()
    assert all(math.isnan(p) for p in second.pred_score)


class Double(nn.Module):
    """A neck that changes what passes."""

    def forward(self, x, data_samples=None):
        return 2 * x, {}


def test_a_neck_runs_at_test_as_in_training(make_samples):
    model = recognizer().eval()
    model.binary.neck = Double()
    inputs = clips()
    expected = model.cls_head(2 * inputs[:, 0].mean(dim=(2, 3, 4)))
    torch.testing.assert_close(model(inputs, stage='head'), expected)
    for sample, logits in zip(model(inputs, make_samples([0, 1]), mode='predict'), expected):
        torch.testing.assert_close(sample.pred_score, logits.softmax(0))


def test_the_binary_classifier_is_needed():
    with pytest.raises(MMFakeError, match=r'model\.binary\.cls_head is missing'):
        MODELS.build(
            dict(type='mmfake.DualStreamRecognizer', backbone=dict(type=Shrink), binary={})
        )


def test_a_label_that_the_head_does_not_have(make_samples):
    with pytest.raises(MMFakeError, match='label_multi=4, but num_classes=4') as error:
        recognizer()(clips(), make_samples([0, 1], [0, 4]), mode='loss')
    assert '\n' not in str(error.value)


def test_a_label_that_the_samples_do_not_have(make_samples):
    model = recognizer()
    model.binary.cls_head.label_key = 'label_quality'
    with pytest.raises(MMFakeError, match="no 'label_quality'.*algorithm_keys"):
        model(clips(), make_samples([0, 1]), mode='loss')


def test_weights_of_another_model_are_refused(tmp_path):
    model = recognizer()
    path = tmp_path / 'x.pth'
    state = model.state_dict()
    for content, told in (
        ({}, 'lacks 7 of the 7 tensors'),
        ({'fc.weight': torch.ones(2)}, 'lacks 7 of the 7'),
        ({**state, 'binary.cls_head.layers.1.weight': torch.ones(3, 3)}, 'lacks 1 of the 7'),
    ):
        torch.save(dict(state_dict=content), path)
        with pytest.raises(MMFakeError, match=told) as error:
            load_checkpoint(model, str(path))
        assert '\n' not in str(error.value)


def test_heads_that_serve_training_only_may_be_absent_or_too_many(tmp_path):
    path = tmp_path / 'x.pth'
    with_multi, without = recognizer(), recognizer(multi=False)
    for source, target in ((with_multi, without), (without, with_multi)):
        torch.save(dict(state_dict=source.state_dict()), path)
        with torch.no_grad():
            target.backbone.scale.fill_(7)
        load_checkpoint(target, str(path))
        assert target.backbone.scale == 1


class MapHead(nn.Module):
    """A head with a map for a target: the mean square of the first channel of the feature map."""

    def __init__(self, label_key):
        super().__init__()
        self.label_key = label_key
        self.bias = nn.Parameter(torch.zeros(1))
        self.read = []

    def loss(self, features, data_samples, clips):
        self.read.append((features, clips))
        targets = targets_of(data_samples, self.label_key, features.device)
        error = features[:, 0] + self.bias - targets  # (N*M, T, H, W)
        return dict(loss_map=error.square().mean(), bias=self.bias.detach())


def with_streams(**streams):
    return recognizer(streams=streams)


def test_further_streams_have_their_names_in_weights_and_losses(make_samples):
    maps = torch.randn(2, 4, 2, 2)
    samples = make_samples([0, 1], [0, 3])
    for sample, target in zip(samples, maps):
        sample.set_field(target, 'mask')
    model = with_streams(
        mask=dict(head=dict(type=MapHead, label_key='mask'), reads='map', weight=0.25),
        again=dict(cls_head=head(), weight=2.0),
    )
    assert list(model.streams) == ['binary', 'multi', 'mask', 'again']
    before = set(recognizer().state_dict())
    assert set(model.state_dict()) - before == {
        'mask.head.bias',
        *(f'again.{key[7:]}' for key in before if key.startswith('binary.')),
    }
    inputs = clips()
    losses = model(inputs, samples, mode='loss')
    (read, several), features = model.mask.head.read[0], model.backbone(inputs[:, 0])
    assert several == 1
    torch.testing.assert_close(read, features)
    errors = [(features[n, 0] - maps[n]).square().mean() for n in range(2)]
    torch.testing.assert_close(losses['mask.loss_map'], 0.25 * sum(errors) / 2)
    assert losses['mask.bias'].item() == 0
    logits = model.again.cls_head(inputs[:, 0].mean(dim=(2, 3, 4)))
    expected = 2 * F.cross_entropy(logits, torch.tensor([0, 1]))
    torch.testing.assert_close(losses['again.loss_ce'], expected)
    assert losses['again.acc_top1'].item() == (logits.argmax(1) == torch.tensor([0, 1])).sum() / 2


def test_a_further_stream_does_not_run_at_test_and_changes_no_score(make_samples):
    model = with_streams(again=dict(cls_head=head())).eval()
    model.again.cls_head.forward = lambda *args: pytest.fail('the further stream ran')
    found = model(clips(), make_samples([0, 1]), mode='predict')
    expected = recognizer().eval()(clips(), make_samples([0, 1]), mode='predict')
    for one, other in zip(found, expected):
        assert torch.equal(one.pred_score, other.pred_score)


def test_a_further_head_reads_the_embedding_of_all_clips(make_samples):
    samples = make_samples([0, 1])
    for sample in samples:
        sample.set_field(1.0, 'target')
    model = with_streams(far=dict(head=dict(type=MapHead, label_key='target')))
    inputs = clips(2, 3)
    model(inputs, samples, mode='loss')
    ((read, several),) = model.far.head.read
    assert several == 3
    torch.testing.assert_close(read, inputs.flatten(0, 1).mean(dim=(2, 3, 4)))


@pytest.mark.parametrize('name', ['backbone', 'binary', 'loss', 'cls_head', 'a.b', '2d'])
def test_a_stream_cannot_take_a_name_that_is_taken(name):
    with pytest.raises(MMFakeError, match=f'streams.{name}: the name is taken') as error:
        with_streams(**{name: dict(cls_head=head())})
    assert '\n' not in str(error.value)


def test_what_a_stream_reads_must_exist(make_samples):
    with pytest.raises(MMFakeError, match="reads='tokens' is unknown"):
        with_streams(mask=dict(head=dict(type=MapHead, label_key='x'), reads='tokens'))
    model = recognizer(
        Pooled, streams=dict(mask=dict(head=dict(type=MapHead, label_key='x'), reads='map'))
    )
    with pytest.raises(MMFakeError, match="MapHead reads the feature map.*set reads='embedding'"):
        model(clips(), make_samples([0, 1]), mode='loss')


class Pooled(Shrink):
    """A backbone that pools: (N, 3, ...) -> (N, 3)."""

    def forward(self, x):
        return x.flatten(2).mean(dim=2) * self.scale


def test_classify_gives_the_logits_of_all_classifiers_the_scoring_one_first():
    model, inputs = recognizer().eval(), clips(2, 3)
    found = model.classify(inputs)
    assert list(found) == list(model.classifiers) == ['binary', 'multi']
    embedding = inputs.flatten(0, 1).mean(dim=(2, 3, 4))
    for name, logits in found.items():
        torch.testing.assert_close(logits, model.streams[name].cls_head(embedding))


def test_a_model_of_frames_scores_the_mean_of_its_frames(make_samples):
    model = recognizer(Pooled)
    frames = torch.randn(2, 5, 3, 8, 8)  # (N, M, C, H, W)
    losses = model(frames, make_samples([0, 1], [0, 3]), mode='loss')
    logits = model.cls_head(frames.flatten(0, 1).mean(dim=(2, 3)))
    expected = F.cross_entropy(logits, torch.tensor([0] * 5 + [1] * 5))
    torch.testing.assert_close(losses['binary.loss_ce'], expected)
    predictions = model.eval()(frames, make_samples([0, 1]), mode='predict')
    for own, prediction in zip(logits.split(5), predictions):
        torch.testing.assert_close(prediction.pred_score, own.softmax(1).mean(0))


def test_max_testing_views_bounds_batches_of_several_videos_too(make_samples):
    whole, bounded = recognizer().eval(), recognizer(test_cfg=dict(max_testing_views=4)).eval()
    expected = whole(clips(2, 5), make_samples([0, 1]), mode='predict')
    found = bounded(clips(2, 5), make_samples([0, 1]), mode='predict')
    for one, other in zip(found, expected):
        torch.testing.assert_close(one.pred_score, other.pred_score)
    assert bounded.backbone.batches == [4, 4, 2]
