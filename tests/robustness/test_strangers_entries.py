"""Checkpoints with entries of another kind: a run resumes, or ends in one line."""

import copy
import random
from pathlib import Path

import torch

from mmfake.apis.run import check_checkpoint

VALUES = [5, -1, 2**70, 1.5, True, None, 'x', b'x', [], {}, [1], {'a': 1}, (0, 0), torch.zeros(2)]


DEEP = ('message_hub', 'label_moco', 'optimizer', 'param_schedulers')


def entries(content, path=()):
    """The way to each entry, and to those in it."""
    pairs = content.items() if isinstance(content, dict) else ()
    if isinstance(content, list):
        pairs = enumerate(content)
    for key, value in pairs:
        yield (*path, key)
        yield from entries(value, (*path, key))


def test_entries_of_another_kind(trial, tree, config_of, run, tmp_path):
    """Resumed from, with the first iteration: each entry replaced or taken away in turn."""
    runner = run(config_of(tree.root, 0, **{'train_cfg.max_epochs': 1}))
    whole = torch.load(Path(runner.work_dir, 'epoch_1.pth'), weights_only=False)
    ways = [
        way
        for way in entries(whole)
        if len(way) < 3 or way[0] in DEEP or way[-1] == 'multi_classes'
    ]
    assert len(ways) > 100
    batch = next(iter(runner.train_dataloader))
    dice = random.Random(0)
    runner._load_from, runner._resume = str(tmp_path / 'file'), True

    def resume(path):
        # as it is built, and not as the one before left it
        runner.optim_wrapper.load_state_dict(copy.deepcopy(whole['optimizer']))
        for scheduler, state in zip(runner.param_schedulers, whole['param_schedulers']):
            scheduler.load_state_dict(copy.deepcopy(state))
        check_checkpoint(str(path), resume=True)
        runner._has_loaded = False
        runner.load_or_resume()
        runner.call_hook('before_train')
        runner.train_loop._restore()
        runner.train_loop.run_iter(0, batch)
        for scheduler in runner.param_schedulers:
            scheduler.step()

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
        for number in range(120):
            way = dice.choice(ways)
            torch.save(replaced(way, VALUES if number % 5 else []), tmp_path / 'file')
            try:
                results.append(trial.outcome(resume, tmp_path / 'file'))
            except Exception as error:
                raise AssertionError(f'{way}: {error!r}') from error
        assert 12 < sum(results) < 108

    trial.in_a_process(work)
