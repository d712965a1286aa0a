"""The joint-embedding family: every row of the paper's Table 3, the hold-outs, the mini scale."""

import copy
import os
import signal
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, MODELS, TRANSFORMS
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper

from mmfake.apis import test as test_module
from mmfake.apis.test import set_test_options
from mmfake.datasets.samplers import drawing_with
from mmfake.engine.config import load_config
from mmfake.errors import MMFakeError

transformers = pytest.importorskip('transformers', reason='the extra clip is not installed')

FOLDER = Path(__file__).parents[2] / 'configs' / 'joint_embedding'
HOLDOUTS = ['df', 'f2f', 'fs', 'nt']
ALL, TWO, ONE = ['binary', 'global', 'local'], ['binary', 'global'], ['binary']
# the end of its name -> number of texts, levels that have a loss, whether they are weighed
ROWS = {
    '': (16, ALL, True),
    '_pretrained': (16, ALL, True),
    '_frozen_text': (16, ALL, True),
    '_equal_weights': (16, ALL, False),
    '_no_pairs': (8 + 1, ALL, True),
    '_binary': (2, ONE, False),
    '_two_levels': (2 * 4, TWO, True),
    '_joint_templates': (2 * 3 * 4, ALL, True),
    '_vit_b16': (16, ALL, True),
    '_vit_l14': (16, ALL, True),
    '_bce': (16, ALL, True),
    '_graph': (16, ALL, True),
    '_baseline': (1, ONE, False),
    '_no_aug': (16, ALL, True),
}


def read(row, **kwargs):
    return load_config(str(FOLDER / f'joint_embedding{row}.py'), work_dir='x', **kwargs)


def test_every_row_of_the_table_and_every_hold_out_is_a_leaf():
    rows = [*ROWS, *(f'_holdout_{key}' for key in HOLDOUTS)]
    assert {path.stem for path in FOLDER.glob('*.py')} == {f'joint_embedding{row}' for row in rows}


def differences(one, other, way=''):
    """Dotted keys whose values differ."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return [] if one == other else [way[:-1]]
    keys = sorted({*one, *other})
    return [key for k in keys for key in differences(one.get(k), other.get(k), f'{way}{k}.')]


HEAD = 'model.binary.cls_head'
PIPELINE = 'train_dataloader.dataset.dataset.pipeline'


@pytest.mark.parametrize(
    ('row', 'changed'),
    [
        ('_pretrained', []),
        ('_frozen_text', [f'{HEAD}.train_text']),
        ('_equal_weights', ['custom_hooks']),
        ('_no_pairs', [f'{HEAD}.prompts.one_sided']),
        ('_binary', ['custom_hooks', f'{HEAD}.prompts.levels']),
        ('_two_levels', ['custom_hooks', f'{HEAD}.prompts.levels']),
        ('_joint_templates', [f'{HEAD}.prompts.scale', f'{HEAD}.prompts.type']),
        ('_vit_b16', ['model.backbone.backbone.pretrained', f'{HEAD}.text.pretrained']),
        ('_vit_l14', ['model.backbone.backbone.pretrained', f'{HEAD}.text.pretrained']),
        ('_bce', [f'{HEAD}.loss_cls.type']),
        ('_graph', [f'{HEAD}.loss_cls.type', f'{HEAD}.prompts.type']),
        (
            '_baseline',
            [
                *('custom_hooks', f'{HEAD}.loss_cls.type', f'{HEAD}.prompts.levels'),
                *(f'{HEAD}.prompts.one_sided', PIPELINE),
            ],
        ),
        ('_no_aug', [PIPELINE]),
    ],
)
def test_a_row_differs_from_the_default_in_nothing_else(row, changed):
    parts = ('model', 'custom_hooks', 'train_dataloader', 'val_dataloader', 'test_dataloader')
    parts += ('optim_wrapper', 'param_scheduler', 'train_cfg', 'default_hooks')
    default, other = ({key: read(name).to_dict()[key] for key in parts} for name in ('', row))
    assert differences(default, other) == changed


@pytest.mark.parametrize('key', HOLDOUTS)
def test_a_hold_out_leaf_is_what_the_option_makes_of_the_default(key):
    assert read(f'_holdout_{key}').to_dict() == read('', holdout=key).to_dict()


@pytest.fixture
def samples(make_samples):
    made = make_samples([0, 1])
    for sample, row in zip(made, ([0] * 7, [0, 1, 0, 1, 0, 1, 1])):
        sample.set_field(tuple(row), 'attributes')
    return made


@pytest.mark.parametrize('row', ROWS)
def test_a_step_of_every_row(row, samples):
    cfg = read(row, scale='mini')
    texts, levels, weighed = ROWS[row]
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    assert len(model.cls_head.tokens) == texts
    names = {f'binary.loss_{level}' for level in levels}
    told = {name for hook in cfg.custom_hooks for name in hook['losses']}
    assert told == (names if weighed else set())

    frames = [torch.randint(0, 256, (2, 3, 1, 64, 64), dtype=torch.uint8) for _ in range(2)]
    data = dict(inputs=frames, data_samples=samples)
    losses = model(**model.data_preprocessor(copy.deepcopy(data), True), mode='loss')
    assert {name for name in losses if 'loss' in name} == names
    model.parse_losses(losses)[0].backward()
    # both encoders move, every one of their weights, and there is no temperature among them
    frozen = 'binary.cls_head.text.' if row == '_frozen_text' else '-'
    for name, value in model.named_parameters():
        moved = value.grad is not None and bool(value.grad.abs().sum() > 0)
        assert moved != name.startswith(frozen) or name.endswith('k_proj.bias'), name
        assert 'logit_scale' not in name
    scores = [sample.pred_score for sample in model.eval().test_step(data)]
    assert all(score.sum().item() == pytest.approx(1) for score in scores)


def train_as(rank, store, samples):
    """Be one of two ranks: three steps under DDP, which complains of unused weights."""
    init = dict(init_method=f'file://{store}', rank=rank, world_size=2)
    torch.distributed.init_process_group('gloo', **init)
    torch.manual_seed(0)
    model = MMDistributedDataParallel(MODELS.build(read('', scale='mini').model))
    optimizer = OptimWrapper(torch.optim.AdamW(model.parameters(), lr=1e-3))
    for _ in range(3):
        frames = [torch.randint(0, 256, (1, 3, 1, 64, 64), dtype=torch.uint8) for _ in range(2)]
        model.train_step(dict(inputs=frames, data_samples=samples), optimizer)


@pytest.mark.parametrize('unreadable', [False, True])
def test_two_processes_leave_no_weight_unused(unreadable, samples, tmp_path):
    children = []
    for rank in range(2):
        if unreadable and rank:  # every video of a batch
            for sample in samples:
                sample.set_metainfo(dict(unreadable='no frame'))
        child = os.fork()
        if not child:
            code = 1
            try:
                signal.alarm(120)
                train_as(rank, tmp_path / 'store', samples)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]


def test_the_model_of_full_scale_is_the_published_one():
    """ViT-B/32 without its temperature: 151,277,313 parameters less one."""
    cfg = read('')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert sum(value.numel() for value in model.parameters()) == 151277312


@pytest.mark.parametrize('row', ['', '_holdout_f2f'])
def test_what_training_sees(row, tiny_tree):
    cfg = read(row, data_root=str(tiny_tree), scale='mini')
    cfg.train_dataloader.dataset.dataset.data_root = str(tiny_tree)
    loaders = [cfg[f'{name}_dataloader'].dataset for name in ('train', 'val', 'test')]
    train, val, test = (DATASETS.build(copy.deepcopy(loader)).metainfo for loader in loaders)
    methods = [key for key in HOLDOUTS if not row.endswith(key)]
    forgeries = ['eyeexpr', 'physeye', 'physillum', 'physmouth', 'physnose']
    assert list(train['multi_classes']) == ['original', *methods, *forgeries]
    assert list(val['multi_classes']) == ['original', *methods]
    tested = {video['method'] for video in test['expected_videos'].values()}
    assert tested == ({'original', 'f2f'} if row else {'original', *HOLDOUTS})


def test_another_reading_of_the_labels_is_one_line(tiny_tree, tmp_path):
    path = tmp_path / 'all.py'
    path.write_text(
        f'_base_ = {str(FOLDER / "joint_embedding.py")!r}\n'
        'from mmfake.engine.loaders import set_in_datasets\n'
        "set_in_datasets(_base_, 'attributes', dict(df=['identity', 'eye', 'illumination']))\n"
    )
    cfg = load_config(str(path), scale='mini', data_root=str(tiny_tree), work_dir='x')
    for name in ('train', 'val', 'test'):
        dataset = DATASETS.build(copy.deepcopy(cfg[f'{name}_dataloader'].dataset))
        told = {}
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            told.setdefault(info['method'], set()).add(info['attributes'])
        assert told['df'] == {(0, 1, 0, 1, 1, 0, 0)}
        assert told['fs'] == {(0, 1, 0, 1, 0, 1, 1)}
    cfg.val_dataloader.dataset.attributes = dict(df=['ear'])
    with pytest.raises(MMFakeError, match="manipulation 'df': attributes=.*'ear'.* no list of nam"):
        DATASETS.build(cfg.val_dataloader.dataset)


def test_pre_trained_weights_are_tested_without_a_checkpoint(tiny_tree, tmp_path, monkeypatch):
    """Row (1): what a folder of the hub's layout holds is in the model that scores."""
    sizes = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2)
    image = dict(sizes, image_size=64, patch_size=16)
    config = transformers.CLIPConfig(vision_config=image, text_config=sizes, projection_dim=8)
    clip = transformers.CLIPModel(config)
    clip.save_pretrained(tmp_path / 'clip')
    cfg = read('_pretrained', scale='mini', data_root=str(tiny_tree))
    cfg.work_dir = str(tmp_path / 'work')
    for part in (cfg.model.backbone.backbone, cfg.model.binary.cls_head.text):
        part.update(pretrained=str(tmp_path / 'clip'), config=None)
    set_test_options(cfg, 'pretrained')
    runners = []
    build = test_module.build_runner
    monkeypatch.setattr(
        test_module, 'build_runner', lambda *a, **k: runners.append(build(*a, **k)) or runners[0]
    )
    metrics = test_module.test(cfg)
    assert metrics['deepfake/n_scored'] == metrics['deepfake/n_expected'] > 0
    stored, model = clip.state_dict(), runners[0].model
    for tower in (model.backbone.backbone.model, model.cls_head.text.model):
        for name, value in tower.state_dict().items():
            assert torch.equal(value, stored[name]), name


@pytest.mark.parametrize('row', ['', '_no_aug'])
def test_frames_of_full_scale(row):
    """From a decoded frame of 317 px to what the encoder takes, whatever degradation is drawn."""
    pipeline = read(row).train_dataloader.dataset.dataset.pipeline
    decoder = [step['type'] for step in pipeline].index('DecordDecode')
    steps = [TRANSFORMS.build(dict(step)) for step in pipeline[decoder + 1 :]]
    frame = np.random.default_rng(0).integers(0, 256, (317, 317, 3), dtype=np.uint8)
    whole = dict(clip_len=1, num_clips=1, frame_inds=np.array([3]), total_frames=9, avg_fps=25.0)
    whole.update(method='original', label_bin=0, label_multi=0, attributes=(0,) * 7, sample_idx=0)
    for seed in range(8):
        with drawing_with(seed):
            results = dict(whole, imgs=[frame.copy()], original_shape=(317, 317), video_id='x')
            for step in steps:
                results = step(results)
        assert results['inputs'].shape == (1, 3, 1, 224, 224)
        assert results['data_samples'].attributes == (0,) * 7
