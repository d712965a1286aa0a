"""What a cell is trained with, and whether that is what it was trained with."""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from mmengine.config import Config

from ...engine.config import load_config
from ...errors import MMFakeError
from ..options import add_run_arguments

SETTINGS_RULES = 2
"""int: Raised when other settings count: fingerprints by other rules cannot be compared."""

# where a run is, how it was started, what it logs and keeps: none of this changes its result
_UNIMPORTANT = (
    *('work_dir', 'resume', 'load_from', 'launcher', 'model_wrapper_cfg'),
    *('log_level', 'log_processor', 'visualizer', 'vis_backends'),
    *('env_cfg.mp_cfg', 'env_cfg.dist_cfg'),
    *('default_hooks.logger', 'default_hooks.timer', 'default_hooks.visualization'),
)
_OF_CHECKPOINTS = tuple(
    f'default_hooks.checkpoint.{key}'
    for key in ('interval', 'by_epoch', 'max_keep_ckpts', 'save_last', 'published_keys')
)
# how fast a loader is, and where the scores go
_ANYWHERE = ('num_workers', 'persistent_workers', 'prefetch_factor', 'pin_memory', 'scores_file')


def cell_config(config: Path, seed: int, options: Sequence[str]) -> Config:
    """Load the config of a cell as ``tools/train.py`` does.

    Args:
        config (Path): The file.
        seed (int): Seed of the cell.
        options (Sequence[str]): Options that training and test share, e.g.
            ``['--scale', 'mini']``.

    Returns:
        Config: The config.

    Raises:
        MMFakeError: A config file does not exist or cannot be read, or an option does not fit it.
    """
    parser = argparse.ArgumentParser()
    add_run_arguments(parser)
    try:
        given = parser.parse_args([str(config), *options])
        cfg = load_config(str(config), given.scale, given.data_root, given.cfg_options)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [''])[0]
        raise MMFakeError(
            f'{config}: the options {shlex.join(options)} do not fit it '
            f'({type(error).__name__}: {reason}); is each KEY=VALUE spelt as in the config?'
        ) from None
    cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)
    return cfg


def settings_of(cfg: Config) -> Dict[str, Any]:
    """Take from a config what decides the result of a run.

    Args:
        cfg (Config): The config, loaded or as mmengine dumped it.

    Returns:
        dict[str, Any]: Flat, ``'optim_wrapper.optimizer.lr'`` -> its value as JSON text.
    """
    flat = dict(_flat(json.loads(json.dumps(cfg.to_dict(), default=str))))
    unimportant = tuple(f'{key}.' for key in (*_UNIMPORTANT, *_OF_CHECKPOINTS))
    return {
        key: value
        for key, value in flat.items()
        if not f'{key}.'.startswith(unimportant) and key.split('.')[-1] not in _ANYWHERE
    }


def fingerprint(settings: Dict[str, Any], with_seed: bool = True) -> str:
    """Shorten settings to a word.

    Args:
        settings (dict[str, Any]): As :func:`settings_of` returns.
        with_seed (bool): Whether the seed is part of it. Defaults to True.

    Returns:
        str: 16 hexadecimal digits, the same for the same settings.
    """
    kept = {key: settings[key] for key in settings if with_seed or key != 'randomness.seed'}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def first_difference(before: Dict[str, Any], now: Dict[str, Any]) -> Optional[str]:
    """Name what differs.

    Args:
        before (dict[str, Any]): Settings.
        now (dict[str, Any]): Others.

    Returns:
        str | None: Such as ``optim_wrapper.optimizer.lr: 0.001, now 0.01``, None if they are equal.
    """
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
