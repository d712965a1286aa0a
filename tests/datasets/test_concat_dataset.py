"""Several datasets as one: the labels, and what a checkpoint knows of its training."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset

import mmfake.register  # noqa: F401 - ConcatDataset is the one of mmfake
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.samplers import PairedSampler
from mmfake.errors import MMFakeError

ROOT = Path(__file__).parents[2]
TRAIN, TEST = ROOT / 'tools' / 'train.py', ROOT / 'tools' / 'test.py'
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'


@pytest.fixture
def part(small_tree):
    def make(*methods, holdout=None, **kwargs):
        settings = dict(type='FFPPDataset', pipeline=[], data_root=str(small_tree.root), **kwargs)
        return dict(settings, methods=list(methods), holdout=holdout)

    return make


def joined(*parts, **kwargs):
    return DATASETS.build(dict(type='ConcatDataset', datasets=list(parts), **kwargs))


def labels(dataset):
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    return {(info['method'], info['label_bin'], info['label_multi']) for info in infos}


@pytest.mark.parametrize(
    'kwargs', [{}, dict(ignore_keys=['expected_videos']), dict(lazy_init=True)]
)
def test_every_part_counts_the_methods_of_all(part, kwargs):
    repeated = dict(type='RepeatDataset', times=2, dataset=part('df'))
    dataset = joined(part('nt', 'f2f', holdout='f2f'), repeated, **kwargs)
    dataset.full_init()
    assert labels(dataset) == {('original', 0, 0), ('df', 1, 1), ('nt', 1, 2)}
    assert dataset.metainfo['multi_classes'] == ('original', 'df', 'nt')
    assert dataset.metainfo['holdout'] == 'f2f'


def test_what_is_known_of_the_videos_is_that_of_all(part):
    parts = part('df', split='train'), part('df', split='val'), part('df', split='test')
    alone = [DATASETS.build(one).metainfo for one in parts]
    known = joined(*parts).metainfo
    for key in ('expected_videos', 'clip_sizes'):
        assert known[key] == {**alone[0][key], **alone[1][key], **alone[2][key]}
        assert len(known[key]) == sum(len(one[key]) for one in alone) > 0
    assert known['datasets'] == ['ffpp']


def test_the_forgeries_come_last(part):
    forged = part('df', synthetic=['sbi'], without_points='centre')
    sampled = dict(type='SampleFrames', clip_len=4, num_clips=1)
    forged['pipeline'] = [sampled, dict(type='DecordDecode'), dict(type='mmfake.SelfBlend')]
    assert joined(forged, part('nt')).metainfo['multi_classes'] == ('original', 'df', 'nt', 'sbi')


@pytest.mark.parametrize(
    ('other', 'told'),
    [
        (('df', 'nt', 'df'), 'its parts hold out df and f2f'),
        (('f2f', 'nt', None), 'one part holds out f2f as never seen, and another one has it'),
    ],
)
def test_a_method_held_out_by_one_part_is_in_no_other(part, other, told):
    *methods, holdout = other
    with pytest.raises(MMFakeError, match=told):
        joined(part('f2f', 'nt', holdout='f2f'), part(*methods, holdout=holdout))


class Numbers(BaseDataset):
    METAINFO = dict(classes=('a', 'b'))

    def load_data_list(self):
        return [dict(label=number) for number in range(3)]


def test_other_datasets_are_joined_as_by_mmengine():
    one, other = Numbers(), Numbers(metainfo=dict(classes=('a', 'c')))
    assert joined(one, one).metainfo == one.metainfo
    with pytest.raises(ValueError, match='does not match meta information of the first'):
        joined(one, other)
    assert len(joined(one, other, ignore_keys='classes')) == 6


class Other(FFPPDataset):
    def get_data_info(self, idx):
        return dict(super().get_data_info(idx), dataset='other')


def test_pairs_are_of_one_person_also_where_two_datasets_name_theirs_alike(part):
    dataset = joined(part('df'), dict(part('df'), type=Other))
    sampler = iter(PairedSampler(dataset, seed=0))
    drawn = [dataset.get_data_info(int(next(sampler))) for _ in range(len(dataset))]
    pairs = Counter((a['dataset'], b['dataset']) for a, b in zip(drawn[::2], drawn[1::2]))
    assert set(pairs) == {('ffpp', 'ffpp'), ('other', 'other')}


def test_a_checkpoint_knows_all_it_was_trained_on(tiny_tree, tiny_encoder, tmp_path, command):
    """A training on two datasets: the second one's method and videos are known."""
    config = tmp_path / 'joint.py'
    config.write_text(f"""
_base_ = {str(CONFIG)!r}
one = dict(type='FFPPDataset', data_root={str(tiny_tree)!r}, split='train')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(one, methods=['f2f', 'nt'], holdout='f2f', pipeline=_base_.train_pipeline),
            dict(one, methods=['df', 'fs'], pipeline=_base_.train_pipeline),
        ],
    )
)
""")
    work = tmp_path / 'work'
    options = ['--scale', tiny_encoder, '--work-dir', work]
    done = command('python', TRAIN, config, *options, '--no-validate')
    assert done.returncode == 0, done.stderr
    meta = torch.load(work / 'epoch_1.pth', weights_only=False)['meta']['dataset_meta']
    assert meta['multi_classes'] == ('original', 'df', 'fs', 'nt')
    methods = {video.split('/')[1] for video in meta['expected_videos']}
    assert methods == {'original', 'df', 'fs', 'nt'}
    tested = ['--cfg-options', 'test_dataloader.dataset.holdout=fs']
    done = command('python', TEST, config, work / 'epoch_1.pth', *options, *tested)
    assert done.returncode != 0
    assert 'trained on original, df, fs, nt, so fs is no method it has never seen' in done.stderr
