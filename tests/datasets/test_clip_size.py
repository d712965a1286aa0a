import copy

import pytest
from mmengine import Config

from mmfake.datasets.clip_size import set_clip_size
from mmfake.errors import MMFakeError

BASE = """
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=32, num_clips=4),
    dict(type='Resize', scale=(-1, 128)),
    dict(type='CenterCrop', crop_size=128),
]
train_dataloader = dict(
    batch_size=4,
    dataset=dict(type='RepeatDataset', times=2, dataset=dict(type='X', pipeline=[
        dict(type='SampleFrames', clip_len=32), dict(type='Resize', scale=(128, 128)),
    ])),
)
test_dataloader = dict(dataset=dict(type='X', pipeline=test_pipeline))
val_dataloader = None
"""


@pytest.fixture
def base(tmp_path):
    path = tmp_path / 'base.py'
    path.write_text(BASE)
    return path


def check(cfg):
    small = [
        dict(type='DecordInit'),
        dict(type='SampleFrames', clip_len=8, num_clips=4),
        dict(type='Resize', scale=(-1, 64)),
        dict(type='CenterCrop', crop_size=64),
    ]
    assert cfg.test_pipeline == cfg.test_dataloader.dataset.pipeline == small
    assert cfg.train_dataloader.dataset.dataset.pipeline == [
        dict(type='SampleFrames', clip_len=8),
        dict(type='Resize', scale=(64, 64)),
    ]
    assert cfg.train_dataloader.batch_size == 4


def test_loaded_config_is_changed_everywhere(base):
    cfg = Config.fromfile(base)
    set_clip_size(cfg, 8, 64)
    check(cfg)


def test_config_changes_what_it_inherits(base, tmp_path):
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(
        f"_base_ = '{base.name}'\n"
        'from mmfake.datasets.clip_size import set_clip_size\n'
        'set_clip_size(_base_, clip_len=8, image_size=64)\n'
    )
    cfg = Config.fromfile(leaf)
    check(cfg)
    assert 'set_clip_size' not in cfg
    again = tmp_path / 'dumped.py'
    cfg.dump(again)
    check(Config.fromfile(again))


def test_every_dataset_of_a_concatenation_is_changed(base):
    cfg = Config.fromfile(base)
    repeated = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(
        type='ConcatDataset', datasets=[repeated, copy.deepcopy(repeated.dataset)]
    )
    set_clip_size(cfg, 8, 64)
    first, second = cfg.train_dataloader.dataset.datasets
    assert first.dataset.pipeline == second.pipeline
    assert second.pipeline[0].clip_len == 8


def test_config_without_frames_to_sample_is_refused():
    with pytest.raises(MMFakeError, match='no pipeline of the config has SampleFrames'):
        set_clip_size(Config(dict(model=dict(type='X'))), 8, 64)
