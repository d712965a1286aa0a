"""The 24 configs: complete, consistent, and blind to the held-out manipulation until the test."""

import copy
import functools
import json
from pathlib import Path

import pytest
import torch
import yaml
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config

from mmfake.engine.config import load_config
from mmfake.engine.loaders import check_agreement
from mmfake.models.labelled_queue import LabelledQueue
from mmfake.models.recognizers.dual_stream_recognizer import ContrastiveEncoder

CONFIGS = Path(__file__).parents[2] / 'configs'
REGIMES = ['baseline_s3d', 'bin_ce', 'bin_con', 'bin_ce_con', 'bin_multi_ce', 'bin_multi_con']
HOLDOUTS = ['df', 'f2f', 'fs', 'nt']
GRID = [f'{regime}_holdout_{method}' for regime in REGIMES for method in HOLDOUTS]
MADE = ['sbi_ce', 'bin_multi_ce_sbi']  # with forgeries made while training, and not the paper's
MODEL_KEYS = ('model', 'custom_hooks')


@functools.lru_cache(maxsize=None)
def _read(name):
    return Config.fromfile(CONFIGS / 'mtl' / f'{name}.py')


def load(name):
    return copy.deepcopy(_read(name))


def text(part):
    return json.dumps(part, default=str, sort_keys=True)


def test_the_grid_is_complete():
    made = [f'{regime}_holdout_{method}' for regime in MADE for method in HOLDOUTS]
    assert sorted(path.stem for path in (CONFIGS / 'mtl').glob('*.py')) == sorted(GRID + made)


@pytest.mark.parametrize('method', HOLDOUTS)
def test_the_metafile_lists_every_config(method):
    models = yaml.safe_load((CONFIGS / 'mtl' / 'metafile.yml').read_text())['Models']
    listed = {model['Name']: model['Config'] for model in models}
    assert len(listed) == len(models)
    for regime in (*REGIMES, *MADE):
        name = f'{regime}_holdout_{method}'
        assert listed[name] == f'configs/mtl/{name}.py'


@pytest.mark.parametrize('name', GRID)
def test_a_leaf_is_only_a_list_of_bases(name):
    namespace = {}
    exec((CONFIGS / 'mtl' / f'{name}.py').read_text(), namespace)
    assert [key for key in namespace if key != '__builtins__'] == ['_base_']
    assert len(namespace['_base_']) == 4


def test_every_config_name_is_unique():
    """mim finds a config by its name alone."""
    names = [path.name for path in CONFIGS.rglob('*.py')]
    assert len(names) == len(set(names))


@pytest.mark.parametrize('regime', REGIMES)
def test_one_regime_is_one_model_over_the_hold_outs(regime):
    parts = {text([load(f'{regime}_holdout_{m}')[k] for k in MODEL_KEYS]) for m in HOLDOUTS}
    assert len(parts) == 1


@pytest.mark.parametrize('method', HOLDOUTS)
def test_one_hold_out_is_the_same_data_over_the_regimes(method):
    parts = set()
    for regime in REGIMES:
        cfg = load(f'{regime}_holdout_{method}').to_dict()
        parts.add(text({key: cfg[key] for key in cfg if key not in MODEL_KEYS}))
    assert len(parts) == 1


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    """The official layout with empty files: one pair of identities in each split."""
    root = tmp_path_factory.mktemp('ffpp')
    (root / 'splits').mkdir()
    for split, pair in (('train', '000 001'), ('val', '002 003'), ('test', '004 005')):
        a, b = pair.split()
        (root / 'splits' / f'{split}.json').write_text(json.dumps([[a, b]]))
        for folder, stems in [('original_sequences/youtube', (a, b))] + [
            (f'manipulated_sequences/{method}', (f'{a}_{b}', f'{b}_{a}'))
            for method in ('Deepfakes', 'Face2Face', 'FaceSwap', 'NeuralTextures')
        ]:
            videos = root / folder / 'c23' / 'videos'
            videos.mkdir(parents=True, exist_ok=True)
            for stem in stems:
                (videos / f'{stem}.mp4').touch()
    return str(root)


FOLDERS = dict(df='Deepfakes', f2f='Face2Face', fs='FaceSwap', nt='NeuralTextures')


@pytest.mark.parametrize('held_out', HOLDOUTS)
def test_the_held_out_manipulation_is_invisible_until_the_test(held_out, tree):
    cfg = load(f'bin_multi_con_holdout_{held_out}')  # the other regimes have the same data
    folders = {}
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = tree
        dataset = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
        files = [dataset.get_data_info(index)['filename'] for index in range(len(dataset))]
        folders[split] = {Path(file).parents[2].name for file in files}
    seen = {'youtube', *(folder for key, folder in FOLDERS.items() if key != held_out)}
    assert folders == dict(train=seen, val=seen, test={'youtube', FOLDERS[held_out]})
    assert cfg.default_hooks.checkpoint.save_best == 'deepfake/auc'  # of that validation


@pytest.mark.parametrize('regime', REGIMES)
def test_a_hook_feeds_the_contrastive_heads_and_only_them(regime):
    cfg = load(f'{regime}_holdout_df')
    hooks = [hook.type for hook in cfg.custom_hooks]
    assert hooks == (['mmfake.LabelMoCoHook'] if regime.split('_', 1)[1].count('con') else [])


@pytest.mark.parametrize('regime', REGIMES)
def test_builds_and_takes_a_batch(regime, make_samples):
    cfg = load(f'{regime}_holdout_nt')  # the other hold-outs have the same model
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    encoder = model.contrastive_encoder()
    if encoder is not None:
        assert isinstance(encoder, ContrastiveEncoder)
        model.attach_queues({stream: LabelledQueue(4, 128) for stream in encoder.heads})
    clips = [torch.randint(0, 256, (1, 3, 8, 32, 32), dtype=torch.uint8) for _ in range(2)]
    data = dict(inputs=clips, data_samples=make_samples([0, 1], [0, 3]))
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    total, _ = model.parse_losses(losses)
    assert total.isfinite()
    scores = [sample.pred_score for sample in model.test_step(data)]
    assert all(score.sum().item() == pytest.approx(1) for score in scores)


# ---- forgeries made while training


@pytest.mark.parametrize('regime', MADE)
@pytest.mark.parametrize('held_out', HOLDOUTS)
def test_forgeries_differ_from_the_regime_without_them_in_training_data_alone(regime, held_out):
    cfg = load(f'{regime}_holdout_{held_out}').to_dict()
    plain = dict(sbi_ce='bin_ce', bin_multi_ce_sbi='bin_multi_ce')[regime]
    without = load(f'{plain}_holdout_{held_out}').to_dict()
    dataset = cfg['train_dataloader']['dataset']
    steps = [step['type'] for step in dataset.pop('pipeline')]
    assert steps[2:5] == ['DecordDecode', 'mmfake.SelfBlend', 'mmfake.Recompress']
    assert steps[:3] + steps[5:] == [
        step['type'] for step in without['train_dataloader']['dataset'].pop('pipeline')
    ]
    assert dataset.pop('synthetic') == ['sbi']
    if regime == 'sbi_ce':
        assert dataset.pop('methods') == []
        assert list(cfg.pop('scales')) == ['mini']
    else:
        assert cfg['model']['multi']['cls_head'].pop('num_classes') == 5
        del without['model']['multi']['cls_head']['num_classes']
    del cfg['train_pipeline'], without['train_pipeline']
    assert cfg == without


def test_the_classes_follow_the_hold_out():
    for holdout, classes in (('none', 6), ('nt', 5)):
        path = CONFIGS / 'mtl' / 'bin_multi_ce_sbi_holdout_df.py'
        cfg = load_config(str(path), holdout=holdout, work_dir='x')
        assert cfg.model.multi.cls_head.num_classes == classes
        check_agreement(cfg)
        check_agreement(load_config(str(CONFIGS / 'mtl' / 'sbi_ce_holdout_df.py'), holdout=holdout))
