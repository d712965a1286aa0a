"""Perturb in a pipeline: what is drawn by what, clip by clip, in training and test."""

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.config import Config

from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.perturbed import keep_kinds, perturb
from mmfake.datasets.samplers import SeededIndex
from mmfake.datasets.transforms.perturb import Perturb
from mmfake.engine.config import load_config
from mmfake.errors import MMFakeError
from mmfake.video.degradations import degrade

LEAF = 'configs/mtl/bin_ce_holdout_f2f.py'
VARIANT = 'configs/mtl/variants/bin_ce_perturbed_holdout_f2f.py'


def sample(n_clips=2, length=4, side=32, **more):
    rng = np.random.default_rng(5)
    pictures = list(rng.integers(0, 256, (n_clips * length, side, side, 3), np.uint8))
    indices = np.concatenate([np.arange(length) + 20 * clip for clip in range(n_clips)])
    return dict(imgs=pictures, frame_inds=indices, clip_len=length, avg_fps=30.0, **more)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other))


def test_with_a_seed_what_is_drawn_belongs_to_video_and_frame():
    step = TRANSFORMS.build(dict(type='mmfake.Perturb', kind='noise', level=2, seed=1))
    first = step(sample(video_id='a'))['imgs']
    np.random.rand(9)  # whatever else was drawn
    assert same(first, step(sample(video_id='a'))['imgs'])
    assert not same(first, step(sample(video_id='b'))['imgs'])
    assert not same(first, Perturb('noise', 2, seed=2)(sample(video_id='a'))['imgs'])
    # in another clip a frame gets the same noise
    later = sample(video_id='a')
    later['imgs'], later['frame_inds'] = later['imgs'][1:], later['frame_inds'][1:]
    later['clip_len'] = 1
    assert same(first[1:], step(later)['imgs'])


def test_without_a_seed_numpys_state_decides():
    step = Perturb(['noise', 'blur', 'contrast'], [1, 2])

    def draw(seed):
        np.random.seed(seed)
        return step(sample())['imgs']

    assert same(draw(0), draw(0))
    kinds = {
        (kind, level)
        for seed in range(60)
        for kind in step.kinds[1:]
        for level in step.levels
        if same(draw(seed), degrade(sample()['imgs'], kind, level))
    }
    assert (
        len(kinds) == 4
    )  # every one that is no noise was drawn for some sample, and for all of it


def test_each_clip_is_encoded_by_itself():
    inputs = sample(n_clips=3, filename='a.mp4')['imgs']
    seen = Perturb('h264', 4, seed=0)(sample(n_clips=3, filename='a.mp4'))['imgs']
    alone = [one for at in (0, 4, 8) for one in degrade(inputs[at : at + 4], 'h264', 4, fps=30.0)]
    assert same(seen, alone)
    assert not same(seen, degrade(inputs, 'h264', 4, fps=30.0))


def test_level_0_and_black_frames_pass():
    assert same(Perturb('patch', 0)(sample())['imgs'], sample()['imgs'])
    black = dict(imgs=[np.zeros((128, 128, 3), np.uint8)], unreadable='no frame')
    assert not Perturb('patch', 1)(black)['imgs'][0].any()


def test_small_frames_are_refused_whatever_is_drawn():
    for seed in range(8):
        np.random.seed(seed)
        with pytest.raises(MMFakeError, match="'patch' .* 32 x 32 px"):
            Perturb(['patch', 'blur'], 1)(sample())


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (dict(kind=['blur', 'fog'], level=1), "unknown degradation 'fog'"),
        (dict(kind='blur', level=[1, 7]), 'has no level 7'),
        (dict(kind=[], level=1), 'at least one of each'),
        (dict(kind='blur', level=1, seed=-1), 'from 0'),
    ],
)
def test_what_does_not_exist_is_refused(arguments, told):
    with pytest.raises(MMFakeError, match=told):
        Perturb(**arguments)


# --- in a config ----------------------------------------------------------------------------------


def steps_of(cfg, loader='train_dataloader'):
    return [step['type'] for step in cfg[loader]['dataset']['pipeline']]


def test_the_variant_perturbs_training_alone_and_before_the_frames_are_resized():
    leaf, variant = load_config(LEAF), load_config(VARIANT)
    names = steps_of(variant)
    assert names.pop(names.index('DecordDecode') + 1) == 'RandomApply'
    assert names == steps_of(leaf)
    for loader in ('val_dataloader', 'test_dataloader'):
        assert variant[loader] == leaf[loader]


def test_a_place_in_the_stream_decides_what_a_sample_gets(tiny_tree):
    cfg = load_config(VARIANT, scale='mini', data_root=str(tiny_tree))
    dataset = dict(cfg.train_dataloader.dataset)
    dataset.pop('type')
    plain, perturbed = (
        FFPPDataset(**dict(dataset, pipeline=cfg.train_pipeline[:n])) for n in (3, 4)
    )

    def changed(seeds):
        index = [SeededIndex(0, seed) for seed in seeds]
        return [not same(plain[one]['imgs'], perturbed[one]['imgs']) for one in index]

    first = changed(range(50))
    assert 8 <= sum(first) <= 22  # prob=0.3
    assert changed(range(10)) == first[:10]


def test_the_mini_scale_takes_out_patches():
    cfg = load_config(LEAF)
    perturb(cfg, 'train', ['patch', 'blur'], [1, 2], prob=0.5)
    perturb(cfg, 'test', ['patch', 'blur'], 1, seed=0)
    keep_kinds(cfg, ['blur', 'noise'])
    step = cfg.train_dataloader.dataset.pipeline[3]
    assert step['transforms'][0] == dict(type='mmfake.Perturb', kind=['blur'], level=[1, 2])
    step = cfg.test_dataloader.dataset.pipeline[3]
    assert step == dict(type='mmfake.Perturb', kind=['patch', 'blur'], level=1, seed=0)


def test_a_config_that_decodes_nothing_is_refused():
    cfg = Config(dict(train_dataloader=dict(dataset=dict(pipeline=[dict(type='Resize')]))))
    with pytest.raises(MMFakeError, match='no train pipeline of the config decodes frames'):
        perturb(cfg, 'train', 'blur', 1)
