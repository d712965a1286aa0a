"""Checkpoints with entries of another kind: a run resumes, or ends in one line."""

import copy
import random
from pathlib import Path

import torch

from mmfake.apis.check_start import check_checkpoint

VALUES = [5, -1, 2**70, 1.5, True, None, 'x', b'x', [], {}, [1], {'a': 1}, (0, 0), torch.zeros(2)]


def entries(content, path=()):
    """The way to each entry, and to those in it."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield (*path, key)
            yield from entries(value, (*path, key))


def test_entries_of_another_kind(trial, tree, config_of, run, tmp_path):
    """Resumed from, as far as the first iteration: each entry replaced or taken away in turn."""
    runner = run(config_of(tree.root, 0, **{'train_cfg.max_epochs': 1}))
    whole = torch.load(Path(runner.work_dir, 'epoch_1.pth'), weights_only=False)
    ways = [
        way
        for way in entries(whole)
        if len(way) < 3 or way[0] in ('message_hub', 'label_moco') or way[-1] == 'multi_classes'
    ]
    assert len(ways) > 50
    dice = random.Random(0)
    runner._load_from, runner._resume = str(tmp_path / 'file'), True

    def resume(path):
        check_checkpoint(str(path), resume=True)
        runner._has_loaded = False
        runner.load_or_resume()
        runner.call_hook('before_train')
        runner.train_loop._restore()

    def replaced(way, values):
        content = copy.copy(whole)
        inner = content
        for key in way[:-1]:
            inner[key] = copy.copy(inner[key])
            inner = inner[key]
        if values:
            inner[way[-1]] = dice.choice(values)
        else:
            del inner[way[-1]]
        return content

    def work():
        torch.save(whole, tmp_path / 'file')
        resume(tmp_path / 'file')
        results = []
        for number in range(100):
            way = dice.choice(ways)
            torch.save(replaced(way, VALUES if number % 5 else []), tmp_path / 'file')
            try:
                results.append(trial.outcome(resume, tmp_path / 'file'))
            except Exception as error:
                raise AssertionError(f'{way}: {error!r}') from error
        assert 10 < sum(results) < 90

    trial.in_a_process(work)
