"""Start of a run: checks of launcher, checkpoint and config, and the work dir."""

from __future__ import annotations

import copy
import logging
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Sequence

from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from ..errors import MMFakeError
from ..files import is_full

# launcher -> the variables it sets, and what sets them
_LAUNCHERS = {
    'pytorch': (
        'RANK LOCAL_RANK WORLD_SIZE MASTER_ADDR MASTER_PORT',
        'torchrun or tools/dist_train.sh and dist_test.sh',
    ),
    'slurm': (
        'SLURM_PROCID SLURM_NTASKS SLURM_NODELIST',
        'srun or tools/slurm_train.sh and slurm_test.sh',
    ),
    'mpi': (
        'OMPI_COMM_WORLD_LOCAL_RANK OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE MASTER_ADDR',
        'mpirun, with MASTER_ADDR set to the first machine',
    ),
}


def check_launcher(launcher: str) -> None:
    """Check that the process was started by the launcher it is told of.

    Args:
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        MMFakeError: If one of the launcher's variables is not set, or is no number.
    """
    variables, starts = _LAUNCHERS.get(launcher, ('', ''))
    absent = [name for name in variables.split() if not _is_set(name)]
    if absent:
        raise MMFakeError(
            f'--launcher {launcher}: the environment has no valid {absent[0]}, so this process was '
            f'not started by it; use {starts}, or drop --launcher for a single process.'
        )


def _is_set(name: str) -> bool:
    """All are numbers but the names of machines."""
    value = os.environ.get(name, '')
    return bool(value) if name.endswith(('ADDR', 'NODELIST')) else value.isdecimal()


@contextmanager
def full_disk_told(work_dir: str, advice: str) -> Iterator[None]:
    """Tell in one line that a disk became full during a run.

    Meanwhile a log that cannot be written is not told record by record. If there is still no room
    for it when the block ends, that is told once.

    Args:
        work_dir (str): The folder that the run writes to.
        advice (str): What to do, e.g. ``'make room and test again.'``.

    Yields:
        None: The block is the run.

    Raises:
        MMFakeError: If the disk is full. Any other ``OSError`` of the block is left as it is.
    """
    shown, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield
        for handler in MMLogger.get_current_instance().handlers:
            handler.flush()
    except OSError as error:  # a log, say: checkpoints and scores tell of themselves
        if not is_full(error):
            raise
        raise MMFakeError(f'{work_dir}: the disk is full ({error.strerror}); {advice}') from None
    finally:
        logging.raiseExceptions = shown


def make_work_dir(work_dir: str) -> None:
    """Make the work dir of a run, and look whether files can be made in it.

    Args:
        work_dir (str): The folder; it may exist.

    Raises:
        MMFakeError: If it cannot be made or written to, for another reason than a full disk.
    """
    try:
        Path(work_dir).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=work_dir):
            pass
    except OSError as error:
        if is_full(error):
            raise
        raise MMFakeError(
            f'{work_dir}: a work dir cannot be made or written to here ({error.strerror}); name '
            'another with --work-dir.'
        ) from None


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
