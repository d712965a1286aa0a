"""Light tuning: what is trained, what stays bit for bit, and what two processes make of it."""

import copy
import itertools
import os
import signal
import sys
import traceback
from types import SimpleNamespace

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from mmfake import LabelMoCoHook, MMFakeError

CLIP = dict(
    type='mmfake.CLIPImageEncoder',
    projection=False,
    config=dict(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        image_size=16, patch_size=8,
    ),
)  # fmt: skip
NORMS = [r'^backbone\..*(layer_?norm|layrnorm)', '^binary']
BIASES = [r'^backbone\..*bias$', '^binary']


class Convolutions(nn.Module):
    """(N, 3, T, H, W) -> (N, 16, T, H, W) with two batch norms."""

    def __init__(self, affine=True):
        super().__init__()
        self.first = nn.Sequential(nn.Conv3d(3, 16, 1), nn.BatchNorm3d(16, affine=affine))
        self.second = nn.Sequential(nn.Conv3d(16, 16, 1), nn.BatchNorm3d(16))

    def forward(self, x):
        return self.second(self.first(x).relu())


class Frames(Dataset):
    """Random clips of one frame, two of a video, with labels."""

    metainfo = dict(classes=('original', 'manipulated'))

    def __init__(self, make_samples):
        self.clips = torch.randn(8, 2, 3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        self.samples = make_samples([0, 1] * 4)

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        return dict(inputs=self.clips[index], data_samples=self.samples[index].clone())


def detector(trainable=None, backbone=None, **kwargs):
    torch.manual_seed(0)
    return dict(
        type='mmfake.DualStreamRecognizer',
        backbone=backbone or dict(type='mmfake.PerFrame', backbone=CLIP),
        binary=dict(
            cls_head=dict(
                type='mmfake.MLPHead',
                num_classes=2,
                in_channels=16,
                hidden_channels=(),
                normalize=True,
                label_key='label_bin',
            ),
            head=dict(type='mmfake.AlignmentUniformityHead'),
        ),
        trainable=trainable,
        data_preprocessor=dict(type='ActionDataPreprocessor', format_shape='NCTHW'),
        **kwargs,
    )


_NUMBER = itertools.count()


def runner(model, make_samples, folder, **kwargs):
    return Runner(
        model=model,
        work_dir=str(folder),
        train_dataloader=dict(
            dataset=Frames(make_samples),
            batch_size=2,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=pseudo_collate,
        ),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        # decay would show a frozen parameter that the optimizer still moves
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.1)),
        randomness=dict(seed=3),
        default_scope='mmaction',
        experiment_name=f'light_{os.getpid()}_{next(_NUMBER)}',  # mmengine's is the time in s
        **kwargs,
    )


def moved(before, model):
    after = model.state_dict()
    return {name for name, value in before.items() if not torch.equal(value, after[name])}


@pytest.mark.parametrize('patterns', [NORMS, BIASES], ids=['norms', 'biases'])
def test_only_what_matches_is_trained(patterns, make_samples, tmp_path):
    run = runner(detector(patterns), make_samples, tmp_path)
    before = copy.deepcopy(run.model.state_dict())
    run.train()
    part = 'norm' if patterns is NORMS else 'bias'
    expected = {name for name in before if name.startswith('binary.') or part in name.lower()}
    # the pre-trained weights and the position embeddings are bit for bit the same
    kept = 'backbone.backbone.model.vision_model.embeddings.patch_embedding.weight'
    assert kept in set(before) - expected
    assert {name for name, value in before.items() if value.ndim == 0} == set()
    # the bias of a key moves all scores of a query alike, which a softmax does not see
    moves = {name for name in expected if not name.endswith('k_proj.bias')}
    found = moved(before, run.model)
    assert moves <= found
    assert found <= expected
    # the optimizer has a state of what is trained alone
    assert len(run.optim_wrapper.optimizer.state_dict()['state']) == len(expected)
    text = next(tmp_path.glob('*/*.log')).read_text()
    counts = [run.model.get_parameter(name).numel() for name in expected]
    every = sum(parameter.numel() for parameter in run.model.parameters())
    assert f'Light tuning: {sum(counts):,} of {every:,} parameters are trained' in text
    assert '^binary 34 in 2 tensors' in text
    assert 'stays random' not in text


def test_batch_norms_of_frozen_parts_stand_still(make_samples, tmp_path):
    patterns = [r'second\.1', '^binary']
    run = runner(detector(patterns, dict(type=Convolutions)), make_samples, tmp_path)
    before = copy.deepcopy(run.model.state_dict())
    run.train()
    statistics = {f'backbone.second.1.{name}' for name in ('running_mean', 'running_var')}
    weights = {f'backbone.second.1.{name}' for name in ('weight', 'bias', 'num_batches_tracked')}
    heads = {name for name in before if name.startswith('binary.')}
    assert moved(before, run.model) == statistics | weights | heads
    model = MODELS.build(detector(patterns, dict(type=Convolutions, affine=False)))
    model.train()
    assert not model.backbone.first[1].training
    assert model.backbone.second[1].training
    assert not model.eval().backbone.second[1].training


def test_keys_are_normalised_as_queries_are():
    cfg = detector(['^binary'], dict(type=Convolutions))
    head = dict(type='mmfake.ContrastiveHead', in_channels=16, out_channels=8)
    del cfg['binary']['head']
    cfg['binary']['contrastive_head'] = dict(head, label_key='label_bin')
    model = MODELS.build(cfg)
    hook = LabelMoCoHook(queue_size=8)
    hook._build(SimpleNamespace(model=model))
    model.train()
    clips = torch.randn(6, 1, 3, 2, 4, 4)
    queries = model.contrastive_encoder()(clips)['binary']
    torch.testing.assert_close(hook.key_encoder(clips)['binary'], queries)
    # where every norm is trained, both have the statistics of the batch
    cfg['trainable'] = None
    model = MODELS.build(cfg).train()
    hook._build(SimpleNamespace(model=model))
    assert all(module.training for module in hook.key_encoder.modules())


def test_what_is_frozen_already_stays_frozen():
    backbone = dict(type='mmfake.S3D', frozen_stages=0)
    cfg = detector(['Conv_1a', 'Conv_2b', '^binary'], backbone)
    cfg['binary']['cls_head']['in_channels'] = 1024
    with pytest.raises(MMFakeError, match=r"'Conv_1a' matches only frozen parameters \(backbone.C"):
        MODELS.build(cfg)
    cfg['trainable'] = ['Conv_[12]', '^binary']
    model = MODELS.build(cfg)
    trained = {name.split('.')[1] for name, one in model.named_parameters() if one.requires_grad}
    assert trained == {'Conv_2b', 'cls_head'} | {'Conv_2c'}


@pytest.mark.parametrize(
    ('patterns', 'told'),
    [
        (['^backbone', 'binery'], "'binery' matches no parameter; the names are such as backbone."),
        (['('], r"'\(' is no regular expression"),
        ('norm', r"model.trainable='norm' is no list of patterns; set such as \['norm', "),
        ([], r'model.trainable=\[\] is no list of patterns'),
        ([3], '3 is no regular expression'),
    ],
)
def test_patterns_that_do_not_fit(patterns, told):
    with pytest.raises(MMFakeError, match=told):
        MODELS.build(detector(patterns))


def be_rank(rank, make_samples, folder):
    """Train as one of two processes; DDP ends the run if a parameter gets no gradient."""
    os.environ.update(LOCAL_RANK=str(rank))
    store = f'file://{folder}/store'
    torch.distributed.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    cfg = dict(model_wrapper_cfg=wrapper)
    run = runner(detector(NORMS), make_samples, folder / 'run', launcher='pytorch', cfg=cfg)
    before = copy.deepcopy(run.model.module.state_dict())
    run.train()
    state = run.model.module.state_dict()
    torch.save(dict(state=state, moved=moved(before, run.model.module)), folder / f'{rank}.pth')


def test_two_processes(make_samples, tmp_path):
    children = []
    for rank in range(2):
        child = os.fork()
        if not child:
            code = 1
            try:
                signal.alarm(240)
                with (tmp_path / f'{rank}.txt').open('w', buffering=1) as sys.stdout:
                    try:
                        be_rank(rank, make_samples, tmp_path)
                        code = 0
                    except BaseException:
                        traceback.print_exc(file=sys.stdout)
            finally:
                os._exit(code)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    assert statuses == [0, 0], (tmp_path / '0.txt').read_text()[-5000:]
    first, second = (torch.load(tmp_path / f'{rank}.pth', weights_only=False) for rank in range(2))
    assert first['moved'] == second['moved']
    assert {'norm' in name.lower() or name.startswith('binary.') for name in first['moved']} == {
        True
    }
    for name, value in first['state'].items():  # one model, by gradients that are averaged
        assert torch.equal(value, second['state'][name]), name


def test_a_head_that_stays_random_is_told(make_samples, tmp_path):
    run = runner(detector(NORMS[:1]), make_samples, tmp_path)
    before = copy.deepcopy(run.model.state_dict())
    run.train()
    assert not any(name.startswith('binary.') for name in moved(before, run.model))
    text = next(tmp_path.glob('*/*.log')).read_text()
    told = 'nothing of binary.cls_head is trained: it stays random unless weights are loaded into'
    assert f'WARNING - Light tuning: {told} it; add ^binary to model.trainable.' in text
