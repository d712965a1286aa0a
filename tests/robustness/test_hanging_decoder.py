"""A decoder that never returns, in training and in the test."""

import csv
import ctypes
import random
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.runner import Runner

from mmfake import VideoInit


@TRANSFORMS.register_module(force=True)
class EndlessInit(VideoInit):
    """On some files, does as decord does: native code that holds Python's lock for ever."""

    def __init__(self, endless, tries, **kwargs):
        super().__init__(**kwargs)
        self.endless, self.tries = endless, tries

    def transform(self, results):
        if results['filename'] in self.endless:
            with open(self.tries, 'a') as file:
                file.write(results['filename'] + '\n')
            ctypes.PyDLL(None).pause()
        return super().transform(results)


@pytest.mark.parametrize('workers', [0, 2])
def test_training_and_test_go_on(tree, config_of, run, tmp_path, workers):
    learnt, tested = str(tree.files['train'][7]), str(tree.files['test'][1])
    tries = tmp_path / 'tries'
    cfg = config_of(tree.root, workers)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.pipeline[0] = dict(
            type='EndlessInit', decode_timeout=1.0, endless=[learnt, tested], tries=str(tries)
        )

    runner = run(cfg, test=True)

    assert runner.epoch == 2
    assert Counter(tries.read_text().split()) == {learnt: 1, tested: 1}, 'in two epochs and a test'
    text = Path(runner.log_dir, f'{runner.timestamp}.log').read_text()
    told = f'training goes on without it: decoding timed out after 1 s ({learnt})'
    assert text.count(told) == text.count('training goes on without it') == 1
    assert '1 of 40 training videos could not be decoded and were not used' in text
    with open(tmp_path / 'scores.csv', newline='') as file:
        rows = {row['video'].split('/')[-1]: row for row in csv.DictReader(file)}
    late = rows.pop(Path(tested).stem)
    assert (late['score'], late['reason']) == ('', 'decoding timed out after 1 s')
    assert len(rows) == 3
    assert all(row['score'] and not row['reason'] for row in rows.values())


def test_nothing_is_left_of_the_processes(tree, config_of, run, end_workers):
    """Of those that decode, and of the workers that started them."""
    before = set(psutil.Process().children(recursive=True))
    runner = run(config_of(tree.root, 2, **{'train_cfg.max_epochs': 1}))
    during = set(psutil.Process().children(recursive=True)) - before
    assert len(during) >= 4, 'persistent workers, and one decoding process each'
    end_workers(runner)
    _, alive = psutil.wait_procs(during, timeout=30)
    assert not alive


def test_the_decoding_process_draws_as_the_worker_would(tree, config_of):
    """Augmentation and frames of a batch are the same with and without the time limit."""
    batches = []
    for timeout in (None, 60.0):
        cfg = config_of(tree.root, 0)
        cfg.train_dataloader.dataset.pipeline[0].decode_timeout = timeout
        loader = Runner.build_dataloader(cfg.train_dataloader, seed=5)
        random.seed(1)
        np.random.seed(2)
        batches.append(next(iter(loader))['inputs'])
    for one, other in zip(*batches):
        assert (one == other).all()
