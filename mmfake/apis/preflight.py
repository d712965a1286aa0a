"""Mistakes found before a run leaves anything behind."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Sequence

from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..errors import MMFakeError


def check_run(cfg: Config, loaders: Sequence[str]) -> None:
    """Check that the config is consistent, its model can be built and its datasets are there.

    Args:
        cfg (Config): Config of the run.
        loaders (Sequence[str]): The dataloaders the run needs, e.g. ``['train_dataloader']``.

    Raises:
        MMFakeError: If a part is absent, heads and hook do not match, the model cannot be built, or
            a file or dataset cannot be read.
    """
    absent = [key for key in ('model', *loaders) if key not in cfg]
    if absent:
        raise MMFakeError(
            f'the config has no {absent[0]}; it is only a part of one: run one of configs/mtl, or '
            'name it in the _base_ list of a config of your own.'
        )
    check_contrastive(cfg)
    if cfg.get('load_from') and '://' not in cfg.load_from and not Path(cfg.load_from).is_file():
        raise MMFakeError(f'{cfg.load_from}: no such checkpoint file.')
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    try:
        MODELS.build(copy.deepcopy(cfg.model))  # without its weights; a copy, as building may pop
    except (TypeError, KeyError) as error:  # an unknown argument, an unknown type
        raise MMFakeError(f'model of the config: {str(error).splitlines()[0]}') from None
    for name in loaders:
        if cfg.get(name):
            DATASETS.build(cfg[name].dataset)


def check_contrastive(cfg: Config) -> None:
    """Refuse a contrastive head without the hook that fills its queue, and the reverse.

    Raises:
        MMFakeError: Naming both.
    """
    heads = [
        f'model.{stream}.contrastive_head'
        for stream in ('binary', 'multi')
        if (cfg.model.get(stream) or {}).get('contrastive_head')
    ]
    types = [str(hook.get('type')) for hook in cfg.get('custom_hooks') or []]
    hooks = [name for name in types if name.endswith('LabelMoCoHook')]
    if heads and not hooks:
        raise MMFakeError(
            f'{heads[0]} has a ContrastiveHead, but custom_hooks has no LabelMoCoHook to fill its '
            "queue; add dict(type='mmfake.LabelMoCoHook') or remove the head."
        )
    if hooks and not heads:
        raise MMFakeError(
            'custom_hooks has a LabelMoCoHook, but no stream of the model has a ContrastiveHead; '
            'remove the hook or add model.binary.contrastive_head.'
        )
