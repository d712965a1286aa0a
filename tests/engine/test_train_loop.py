"""Batches of an epoch: one that has none ends in one line, pairs that are split are said."""

import pytest
from mmengine.dataset import InfiniteSampler
from torch.utils.data import DataLoader, Dataset

from mmfake import BalancedSampler, MMFakeError
from mmfake.engine import train_loop

LOOP = dict(type='mmfake.ResumableTrainLoop', max_epochs=1)


@pytest.mark.parametrize('size', [12, 13])
def test_an_epoch_without_a_whole_batch(run, size):
    runner = run([], batch_size=size, length=12, train_cfg=LOOP)
    runner._train_dataloader['drop_last'] = True
    if size == 12:
        assert len(runner.build_train_loop(LOOP).dataloader) == 1
        return
    with pytest.raises(MMFakeError, match='^12 videos to train on, .*size=13, .* at most 12'):
        runner.build_train_loop(LOOP)


def test_the_share_of_a_process_counts(run, monkeypatch):
    monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (0, 3))
    monkeypatch.setattr('mmfake.engine.train_loop.get_world_size', lambda: 3)
    runner = run([], batch_size=5, length=12, train_cfg=LOOP)
    runner._train_dataloader['drop_last'] = True
    with pytest.raises(MMFakeError, match='^12 videos .*, 4 for each of 3 processes, .* at most 4'):
        runner.build_train_loop(LOOP)


class Pairs(Dataset):
    def get_data_info(self, index):
        return dict(label_multi=index % 2)

    def __getitem__(self, index):
        return index

    def __len__(self):
        return 12


@pytest.mark.parametrize('size', [3, 4])
def test_an_odd_batch_splits_a_pair(size):
    loader = DataLoader(Pairs(), size, sampler=BalancedSampler(Pairs(), seed=0))
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_loop, 'print_log', lambda text, **_: said.append(text))
        train_loop._check_batches(loader)
    labels = [[int(index) % 2 for index in batch] for batch in loader]
    assert bool(said) == any(sum(batch) * 2 != len(batch) for batch in labels) == (size == 3)


def test_an_epoch_without_end_is_refused():
    loader = DataLoader(Pairs(), 2, sampler=InfiniteSampler(Pairs(), seed=0))
    with pytest.raises(MMFakeError, match='InfiniteSampler, with which an epoch has no end'):
        train_loop._check_batches(loader)
