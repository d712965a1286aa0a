"""The small file that says a cell is finished, and what its scores were made of."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from ...compat.checkpoints import safe_load
from ...engine.hooks.checkpoint_facts import ValidationThresholdHook
from ...errors import MMFakeError
from ...evaluation.cross_table import write_json
from ...evaluation.scores import read_scores_file
from .cell import Cell
from .cell_config import SETTINGS_RULES, fingerprint, settings_of
from .cell_folder import CellFolder, sha256_of
from .provenance import commit, versions

NAME = 'cell.json'
_QUIET = 'cross_manipulation'
_TEXT, _NONE = str, type(None)
_FORM = dict(
    regime=_TEXT,
    holdout=_TEXT,
    seed=int,
    settings=_TEXT,
    settings_without_seed=_TEXT,
    checkpoint=_TEXT,
    checkpoint_sha256=_TEXT,
    threshold=(float, int, _NONE),
    dataset=_TEXT,
    data_root=_TEXT,
    commit=(_TEXT, _NONE),
    test_order=(list, _NONE),
)


def make_record(cell: Cell, folder: CellFolder, cfg: Config, command: str) -> Dict[str, Any]:
    """Describe a cell that was trained and tested.

    Args:
        cell (Cell): The cell.
        folder (CellFolder): Its folder.
        cfg (Config): What it was trained with.
        command (str): How it was run.

    Returns:
        dict[str, Any]: Anything JSON can hold.

    Raises:
        MMFakeError: The scores, the checkpoint or the dataset cannot be read.
    """
    best, settings = folder.best_checkpoint(), settings_of(cfg)
    dataset = sorted({video.split('/')[0] for video in read_scores_file(folder.scores)['video']})
    splits, order = _splits(cfg)
    root = cfg.test_dataloader.dataset.get('data_root') or ''
    if Path(root, 'mini_ffpp.json').is_file():  # rendered, though its videos are named like FF++'s
        dataset = ['mini_ffpp']
    return dict(
        regime=cell.regime,
        holdout=cell.holdout,
        seed=cell.seed,
        config=cell.config,
        command=command,
        settings=fingerprint(settings),
        settings_without_seed=fingerprint(settings, with_seed=False),
        settings_rules=SETTINGS_RULES,
        **batches(folder),
        checkpoint=best.name,
        checkpoint_sha256=sha256_of(best),
        scores_sha256=sha256_of(folder.scores),
        threshold=safe_load(str(best), 'cpu')['meta'].get(ValidationThresholdHook.META_KEY),
        dataset='+'.join(dataset),
        data_root=str(root),
        splits=splits,
        commit=commit(),
        versions=versions(),
        test_order=order,
    )


def batches(folder: CellFolder) -> Dict[str, List[int]]:
    """Count the processes that trained a cell, and the videos of their batches together.

    Args:
        folder (CellFolder): Its folder.

    Returns:
        dict[str, list[int]]: ``processes`` and ``total_batch``: the different numbers of all starts
        of the training, empty where no log tells.
    """
    starts, totals = folder.training_starts(), set()
    for cfg, processes in starts:
        steps = (cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
        size = cfg.train_dataloader.get('batch_size')
        totals |= {processes * size * steps} if size else set()
    return dict(processes=sorted({n for _, n in starts}), total_batch=sorted(totals))


def write_record(folder: CellFolder, record: Dict[str, Any]) -> None:
    """Write the record; from now on the cell is finished."""
    write_json(folder.path / NAME, record)


def read_record(folder: CellFolder) -> Dict[str, Any]:
    """Read the record of a cell whose scores are still those that it was written for.

    Args:
        folder (CellFolder): Folder of the cell.

    Returns:
        dict[str, Any]: The record.

    Raises:
        MMFakeError: There is none, it is damaged, or the scores are others.
    """
    try:
        record = json.loads((folder.path / NAME).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        record = None
    if not isinstance(record, dict):
        raise MMFakeError(f'its {NAME} cannot be read; run the cell again')
    if record.get('scores_sha256') != sha256_of(folder.scores):
        raise MMFakeError('its scores.csv is not the one that was recorded; run the cell again')
    bad = [key for key, kind in _FORM.items() if not isinstance(record.get(key, ()), kind)]
    if bad:
        raise MMFakeError(f'its {NAME} has no usable {bad[0]!r}; run the cell again')
    return record


def has_record(folder: CellFolder) -> bool:
    """Whether there is a record, be it of these scores or not."""
    return (folder.path / NAME).is_file()


def is_made_from_best(folder: CellFolder, record: Dict[str, Any]) -> bool:
    """Whether the best checkpoint in the folder is the one that was tested."""
    checkpoint = folder.path / record['checkpoint']
    return sha256_of(checkpoint) == record['checkpoint_sha256']


def _splits(cfg: Config) -> tuple:
    """Videos used of each method in each split, and the order of the test."""
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    if not MMLogger.check_instance_created(_QUIET):  # what it would say is in the log of the cell
        MMLogger.get_instance(_QUIET, log_level='ERROR')
    splits, order = {}, None
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if loader:
            dataset = DATASETS.build(loader.dataset)
            methods = Counter(dataset.get_data_info(i)['method'] for i in range(len(dataset)))
            splits[split] = dict(methods, expected=len(dataset.metainfo['expected_videos']))
            order = list(dataset.metainfo['expected_videos'])
    return splits, order
