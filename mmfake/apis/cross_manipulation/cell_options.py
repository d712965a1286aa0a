"""Settings that a cell cannot be given."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from mmengine.config import Config

from ...errors import MMFakeError
from .cell_config import cell_config

_WEIGHTS = (
    'cells are trained with --resume, which starts from checkpoints of their own alone; to begin '
    "with weights set model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...) in a config"
)
# key -> why it has no effect
_WITHOUT_EFFECT = {
    'load_from': _WEIGHTS,
    'resume': 'an interrupted cell is always resumed',
    'work_dir': 'use --work-dir',
    'launcher': 'use --launcher',
    'randomness.seed': 'use --seeds',
}


def check_options(words: Sequence[str]) -> None:
    """Refuse options that are none, or that would silently do nothing.

    Args:
        words (Sequence[str]): What follows ``--cfg-options``.

    Raises:
        MMFakeError: A word is not ``KEY=VALUE``, or its key is set by the command itself.
    """
    for word in words:
        key, sign, _ = word.partition('=')
        if not sign or not all(key.split('.')):
            raise MMFakeError(f'--cfg-options {word}: write KEY=VALUE, e.g. train_cfg.max_epochs=3')
        if key in _WITHOUT_EFFECT:
            raise MMFakeError(f'--cfg-options {word}: has no effect here; {_WITHOUT_EFFECT[key]}')


def planned_config(config: Path, seed: int, options: Sequence[str]) -> Config:
    """Load the config that a cell is to be trained with.

    Args:
        config (Path): The file.
        seed (int): Seed of the cell.
        options (Sequence[str]): As for :func:`.cell_config`.

    Returns:
        Config: The config.

    Raises:
        MMFakeError: It cannot be read, an option does not fit it, or it names a checkpoint to load,
            which the training would pass over.
    """
    cfg = cell_config(config, seed, options)
    if cfg.get('load_from'):
        raise MMFakeError(f'{config}: load_from={cfg.load_from} has no effect here; {_WEIGHTS}')
    return cfg
