"""The variants that the READMEs show, as they stand there: one step of each, one trained."""

import re
import sys
from pathlib import Path

import pytest
from mmaction.registry import MODELS
from mmengine.hooks import Hook
from torch import nn

from mmfake.apis.run import build_runner
from mmfake.apis.train import set_training_options, train
from mmfake.datasets.clip_size import datasets_of
from mmfake.engine.config import load_config
from mmfake.engine.loaders import check_agreement
from mmfake.errors import MMFakeError

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools'
NAMES = ('README.md', 'configs/mtl/README.md', 'configs/frames/README.md')
PAGES = [ROOT / name for name in NAMES if (ROOT / name).is_file()]
BLOCKS = {
    match.group(1): match.group(0)
    for page in PAGES
    for match in re.finditer(r'(?<=```python\n)# (my_\w+\.py)\n.*?(?=```)', page.read_text(), re.S)
}


class FirstStepError(Exception):
    """Ends a training after its first step."""


class FirstStep(Hook):
    priority = 'LOWEST'

    def after_train_iter(self, *args, **kwargs):
        raise FirstStepError


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with ``configs`` in it, the current one: gives the path of a block saved there."""
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    monkeypatch.chdir(tmp_path)

    def save(name):
        Path(name).write_text(BLOCKS[name])
        return name

    return save


@pytest.fixture
def step(place, smoke):
    """Train a block for one step at the scale of seconds; gives config and weights."""

    def run(name, scale=smoke, data_root=None):
        cfg = load_config(place(name), str(scale), data_root, work_dir='work')
        set_training_options(cfg)
        runner = build_runner(cfg)
        runner.register_hook(FirstStep())
        with pytest.raises(FirstStepError):
            runner.train()
        assert 'train/loss' in runner.message_hub.log_scalars
        return cfg, runner.model.state_dict()

    return run


def test_every_shown_variant_is_run_here():
    assert set(BLOCKS) == {
        'my_slowonly.py',
        'my_weight.py',
        'my_clip.py',
        'my_perturbed.py',
        'my_faceshifter.py',
        'my_regime.py',
        'my_celebdf.py',
        'my_two.py',
        'my_tracker.py',
        'my_resnet.py',
        'my_frames.py',
        'my_forgeries.py',
        'my_norms.py',
    }


def test_another_backbone(step):
    _, weights = step('my_slowonly.py')
    assert weights['backbone.layer4.2.conv3.conv.weight'].shape[0] == 2048
    assert weights['multi.cls_head.layers.1.weight'].shape == (512, 2048)


def test_another_encoder_of_pictures(step):
    cfg, weights = step('my_resnet.py')
    assert weights['backbone.backbone.layer4.2.conv3.conv.weight'].shape[0] == 2048
    assert cfg.train_dataloader.dataset.pipeline[1].clip_len == 1


@pytest.mark.nightly
def test_another_regime_on_frames(step):
    _, weights = step('my_frames.py')
    assert weights['backbone.backbone.layers.6.conv.weight'].shape[0] == 1280
    assert weights['multi.contrastive_head.projection.0.weight'].shape[1] == 1280


def test_a_part_of_a_model(step):
    cfg, _ = step('my_norms.py')
    model = MODELS.build(cfg.model)
    norms = {
        f'backbone.{path}.{name}'
        for path, module in model.backbone.named_modules()
        if isinstance(module, nn.BatchNorm3d)
        for name in ('weight', 'bias')
    }
    trained = {name for name, one in model.named_parameters() if one.requires_grad}
    assert {name for name in trained if name.startswith('backbone.')} == norms
    assert {name.split('.')[0] for name in trained - norms} == {'binary', 'multi'}


def test_another_loss_weight(step):
    cfg, _ = step('my_weight.py')
    assert cfg.model.multi.cls_head.loss_cls.loss_weight == 0.5


def test_another_clip_size(step, tmp_path, smoke):
    scale = tmp_path / 'no_clip_size.py'  # the scale must not undo what the variant sets
    scale.write_text(re.sub('clip_size = .*', '', smoke.read_text()))
    cfg, _ = step('my_clip.py', scale)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        steps = {step['type']: step for step in loader.dataset.pipeline}
        assert steps['SampleFrames']['clip_len'] == 16
        assert steps['Resize']['scale'][1] == 112


def test_two_datasets(place):
    cfg = load_config(place('my_two.py'))
    check_agreement(cfg)
    parts = list(datasets_of(cfg.train_dataloader))
    assert [(part['data_root'], part['holdout']) for part in parts] == [
        ('data/ffpp', 'f2f'),
        ('data/celebdf2', None),
    ]
    assert cfg.model.multi.cls_head.num_classes == 5


def test_degraded_frames(step):
    cfg, _ = step('my_perturbed.py')
    kinds = ['noise', 'blur', 'pixelate']
    assert [step['type'] for step in cfg.train_dataloader.dataset.pipeline][3] == 'RandomApply'
    assert cfg.train_dataloader.dataset.pipeline[3]['transforms'][0]['kind'] == kinds


def test_a_fifth_manipulation(step, tiny_tree, tmp_path):
    root = tmp_path / 'five'
    (root / 'manipulated_sequences').mkdir(parents=True)
    for name in ('original_sequences', 'splits'):
        (root / name).symlink_to(tiny_tree / name)
    for folder in (tiny_tree / 'manipulated_sequences').iterdir():
        (root / 'manipulated_sequences' / folder.name).symlink_to(folder)
    (root / 'manipulated_sequences' / 'FaceShifter').symlink_to(
        tiny_tree / 'manipulated_sequences' / 'Deepfakes'
    )
    _, weights = step('my_faceshifter.py', data_root=str(root))
    assert weights['multi.cls_head.layers.7.weight'].shape[0] == 5


def test_forgeries_of_every_kind(step):
    cfg, weights = step('my_forgeries.py')
    steps = [step['type'] for step in cfg.train_dataloader.dataset.pipeline]
    assert steps[3:6] == ['mmfake.SelfBlend', 'mmfake.AttributeForgery', 'mmfake.Recompress']
    assert cfg.train_dataloader.dataset.methods == []
    assert not any(key.startswith('multi') for key in weights)


def test_a_regime_of_ones_own(step):
    _, weights = step('my_regime.py')
    heads = {key.split('.')[1] for key in weights if key.startswith('multi')}
    assert heads == {'cls_head', 'contrastive_head'}


def test_a_tracker_whose_package_is_missing_ends_in_one_line(place, smoke, monkeypatch):
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', None)
    monkeypatch.setitem(sys.modules, 'tensorboardX', None)
    cfg = load_config(place('my_tracker.py'), str(smoke), work_dir='work')
    with pytest.raises(MMFakeError, match='a package is missing: .*tensorboard'):
        train(cfg)


def test_another_dataset_for_the_test(place, tmp_path, smoke, tiny_tree, command):
    scale = tmp_path / 'no_data_root.py'  # the scale must not undo what the variant sets
    scale.write_text(re.sub('data_root = .*', '', smoke.read_text()))
    options = ['--scale', smoke, '--work-dir', 'work']
    done = command('python', TOOLS / 'train.py', place('my_weight.py'), *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / 'data' / 'celebdf2'
    folder.mkdir(parents=True)
    film = next(tiny_tree.glob('original_sequences/youtube/c23/videos/*.mp4')).read_bytes()
    rows = [
        'id,path,method,compression,target,source,split,frames,fps,status,reason',
        'celebdf2/original/released/id0_0000,a.mp4,original,released,id0_0000,,test,12,25,used,',
        'celebdf2/cdf/released/id0_id1_0000,b.mp4,cdf,released,id0_0000,id1,test,12,25,used,',
        'celebdf2/cdf/released/id1_id0_0000,,cdf,released,id1_0000,id0,test,,,no-face,no face',
    ]
    (folder / 'index.csv').write_text('\n'.join(rows) + '\n')
    for name in ('a.mp4', 'b.mp4'):
        (folder / name).write_bytes(film)
    words = [place('my_celebdf.py'), 'work/epoch_1.pth', '--scale', scale, '--work-dir', 'cross']
    done = command('python', TOOLS / 'test.py', *words, cwd=tmp_path)
    assert 'scored 2 of 3 videos; not scored: 1' in done.stdout, done.stderr
