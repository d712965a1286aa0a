"""Configs beside the grid: all methods in training, another compression."""

from pathlib import Path

import pytest
from mmaction.registry import MODELS

from mmfake.engine.config import load_config

CONFIGS = Path(__file__).parents[2] / 'configs' / 'mtl'
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
