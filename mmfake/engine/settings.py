"""Settings of a config: what of it decides the result of a run, flat, to compare two of them."""

from __future__ import annotations

import ast
import json
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from mmengine.config import Config

# where a run is, how it was started, what it logs and keeps, how its machine computes: none of this
# changes its result, or no more than another machine would
_UNIMPORTANT = (
    *('work_dir', 'resume', 'load_from', 'launcher', 'model_wrapper_cfg'),
    *('log_level', 'log_processor', 'visualizer', 'vis_backends', 'custom_imports'),
    *('env_cfg.mp_cfg', 'env_cfg.dist_cfg'),
    *('default_hooks.logger', 'default_hooks.timer', 'default_hooks.visualization'),
    *('default_hooks.loader_wait', 'default_hooks.accelerator'),
    *(
        f'default_hooks.checkpoint.{key}'
        for key in ('interval', 'by_epoch', 'max_keep_ckpts', 'save_last', 'published_keys')
    ),
)
# how fast a loader is, and where the scores go
_ANYWHERE = ('num_workers', 'persistent_workers', 'prefetch_factor', 'pin_memory', 'scores_file')

# what a training that is resumed reads of its config, and does not take from its state
_OF_A_TRAINING = ('model', 'train_dataloader', 'val_dataloader', 'custom_hooks', 'optim_wrapper')
# where the data are now, and what only a start reads
_ELSEWHERE = ('data_root', 'ann_file', 'splits_dir', 'init_cfg', 'pretrained', 'with_cp')

UNREADABLE = (AttributeError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError)
"""tuple[type]: What reading the text of a stranger's config may raise."""


def settings_of(cfg: Mapping[str, Any]) -> Dict[str, str]:
    """Take from a config what decides the result: dotted key -> its value as JSON text."""
    plain = cfg.to_dict() if isinstance(cfg, Config) else cfg
    flat = dict(_flat(json.loads(json.dumps(plain, default=str))))
    unimportant = tuple(f'{key}.' for key in _UNIMPORTANT)
    return {
        key: value
        for key, value in flat.items()
        if not f'{key}.'.startswith(unimportant) and key.split('.')[-1] not in _ANYWHERE
    }


def first_difference(before: Dict[str, str], now: Dict[str, str]) -> Optional[str]:
    """Name what differs, such as ``optim_wrapper.optimizer.lr: 0.001, now 0.01``, or None."""
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    if not keys:
        return None
    was, is_now = (settings.get(keys[0], 'not there') for settings in (before, now))
    more = f' and {len(keys) - 1} more' if len(keys) > 1 else ''
    return f'{keys[0]}: {was}, now {is_now}{more}'


def _flat(value: Any, name: str = '') -> Iterator[Tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _flat(part, f'{name}.{key}' if name else key)
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
        for place, part in enumerate(value):
            yield from _flat(part, f'{name}.{place}')
    else:
        yield name, json.dumps(value)


def remark_on_training(before: Any, cfg: Config) -> str:
    """Say that a run goes on with another model, loss or pipeline than it began with; '' if not.

    Args:
        before (str): The text of its config, as mmengine keeps it in a checkpoint; what is none
            passes.
        cfg (Config): The config now.
    """
    try:
        then, now = (_of_a_training(read_text(text)) for text in (before, cfg.pretty_text))
    except UNREADABLE:
        return ''
    difference = first_difference(then, now)
    if difference is None:
        return ''
    return (
        f'The run goes on with another config than its checkpoint has ({difference}): its result '
        'is of neither alone; start a new run, unless that is meant.'
    )


def _of_a_training(cfg: Dict[str, Any]) -> Dict[str, str]:
    flat = settings_of({key: cfg[key] for key in _OF_A_TRAINING if key in cfg})
    return {
        key: value
        for key, value in flat.items()
        if not key.startswith('optim_wrapper.optimizer.')
        and not set(key.split('.')) & {*_ELSEWHERE}
    }


def read_text(text: str) -> Dict[str, Any]:
    """Read the text of a dumped config without running it, as a config of a stranger is a program.

    Args:
        text (str): Assignments of ``dict(...)``, lists and plain values.

    Raises:
        SyntaxError: If it is no Python.
    """
    return {
        line.targets[0].id: _plain(line.value)
        for line in ast.parse(text).body
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
    }


def _plain(node: ast.AST) -> Any:
    """The value of an expression; of one that is neither plain nor of plain ones, its text."""
    if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'dict':
        # dict(a=1), or dict({'a.b': 1}) where a key is no name
        parts = [part for part in map(_plain, node.args) if isinstance(part, dict)]
        words = {str(word.arg): _plain(word.value) for word in node.keywords}
        return {key: value for part in [*parts, words] for key, value in part.items()}
    if isinstance(node, ast.Dict):
        keys = (_plain(key) for key in node.keys if key is not None)
        return {str(key): _plain(value) for key, value in zip(keys, node.values)}
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_plain(part) for part in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.dump(node)
