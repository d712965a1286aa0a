"""Settings of a config, and what is said of a run that goes on with others."""

import pytest
from mmengine.config import Config

from mmfake.engine.settings import read_text, remark_on_training

CFG = dict(
    model=dict(
        type='A',
        backbone=dict(type='B', init_cfg=dict(checkpoint='a.pth')),
        cls_head=dict(dropout_ratio=0.2, loss=[dict(type='X', weight=1.0), dict(type='Y')]),
    ),
    train_dataloader=dict(
        batch_size=4,
        num_workers=2,
        dataset=dict(data_root='data', pipeline=[dict(type='Resize', scale=(-1, 64))]),
    ),
    optim_wrapper=dict(optimizer=dict(lr=0.1), clip_grad=None, **{'a.b': 1}),
    train_cfg=dict(max_epochs=3),
)


def test_a_dumped_config_is_read_as_it_is():
    plain = read_text(Config(CFG).pretty_text)
    assert plain['model'] == CFG['model']
    assert plain['optim_wrapper'] == CFG['optim_wrapper']
    assert plain['train_dataloader']['dataset']['pipeline'][0]['scale'] == [-1, 64]


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        ({}, None),
        ({'model.cls_head.loss.0.weight': 0.5}, 'model.cls_head.loss.0.weight: 1.0, now 0.5)'),
        ({'train_dataloader.dataset.pipeline.0.scale': (-1, 32)}, '[-1, 64], now [-1, 32])'),
        ({'model.cls_head.dropout_ratio': 0, 'train_dataloader.batch_size': 8}, ' and 1 more)'),
        ({'custom_hooks': [dict(type='New')]}, 'custom_hooks.0.type: not there, now "New")'),
        # what changes nothing, what is compared elsewhere
        ({'train_cfg.max_epochs': 9, 'optim_wrapper.optimizer.lr': 1.0}, None),
        ({'train_dataloader.num_workers': 0, 'train_dataloader.dataset.data_root': '/x'}, None),
        ({'model.backbone.init_cfg.checkpoint': 'b.pth', 'load_from': 'c.pth'}, None),
    ],
)
def test_a_run_that_goes_on_with_another_config_is_told(options, told):
    now = Config(CFG)
    now.merge_from_dict(options)
    remark = remark_on_training(Config(CFG).pretty_text, now)
    assert bool(remark) == bool(told)
    assert (told or '') in remark


def test_the_text_of_a_stranger_is_never_run(tmp_path):
    mark = tmp_path / 'ran'
    text = f"import os\nmodel = dict(type=open({str(mark)!r}, 'w'))\nos.mkdir({str(mark)!r})"
    assert remark_on_training(text, Config(CFG))
    assert not mark.exists()
    for text in ('model = dict(', None, 3, '\0', '-' * 100000 + '1', '(' * 1000):
        assert remark_on_training(text, Config(CFG)) == ''
