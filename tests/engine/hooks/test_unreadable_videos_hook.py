import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset, pseudo_collate
from mmengine.logging import MMLogger

from mmfake import FFPPDataset, MMFakeError, UnreadableVideosHook


def captured(runner, caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        runner.train()
    finally:
        logger.removeHandler(caplog.handler)
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


HOOKS = [dict(type='mmfake.UnreadableVideosHook')]


def test_each_is_named_once_and_counted_at_the_end(run, caplog):
    runner = run(HOOKS, epochs=3, streams=(), unreadable=[2, 7])
    lines = captured(runner, caplog)
    for name in ('ffpp/x/c23/002', 'ffpp/x/c23/007'):
        told = [line for line in lines if line.startswith(name)]
        assert len(told) == 1
        assert 'cannot be used, training goes on without it: no frame' in told[0]
    assert any(
        '2 of 12 training videos could not be used: ffpp/x/c23/002, ffpp/x/c23/007.' in line
        for line in lines
    )


def test_a_resumed_run_counts_on(run, caplog):
    run(HOOKS, epochs=1, streams=(), unreadable=[2]).train()
    resumed = run(HOOKS, epochs=2, streams=(), unreadable=[5], resume=True)
    lines = captured(resumed, caplog)
    assert any('2 of 12 training videos' in line for line in lines)


def test_a_dataset_that_nothing_can_be_read_of_ends_the_run(run):
    runner = run(HOOKS, streams=(), unreadable=range(7))
    with pytest.raises(MMFakeError, match='7 of 12 training videos cannot be used, e.g. ffpp'):
        runner.train()


def test_silent_when_all_is_well(run, caplog):
    lines = captured(run(HOOKS, streams=()), caplog)
    assert not any('decoded' in line for line in lines)


class Videos(BaseDataset):
    """Some of the videos 0 to 11, of which the first ones cannot be decoded."""

    def __init__(self, numbers, make_samples, unreadable):
        self.numbers = numbers
        self.samples = make_samples([0] * 12, unreadable=range(unreadable))
        super().__init__()

    def load_data_list(self):
        return [dict(video_id=self.samples[number].video_id) for number in self.numbers]

    def __getitem__(self, index):
        sample = self.samples[self.numbers[index]].clone()
        return dict(inputs=torch.zeros(1, 3, 2, 4, 4), data_samples=sample)


def loader_of(dataset):
    return dict(
        dataset=dataset,
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=True),
        collate_fn=pseudo_collate,
    )


def test_a_repeated_video_counts_once(run, make_samples, caplog):
    repeated = loader_of(RepeatDataset(Videos(range(12), make_samples, 2), times=3))
    lines = captured(run(HOOKS, streams=(), train_dataloader=repeated), caplog)
    assert any('2 of 12 training videos could not be used' in line for line in lines)

    repeated = loader_of(RepeatDataset(Videos(range(12), make_samples, 7), times=3))
    with pytest.raises(MMFakeError, match='7 of 12 training videos cannot be used'):
        run(HOOKS, streams=(), train_dataloader=repeated).train()


def test_a_video_of_two_datasets_counts_once(run, make_samples, caplog):
    parts = [Videos(range(8), make_samples, 5), Videos(range(4, 12), make_samples, 5)]
    joined = loader_of(ConcatDataset(parts))
    lines = captured(run(HOOKS, streams=(), train_dataloader=joined), caplog)
    assert any('5 of 12 training videos could not be used' in line for line in lines)


def test_the_videos_of_the_shipped_dataset_are_counted(tmp_path):
    rows = ['id,path,method,compression,target,source,split,frames,fps,status,reason']
    for stem in ('000', '001', '000_001', '001_000'):
        target, _, source = stem.partition('_')
        method = 'df' if source else 'original'
        (tmp_path / f'{stem}.mp4').touch()
        rows.append(
            f'ffpp/{method}/c23/{stem},{stem}.mp4,{method},c23,{target},{source},train,9,25,used,'
        )
    (tmp_path / 'index.csv').write_text('\n'.join(rows))
    dataset = FFPPDataset([], data_root=str(tmp_path), methods=['df'])
    hook = UnreadableVideosHook()
    hook.reasons = dict.fromkeys(['a', 'b', 'c'], 'no frame')
    loader = SimpleNamespace(dataset=RepeatDataset(dataset, times=2))
    with pytest.raises(MMFakeError, match='3 of 4 training videos'):
        hook.after_train_epoch(SimpleNamespace(train_dataloader=loader))
