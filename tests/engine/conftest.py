"""A real small Runner: random clips, a tiny encoder, the real recognizer and hooks."""

import itertools

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import BaseMetric
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

_NUMBER = itertools.count()


class Clips(Dataset):
    """Random clips with random labels, the same for the same index."""

    metainfo = dict(classes=('original', 'manipulated'))

    def __init__(self, make_samples, length=12, unreadable=()):
        generator = torch.Generator().manual_seed(0)
        self.clips = torch.randn(length, 1, 3, 2, 4, 4, generator=generator)
        labels = torch.randint(0, 4, (length,), generator=generator).tolist()
        self.samples = make_samples([int(x > 0) for x in labels], labels, unreadable)

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        return dict(inputs=self.clips[index], data_samples=self.samples[index].clone())


class ScoreOfEpoch(BaseMetric):
    """Gives validation the scores it is told, one per epoch of three iterations."""

    def __init__(self, scores):
        super().__init__()
        self.scores = scores

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        epoch = (MessageHub.get_current_instance().get_info('iter') + 1) // 3
        return dict(score=self.scores[epoch - 1])


class TinyEncoder(nn.Module):
    """(N, 3, T, H, W) -> (N, 8, T, H, W) with a batch norm, whose buffers MoCo must handle."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 8, 1)
        self.norm = nn.BatchNorm3d(8)

    def forward(self, x):
        return self.norm(self.conv(x)).relu()


def tiny_model(streams=('binary', 'multi')):
    model = dict(
        type='mmfake.DualStreamRecognizer',
        backbone=dict(type=TinyEncoder),
        binary=dict(
            neck=dict(type='mmfake.GradientDetachNeck'),
            cls_head=dict(
                type='mmfake.MLPHead',
                num_classes=2,
                in_channels=8,
                hidden_channels=(4, 4),
                dropout_ratio=0.0,
            ),
        ),
        data_preprocessor=dict(type='ActionDataPreprocessor', format_shape='NCTHW'),
    )
    for stream, key in (('binary', 'label_bin'), ('multi', 'label_multi')):
        if stream in streams:
            model.setdefault(stream, {})['contrastive_head'] = dict(
                type='mmfake.ContrastiveHead', in_channels=8, out_channels=4, label_key=key
            )
    return model


@pytest.fixture(name='tiny_model')
def _tiny_model():
    return tiny_model


@pytest.fixture
def run(tmp_path, make_samples):
    """Build a Runner: ``run(hooks, epochs=1, ...)``; keyword arguments go to the Runner."""

    def build(
        hooks,
        epochs=1,
        streams=('binary', 'multi'),
        batch_size=4,
        length=12,
        unreadable=(),
        accumulate=1,
        scores=None,
        **kwargs,
    ):
        arguments = dict(
            model=tiny_model(streams),
            work_dir=str(tmp_path / 'work'),
            train_dataloader=dict(
                dataset=Clips(make_samples, length, unreadable),
                batch_size=batch_size,
                num_workers=0,
                sampler=dict(type='DefaultSampler', shuffle=True),
                collate_fn=pseudo_collate,
            ),
            train_cfg=dict(by_epoch=True, max_epochs=epochs),
            optim_wrapper=dict(
                optimizer=dict(type='Adam', lr=0.01), accumulative_counts=accumulate
            ),
            default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
            custom_hooks=hooks,
            randomness=dict(seed=3),
            default_scope='mmaction',
            experiment_name=f'engine_{next(_NUMBER)}',  # mmengine's is the time in s
        )
        if scores:
            loader = dict(arguments['train_dataloader'], sampler=dict(type='DefaultSampler'))
            arguments.update(
                val_dataloader=loader,
                val_cfg=dict(type='ValLoop'),
                val_evaluator=dict(type=ScoreOfEpoch, scores=scores),
            )
        arguments.update(kwargs)
        return Runner(**arguments)

    return build


@pytest.fixture
def train(run, tmp_path):
    """Train with a checkpoint at each epoch; gives the runner."""

    def go(
        epochs,
        hooks=(),
        work_dir='work',
        resume=False,
        load_from=None,
        scores=None,
        accumulate=1,
        **checkpoint,
    ):
        hook = dict(type='mmfake.SafeCheckpointHook', **{'interval': 1, **checkpoint})
        runner = run(
            [dict(type='mmfake.LabelMoCoHook', queue_size=10), *hooks],
            train_cfg=dict(type='mmfake.ResumableTrainLoop', max_epochs=epochs),
            default_hooks=dict(checkpoint=hook, logger=dict(type='LoggerHook', interval=1)),
            work_dir=str(tmp_path / work_dir),
            resume=resume,
            load_from=load_from,
            scores=scores,
            accumulate=accumulate,
        )
        runner.train()
        return runner

    return go
