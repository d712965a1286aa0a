"""The variants that the README shows, run as they stand there."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmfake.apis.test import test_detector as run_test
from mmfake.apis.train import train_detector

ROOT = Path(__file__).parents[2]
BLOCKS = {
    match.group(1): match.group(0)
    for match in re.finditer(
        r'(?<=```python\n)# (my_\w+\.py)\n.*?(?=```)', (ROOT / 'README.md').read_text(), re.S
    )
}


@pytest.fixture
def train(tmp_path, smoke, tiny_tree, monkeypatch):
    """Save a block beside ``configs`` and train it, at the scale of seconds."""
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    monkeypatch.chdir(tmp_path)

    def run(name, *options, scale=smoke):
        Path(name).write_text(BLOCKS[name])
        train_detector([name, '--scale', str(scale), '--work-dir', 'work', *map(str, options)])
        checkpoint = torch.load('work/epoch_1.pth', weights_only=False)
        return Config.fromfile(f'work/{name}'), checkpoint['state_dict']

    return run


def test_every_shown_variant_is_run_here():
    assert set(BLOCKS) == {
        'my_slowonly.py',
        'my_weight.py',
        'my_clip.py',
        'my_faceshifter.py',
        'my_regime.py',
        'my_celebdf.py',
    }


def test_another_backbone(train):
    _, weights = train('my_slowonly.py')
    assert weights['backbone.layer4.2.conv3.conv.weight'].shape[0] == 2048
    assert weights['multi.cls_head.layers.1.weight'].shape == (512, 2048)


def test_another_loss_weight(train):
    cfg, _ = train('my_weight.py')
    assert cfg.model.multi.cls_head.loss_cls.loss_weight == 0.5


def test_another_clip_size(train, tmp_path, smoke):
    scale = tmp_path / 'no_clip_size.py'  # the scale must not undo what the variant sets
    scale.write_text(re.sub('clip_size = .*', '', smoke.read_text()))
    cfg, _ = train('my_clip.py', scale=scale)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        steps = {step['type']: step for step in loader.dataset.pipeline}
        assert steps['SampleFrames']['clip_len'] == 16
        assert steps['Resize']['scale'][1] == 112


def test_a_fifth_manipulation(train, tiny_tree, tmp_path):
    root = tmp_path / 'five'
    (root / 'manipulated_sequences').mkdir(parents=True)
    for name in ('original_sequences', 'splits'):
        (root / name).symlink_to(tiny_tree / name)
    for folder in (tiny_tree / 'manipulated_sequences').iterdir():
        (root / 'manipulated_sequences' / folder.name).symlink_to(folder)
    (root / 'manipulated_sequences' / 'FaceShifter').symlink_to(
        tiny_tree / 'manipulated_sequences' / 'Deepfakes'
    )
    _, weights = train('my_faceshifter.py', '--data-root', root)
    assert weights['multi.cls_head.layers.7.weight'].shape[0] == 5


def test_a_regime_of_ones_own(train):
    _, weights = train('my_regime.py')
    heads = {key.split('.')[1] for key in weights if key.startswith('multi')}
    assert heads == {'cls_head', 'contrastive_head'}


def test_another_dataset_for_the_test(train, tmp_path, smoke, tiny_tree, capfd):
    scale = tmp_path / 'no_data_root.py'  # the scale must not undo what the variant sets
    scale.write_text(re.sub('data_root = .*', '', smoke.read_text()))
    train('my_weight.py')
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
    Path('my_celebdf.py').write_text(BLOCKS['my_celebdf.py'])
    words = ['my_celebdf.py', 'work/epoch_1.pth', '--scale', scale, '--work-dir', 'cross']
    run_test([str(word) for word in words])
    assert 'scored 2 of 3 videos; not scored: 1' in capfd.readouterr().out
