import copy
from pathlib import Path

import mmaction.datasets.transforms  # noqa: F401 (fills the registry)
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine import Config
from mmengine.dataset import Compose
from mmengine.runner import Runner

BASES = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets'
HOLD_OUTS = ('df', 'f2f', 'fs', 'nt')
SPLITS = ('train', 'val', 'test')
BROKEN = {
    'ffpp/original/c23/000': 'text',
    'ffpp/df/c23/000_001': 'empty',
    'ffpp/fs/c23/002_003': 'shorter than a clip',
    'ffpp/original/c23/008': 'truncated',
}


@pytest.fixture(scope='module')
def base():
    return Config.fromfile(BASES / 'ffpp.py')


@pytest.fixture
def damaged_tree(make_tree, video_writer):
    """Real videos of 32 to 40 frames, three of them broken and one of 3."""
    written = iter(range(1000))

    def write(path):
        number = next(written)
        video_writer(path, frames=(40, 32, 36)[number % 3], size=64, seed=number)

    tree = make_tree(write=write)
    content = tree.path('original', '008').read_bytes()
    tree.path('original', '008').write_bytes(content[: len(content) // 2])
    tree.path('original', '000').write_text('no video')
    tree.path('df', '000_001').write_bytes(b'')
    video_writer(tree.path('fs', '002_003'), frames=3)
    return tree


def small(loader, tree, **changes):
    """The shipped loader on a small tree."""
    loader = copy.deepcopy(loader)
    loader.update(dict(num_workers=2, persistent_workers=False), **changes)
    loader.dataset.update(data_root=str(tree.root), holdout='f2f')
    return loader


def test_everything_names_registered_parts(base):
    for split in SPLITS:
        loader = base[f'{split}_dataloader']
        assert loader.dataset.type == 'mmfake.FFPPDataset'
        assert loader.dataset.split == split
        assert loader.dataset.holdout is None
        assert loader.dataset.pipeline == base[f'{split}_pipeline']
        for transform in loader.dataset.pipeline:
            assert TRANSFORMS.get(transform.type) is not None, transform.type


def test_pipelines_begin_as_mmactions_inferencers_expect_and_decode_exactly(base):
    for split in SPLITS:
        pipeline = base[f'{split}_pipeline']
        names = [transform.type for transform in pipeline]
        assert names[:3] == ['mmfake.VideoInit', 'SampleFrames', 'DecordDecode']
        assert names[-2:] == ['FormatShape', 'PackActionInputs']
        assert pipeline[0].get('num_threads', 1) == 1
        assert pipeline[2].get('mode', 'accurate') == 'accurate'
        assert pipeline[1].get('test_mode', False) == (split != 'train')
        assert [pipeline[1].clip_len, pipeline[1].frame_interval] == [32, 1]


def test_only_training_drops_its_last_batch_and_only_training_is_balanced(base):
    assert base.train_dataloader.drop_last is True
    assert base.train_dataloader.sampler == dict(type='mmfake.PairedSampler')
    for split in ('val', 'test'):
        assert not base[f'{split}_dataloader'].get('drop_last', False)
        assert base[f'{split}_dataloader'].sampler == dict(type='DefaultSampler', shuffle=False)
        assert base[f'{split}_dataloader'].dataset.test_mode is True


@pytest.mark.parametrize('holdout', HOLD_OUTS)
def test_hold_out_file_changes_the_hold_out_of_all_splits_and_nothing_else(base, holdout):
    cfg = Config.fromfile(BASES / f'ffpp_holdout_{holdout}.py')
    for split in SPLITS:
        assert cfg[f'{split}_dataloader'].dataset.pop('holdout') == holdout
    plain = copy.deepcopy(base)
    for split in SPLITS:
        plain[f'{split}_dataloader'].dataset.pop('holdout')
    assert cfg.to_dict() == plain.to_dict()


def test_augmentation_is_drawn_once_per_clip(base):
    """The same frame 32 times in: 32 equal frames out, and another clip is drawn otherwise."""
    names = [transform.type for transform in base.train_pipeline]
    steps = base.train_pipeline[3 : names.index('FormatShape')]
    assert {'RandomResizedCrop', 'Flip', 'RandomApply'} <= {step.type for step in steps}
    frame = np.random.default_rng(0).integers(0, 256, (48, 56, 3)).astype(np.uint8)
    for chain in [*([step] for step in steps), steps]:
        chain = Compose(chain)
        outputs = []
        for draw in range(12):
            np.random.seed(draw)
            clip = dict(
                imgs=[frame.copy() for _ in range(32)], img_shape=frame.shape[:2], modality='RGB'
            )
            frames = chain(clip)['imgs']
            assert all((other == frames[0]).all() for other in frames[1:])
            outputs.append(frames[0].tobytes())
        is_random = chain.transforms[0].__class__.__name__ != 'Resize'
        assert (len(set(outputs)) > 1) == is_random


def test_crop_never_enlarges_a_stored_face(base):
    crop = TRANSFORMS.build(next(t for t in base.train_pipeline if t.type == 'RandomResizedCrop'))
    boxes = [
        crop.get_crop_bbox((160, 160), crop.area_range, crop.aspect_ratio_range)
        for _ in range(2000)
    ]
    sides = [side for x0, y0, x1, y1 in boxes for side in (x1 - x0, y1 - y0)]
    assert min(sides) >= 126  # 160 * sqrt(0.7 * 0.9) = 127, to within rounding
    assert max(sides) <= 160


def test_wide_video_is_not_squeezed_when_tested(base):
    """A circle stays a circle: its width and height agree after the test's resize and crop."""
    y, x = np.mgrid[:180, :320]
    disc = ((x - 160) ** 2 + (y - 90) ** 2 < 60**2).astype(np.uint8) * 255
    frame = np.repeat(disc[..., None], 3, axis=2)
    steps = [t for t in base.test_pipeline if t.type in ('Resize', 'CenterCrop')]
    out = Compose(steps)(dict(imgs=[frame], img_shape=(180, 320), modality='RGB'))['imgs'][0]
    assert out.shape == (128, 128, 3)
    shape = out[..., 0] > 127
    assert abs(shape.any(0).sum() - shape.any(1).sum()) <= 1


def test_train_loader_gives_balanced_batches_with_broken_videos_in_place(base, damaged_tree):
    loader = Runner.build_dataloader(
        small(base.train_dataloader, damaged_tree, batch_size=4), seed=0
    )
    assert (len(loader), len(loader.dataset)) == (6, 24)
    seen = {}
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            clips, samples = batch['inputs'], batch['data_samples']
            assert [clip.shape for clip in clips] == [(1, 3, 32, 128, 128)] * 4
            assert all(clip.dtype.itemsize == 1 for clip in clips)
            assert [sample.label_bin for sample in samples] == [0, 1, 0, 1]
            for clip, sample in zip(clips, samples):
                broken = sample.video_id in BROKEN
                assert ('unreadable' in sample.metainfo) == broken
                assert bool(clip.any()) != broken
                info = loader.dataset.get_data_info(sample.sample_idx)
                for key in ('video_id', 'method', 'filename', 'label_multi', 'label_bin'):
                    assert getattr(sample, key) == info[key]
                assert sample.gt_label.item() == sample.label_bin
                seen[sample.video_id] = sample
    assert len(seen) == 24
    assert {name for name, s in seen.items() if 'unreadable' in s.metainfo} == set(BROKEN) - {
        'ffpp/original/c23/008'
    }


def test_test_loader_gives_every_video_once_with_four_clips(base, damaged_tree):
    loader = Runner.build_dataloader(
        small(base.test_dataloader, damaged_tree, batch_size=3), seed=0
    )
    videos, unreadable = [], {}
    for batch in loader:
        for clips, sample in zip(batch['inputs'], batch['data_samples']):
            assert clips.shape == (4, 3, 32, 128, 128)
            assert sample.num_clips == 4
            videos.append(sample.video_id)
            if 'unreadable' in sample.metainfo:
                unreadable[sample.video_id] = sample.unreadable
    assert sorted(videos) == sorted(loader.dataset.metainfo['expected_videos'])
    assert list(unreadable) == ['ffpp/original/c23/008']


def test_clips_of_the_test_reach_from_the_first_frame_to_the_last(base, tmp_path, video_writer):
    path = tmp_path / 'long.mp4'
    video_writer(path, frames=56)
    head = Compose(base.test_pipeline[:2])
    results = head(dict(filename=str(path), start_index=0, modality='RGB'))
    clips = results['frame_inds'].reshape(4, 32)
    assert [clip[0] for clip in clips] == [0, 8, 16, 24]  # 56 - 32 = 24 in three steps
    assert (np.diff(clips, axis=1) == 1).all()


def test_inferencer_of_mmaction_accepts_the_test_pipeline(base, tmp_path, video_writer):
    from mmaction.apis.inferencers import ActionRecogInferencer

    path = tmp_path / 'one.mp4'
    video_writer(path)
    inferencer = ActionRecogInferencer.__new__(ActionRecogInferencer)
    inferencer.__dict__.update(input_format='video', pack_cfg={})
    cfg = Config(dict(base.to_dict(), model=dict(type='mmfake.DualStreamRecognizer')))
    pipeline = inferencer._init_pipeline(cfg)
    packed = pipeline(str(path))
    assert packed['inputs'].shape[1:] == (3, 32, 128, 128)
