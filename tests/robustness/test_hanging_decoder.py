"""A decoder that never returns, or crashes, in a worker: the run ends in one line."""

import ctypes
from types import SimpleNamespace

import psutil
import pytest
from mmaction.registry import TRANSFORMS
from torch.utils.data import _utils

from mmfake import UnreadableVideosHook, VideoInit
from mmfake.engine.loaders import loader_errors_told
from mmfake.errors import MMFakeError


@TRANSFORMS.register_module(force=True)
class HangingInit(VideoInit):
    """On some files, hangs in native code as decord does, called by ctypes.CDLL."""

    def __init__(self, hanging=(), **kwargs):
        super().__init__(**kwargs)
        self.hanging = hanging

    def transform(self, results):
        if results['filename'] in self.hanging:
            ctypes.CDLL(None).pause()
        return super().transform(results)


def test_the_run_ends_in_one_line_and_no_process_is_left(
    tree, config_of, run, end_workers, monkeypatch
):
    monkeypatch.setattr(_utils, 'MP_STATUS_CHECK_INTERVAL', 0.1)  # s that torch waits for a worker
    cfg = config_of(tree.root, 2)
    cfg.default_hooks.unreadable_videos.loader_timeout = 3
    hanging = [str(tree.files['train'][7])]
    cfg.train_dataloader.dataset.pipeline[0] = dict(type='HangingInit', hanging=hanging)
    before = set(psutil.Process().children(recursive=True))
    runners = []
    message = 'timed out after 3 seconds: decoding a video hangs; data_prep/check_index.py'
    with pytest.raises(MMFakeError, match=message) as caught, loader_errors_told():
        run(cfg, keep=runners)
    assert '\n' not in str(caught.value)
    (runner,) = runners
    assert runner.iter < 10, 'in the first epoch'
    del caught
    end_workers(runner)
    _, alive = psutil.wait_procs(set(psutil.Process().children(recursive=True)) - before, 30)
    assert not alive


@pytest.mark.parametrize(
    'error',
    [  # what torch raises, by where it is when a worker crashes
        RuntimeError('DataLoader worker (pid 7) is killed by signal: Segmentation fault. '),
        RuntimeError('DataLoader worker (pid(s) 7) exited unexpectedly'),
        ConnectionResetError(104, 'Connection reset by peer'),
        EOFError(),
    ],
)
def test_a_worker_that_crashed_ends_the_run_in_one_line(error):
    loader = {'__name__': 'torch.utils.data.dataloader'}
    exec('def fetch(error): raise error', loader)
    message = 'DataLoader worker .*: a video crashes its decoder.*data_prep/check_index.py'
    with pytest.raises(MMFakeError, match=message) as caught, loader_errors_told():
        loader['fetch'](error)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'error',
    [
        RuntimeError('CUDA error'),
        MMFakeError('x'),
        KeyError('x'),
        EOFError(),
        ConnectionResetError(),
    ],
)
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, loader_errors_told():
        raise error
    assert caught.value is error


@pytest.mark.parametrize(('workers', 'own', 'limit'), [(2, 0, 600), (2, 30, 30), (0, 0, 0)])
@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_loaders_with_workers_and_no_limit_of_their_own_get_the_hooks(split, workers, own, limit):
    loader = SimpleNamespace(num_workers=workers, timeout=own)
    hook = UnreadableVideosHook(loader_timeout=600)
    getattr(hook, f'before_{split}')(SimpleNamespace(**{f'{split}_dataloader': loader}))
    assert loader.timeout == limit


def _interrupt_and_lose_a_worker():
    try:
        raise KeyboardInterrupt
    finally:
        raise RuntimeError('DataLoader worker (pid(s) 7) exited unexpectedly')


def test_ctrl_c_that_ends_the_workers_first_stays_ctrl_c():
    with pytest.raises(KeyboardInterrupt), loader_errors_told():
        _interrupt_and_lose_a_worker()
