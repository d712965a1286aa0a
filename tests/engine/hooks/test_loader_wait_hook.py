"""LoaderWaitHook: the share of an epoch that waited for videos, and what to raise."""

import pytest
from mmengine.hooks import Hook

from mmfake import MMFakeError

MODULE = 'mmfake.engine.hooks.loader_wait_hook'


class Times(Hook):
    """Puts times in the place of those that were measured."""

    priority = 'LOWEST'

    def __init__(self, waited):
        self.waited = waited

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        for name, value in dict(data_time=self.waited[runner.iter], time=1.0).items():
            runner.message_hub.get_scalar(f'train/{name}')._log_history[-1] = value


@pytest.fixture
def warnings_of(run, monkeypatch, caplog):
    """What two epochs of three iterations say, with the given seconds of waiting in each second."""

    def train(waited, cores=8, gpu=True):
        monkeypatch.setattr(f'{MODULE}.cores_at_hand', lambda: cores)
        monkeypatch.setattr(f'{MODULE}.has_gpu', lambda: gpu)
        runner = run([dict(type='mmfake.LoaderWaitHook'), Times(waited)], epochs=2, streams=())
        runner.logger.addHandler(caplog.handler)
        runner.train()
        return [text for text in caplog.messages if 'waited for its videos' in text]

    return train


def test_the_epoch_that_waited_is_told_with_the_number_to_raise(warnings_of):
    # the first iteration of an epoch does not count: 0 of 2 s, then 0.6 of 2 s
    (told,) = warnings_of([0.9, 0, 0, 0, 0.3, 0.3])
    assert told == (
        'Epoch 2 waited for its videos in 30% of the time of 2 iterations; raise '
        'train_dataloader.num_workers from 0 to as much as 8, the cores of this process.'
    )


def test_up_to_a_fifth_is_no_wait(warnings_of):
    assert warnings_of([1, 0.19, 0.19, 1, 0.2, 0.19]) == []


def test_where_the_cores_are_used_up(warnings_of):
    (told,) = warnings_of([0, 0.5, 0.5, 0, 0, 0], cores=0)
    assert told.startswith('Epoch 1 waited for its videos in 50%')
    assert 'more cores (Slurm: CPUS_PER_TASK)' in told


def test_on_a_cpu_that_computes_with_those_cores_nothing_is_said(warnings_of):
    assert warnings_of([0, 0.5, 0.5, 0, 0, 0], cores=0, gpu=False) == []


@pytest.mark.parametrize('most', [0, 1.5])
def test_no_share(run, most):
    with pytest.raises(MMFakeError, match=f'LoaderWaitHook: most={most}; use a share'):
        run([dict(type='mmfake.LoaderWaitHook', most=most)])
