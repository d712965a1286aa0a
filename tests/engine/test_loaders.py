"""Data loaders of a config: loaders that disagree, numbers out of range, none of the workers."""

import shutil
from itertools import product

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmfake import MMFakeError
from mmfake.engine.loaders import (
    LOADERS,
    check_agreement,
    check_loader,
    clips_of,
    datasets_of,
    fit_workers,
)

METHODS = ('df', 'f2f', 'fs', 'nt')


def ffpp(**kwargs):
    return dict(type='mmfake.FFPPDataset', **kwargs)


def loaders(train, val, test=None):
    sides = zip(LOADERS, ('train', 'val', 'test'), (train, val, test or ffpp()))
    return Config({name: dict(dataset=split_of(own, split)) for name, split, own in sides})


def split_of(dataset, split):
    if 'dataset' in dataset:
        return dict(dataset, dataset=split_of(dataset['dataset'], split))
    if 'datasets' in dataset:
        return dict(dataset, datasets=[split_of(one, split) for one in dataset['datasets']])
    return dict(dict(split=split), **dataset)


def refusal(cfg):
    try:
        check_agreement(cfg)
    except MMFakeError as error:
        return str(error)
    return None


def test_no_hold_out_is_shown_to_training_or_validation():
    """Every three hold-outs, against the definition: train as val, and the test's unseen."""
    holdouts = (None, 'df', 'nt')
    for train, val, test in product(holdouts, repeat=3):
        unseen = test is None or train == val == test
        refused = refusal(loaders(*(ffpp(holdout=key) for key in (train, val, test))))
        assert (refused is None) == (train == val and unseen), (train, val, test)
        if train != val:
            assert f'train_dataloader has holdout {train}, val_dataloader {val}' in refused
        elif refused:
            assert f'holds out {test} as never seen' in refused


@pytest.mark.parametrize(
    ('train', 'val', 'told'),
    [
        (dict(compression='c40'), dict(), 'compression c40, val_dataloader c23.*--compression C'),
        (dict(compression='c0'), dict(compression='raw'), None),
        (dict(data_root='a'), dict(data_root='b'), 'data_root a, val_dataloader b.*--data-root'),
        (dict(data_root='a'), dict(data_root='./a/'), None),
        (dict(methods=['df']), dict(), 'methods df, val_dataloader df f2f fs nt'),
        (dict(methods=['nt', 'fs', 'f2f', 'df']), dict(), None),
        (dict(synthetic=['sbi']), dict(), None),
        # of originals and what is made of them, any manipulations may choose the epoch
        (dict(methods=[], synthetic=['sbi']), dict(), None),
        (
            dict(methods=[], synthetic=['sbi'], holdout='df'),
            dict(),
            'holdout df, val_dataloader No',
        ),
        (dict(methods=['df'], synthetic=['sbi']), dict(), 'methods df, val_dataloader df f2f fs'),
    ],
)
def test_a_validation_of_another_protocol(train, val, told):
    refused = refusal(loaders(ffpp(**train), ffpp(**val)))
    if told is None:
        assert refused is None
    else:
        with pytest.raises(MMFakeError, match=told):
            check_agreement(loaders(ffpp(**train), ffpp(**val)))


@pytest.mark.parametrize(
    ('splits', 'told'),
    [
        (('train', 'val', 'test'), None),
        (('test', 'val', 'test'), 'train_dataloader and test_dataloader both read split test'),
        (('train', 'test', 'test'), 'val_dataloader and test_dataloader both read split test'),
        (('train', 'train', 'test'), 'train_dataloader and val_dataloader both .*--no-validate'),
    ],
)
def test_two_loaders_of_one_split(splits, told):
    cfg = loaders(*(ffpp(split=split) for split in splits))
    if told is None:
        assert refusal(cfg) is None
    else:
        with pytest.raises(MMFakeError, match=told):
            check_agreement(cfg)
    elsewhere = zip('abc', splits)
    cfg = loaders(*(ffpp(split=split, ann_file=name) for name, split in elsewhere))
    assert refusal(cfg) is None


def test_datasets_inside_others_count():
    both = dict(type='ConcatDataset', datasets=[ffpp(compression=c) for c in ('c23', 'c40')])
    thrice = dict(type='RepeatDataset', times=3, dataset=both)
    assert [one['compression'] for one in datasets_of(dict(dataset=thrice))] == ['c23', 'c40']
    assert refusal(loaders(thrice, ffpp(compression='c40'))) is None
    assert 'compression c23, val_dataloader c23 and c40' in refusal(loaders(ffpp(), thrice))


def test_other_data_for_the_test_and_other_datasets_pass():
    celeb = ffpp(holdout='cdf', methods=['cdf'], compression='released', data_root='x')
    assert refusal(loaders(ffpp(holdout='df'), ffpp(holdout='df'), celeb)) is None
    assert refusal(loaders(dict(type='VideoDataset', data_root='a'), ffpp(holdout='df'))) is None
    cfg = loaders(ffpp(holdout='df'), ffpp())
    cfg.val_dataloader = None
    assert refusal(cfg) is None


def a_loader(steps=(), **kwargs):
    steps = [dict(type='SampleFrames', clip_len=8), *steps]
    return Config(dict(x=dict(dataset=ffpp(pipeline=steps), batch_size=4, **kwargs)))


@pytest.mark.parametrize(
    ('steps', 'kwargs', 'reason'),
    [
        ([], dict(batch_sise=3), 'x has no batch_sise; did you mean batch_size'),
        ([], dict(num_workers=-1), 'x.num_workers is -1: it has to be a whole number, 0 or more'),
        ([], dict(num_workers='two'), "x.num_workers is 'two'"),
        ([dict(type='SampleFrames', clip_len=0)], {}, 'x.dataset.pipeline.1.clip_len is 0'),
        ([dict(type='CenterCrop', crop_size=(8, 0))], {}, 'x.dataset.pipeline.1.crop_size is 0'),
        (
            [dict(type='SampleFrames', clip_len=1, num_clip=4)],
            {},
            'x.dataset.pipeline.1: SampleFrames has no num_clip; did you mean num_clips',
        ),
        (
            [dict(type='RandomApply', transforms=[dict(type='SampleFrames', clip=4)])],
            {},
            'x.dataset.pipeline.1.transforms.0: SampleFrames has no clip',
        ),
    ],
)
def test_a_loader_that_would_end_in_a_traceback_or_change_nothing(steps, kwargs, reason):
    check_loader(a_loader(prefetch_factor=2, num_batch_per_epoch=3), 'x')
    with pytest.raises(MMFakeError, match=f'^{reason}'):
        check_loader(a_loader(steps, **kwargs), 'x')


@pytest.mark.parametrize('size', [0, -4, 2.5])
def test_a_batch_has_a_whole_number_of_videos(size):
    cfg = a_loader()
    cfg.x.batch_size = size
    with pytest.raises(MMFakeError, match='^x.batch_size is .*: it has to be a whole number, 1 or'):
        check_loader(cfg, 'x')


def test_without_workers_a_loader_is_built():
    def build(num_workers):
        loader = dict(
            dataset=[1, 2, 3],
            batch_size=2,
            sampler=dict(type='DefaultSampler', shuffle=False),
            num_workers=num_workers,
            persistent_workers=True,
            prefetch_factor=3,
            timeout=9,
            multiprocessing_context='fork',
        )
        cfg = Config(dict(train_dataloader=loader, val_dataloader=None))
        fit_workers(cfg)
        return Runner.build_dataloader(cfg.train_dataloader)

    assert len(list(build(0))) == 2
    with_workers = build(1)
    assert (with_workers.persistent_workers, with_workers.timeout) == (True, 9)


def test_an_exchanged_clip_changes_the_hash_of_the_clips(tiny_tree, tmp_path):
    tree = tmp_path / 'tree'
    shutil.copytree(tiny_tree, tree)
    sides = (ffpp(data_root=str(tree), holdout='f2f'),) * 3
    cfg = loaders(*sides)
    before, tested = clips_of(cfg), clips_of(cfg, ['test_dataloader'])
    assert (len(before), before != tested) == (16, True)
    for video in sorted((tree / 'manipulated_sequences/Deepfakes/c23/videos').glob('*.mp4')):
        with open(video, 'ab') as file:
            file.write(b'0')
    assert clips_of(cfg) != before
    assert clips_of(cfg, ['test_dataloader']) == tested  # which reads no Deepfakes
    (tree / 'splits' / 'test.json').unlink()
    assert clips_of(cfg) == ''
