"""Configs beside the grid: all methods in training, another compression."""

from pathlib import Path

import pytest
from mmaction.registry import MODELS

from mmfake.engine.config import load_config

CONFIGS = Path(__file__).parents[2] / 'configs' / 'mtl'
TOOLS = Path(__file__).parents[2] / 'tools'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


@pytest.mark.parametrize(
    ('name', 'compression'), [('bin_multi_ce_all', 'c23'), ('bin_multi_ce_all_c40', 'c40')]
)
def test_a_variant_is_what_the_options_make_of_a_leaf(name, compression):
    variant = load_config(str(CONFIGS / 'variants' / f'{name}.py'), work_dir='x')
    leaf = CONFIGS / 'bin_multi_ce_holdout_f2f.py'
    made = load_config(str(leaf), work_dir='x', holdout='none', compression=compression)
    assert variant.to_dict() == made.to_dict()
    for loader in LOADERS:
        dataset = variant[loader].dataset
        assert (dataset.holdout, dataset.compression) == (None, compression)
    variant.model.backbone.init_cfg = None
    heads = MODELS.build(variant.model).classifiers
    assert {key: head.num_classes for key, head in heads.items()} == dict(binary=2, multi=5)


def test_originals_alone_train_to_the_end_and_the_test_has_every_manipulation(
    tiny_tree, tmp_path, command, smoke
):
    """No video of a manipulation is there in training, not even on disk."""
    root = tmp_path / 'originals'
    root.mkdir()
    for name in ('original_sequences', 'splits', 'mini_ffpp.json'):
        (root / name).symlink_to(tiny_tree / name)
    config, scale = CONFIGS / 'variants' / 'sbi_ce_originals.py', ['--scale', smoke]
    words = [config, *scale, '--data-root', root, '--work-dir', 'run']
    done = command('python', TOOLS / 'train.py', *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '8 videos (4 original, 4 sbi (made))' in done.stdout + done.stderr
    assert 'acc_top1' in done.stdout + done.stderr
    words = [config, 'run/epoch_1.pth', *scale, '--work-dir', 'test']
    done = command('python', TOOLS / 'test.py', *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'scored 10 of 10 videos' in done.stdout + done.stderr
