"""Start of a run: checks of launcher and config, the locked work dir, mistakes in one line."""

from __future__ import annotations

import copy
import logging
import os
import re
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import build_functions
from mmengine.runner import Runner

import mmfake.register  # noqa: F401 - also for configs that do not name it

from ..console import process_rank
from ..engine.arguments import arguments_of, check_paramwise, hint, registered
from ..engine.loaders import check_loader, loader_errors_told
from ..engine.machine import check_abilities, check_gpus, determinism_mistake, prepare_determinism
from ..engine.monitors import check_monitors
from ..engine.run_log import BriefLog, BriefRunner, paramwise_line
from ..errors import MMFakeError, first_line
from ..files import is_full

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_BUILDERS = build_functions.__name__
_MISTAKES = (AssertionError, AttributeError, KeyError, RuntimeError, TypeError, ValueError)

# launcher -> the variables it sets, and what sets them
_LAUNCHERS = {
    'pytorch': (
        'RANK LOCAL_RANK WORLD_SIZE MASTER_ADDR MASTER_PORT',
        'torchrun or tools/dist_train.sh, dist_test.sh and dist_detect.sh',
    ),
    'slurm': (
        'SLURM_PROCID SLURM_NTASKS SLURM_NODELIST',
        'srun or tools/slurm_train.sh, slurm_test.sh and slurm_detect.sh',
    ),
    'mpi': (
        'OMPI_COMM_WORLD_LOCAL_RANK OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE MASTER_ADDR',
        'mpirun, with MASTER_ADDR set to the first machine',
    ),
}


def check_launcher(launcher: str) -> None:
    """Refuse a launcher that has not started this process, or has started more than GPUs."""
    variables, starts = _LAUNCHERS.get(launcher, ('', ''))
    absent = [name for name in variables.split() if not _is_set(name)]
    if absent:
        raise MMFakeError(
            f'--launcher {launcher}: the environment has no valid {absent[0]}, so this process was '
            f'not started by it; use {starts}, or drop --launcher for a single process.'
        )
    if launcher == 'mpi':  # mmengine's wrapper of the model asks for it
        os.environ.setdefault('LOCAL_RANK', os.environ['OMPI_COMM_WORLD_LOCAL_RANK'])
    check_gpus(launcher)


def _is_set(name: str) -> bool:
    """All are numbers but the names of machines."""
    value = os.environ.get(name, '')
    return bool(value) if name.endswith(('ADDR', 'NODELIST')) else value.isdecimal()


def check_config(cfg: Config, loaders: Sequence[str]) -> None:
    """Check what can be checked before anything is built or written.

    Args:
        cfg (Config): Config of the run.
        loaders (Sequence[str]): The dataloaders the run needs, e.g. ``['train_dataloader']``.

    Raises:
        MMFakeError: A part is absent, a loader, ``paramwise_cfg``, a monitored metric or its rule
            has a mistake, heads and hook do not match, the machine cannot do what is asked, or
            there is no such checkpoint.
    """
    absent = [key for key in ('model', *loaders) if key not in cfg]
    if absent:
        raise MMFakeError(
            f'the config has no {absent[0]}; it is only a part of one: run one of configs/mtl, or '
            'name it in the _base_ list of a config of your own.'
        )
    for key in ('model', *loaders, 'optim_wrapper', 'default_hooks', 'randomness'):
        if cfg.get(key) is not None and not isinstance(cfg[key], dict):
            raise MMFakeError(f'{key} of the config is {cfg[key]!r}, and has to be a dict.')
    for key in ('load_from', 'work_dir'):
        if cfg.get(key) is not None and not isinstance(cfg[key], str):
            raise MMFakeError(f'{key} of the config is {cfg[key]!r}, and has to be a path.')
    hooks = cfg.get('custom_hooks') or []
    if not isinstance(hooks, (list, tuple)) or not all(isinstance(hook, dict) for hook in hooks):
        raise MMFakeError(
            f'custom_hooks of the config is {hooks!r}, and has to be a list of dicts, which '
            '--cfg-options cannot write: put it into a config of your own.'
        )
    seed = (cfg.get('randomness') or {}).get('seed')
    if seed is not None and not isinstance(seed, int):
        raise MMFakeError(f'randomness.seed of the config is {seed!r}, and has to be a number.')
    check_contrastive(cfg)
    check_paramwise(cfg.get('optim_wrapper') or {})
    check_abilities(cfg, 'train_dataloader' in loaders)
    if 'val_dataloader' in loaders:
        check_monitors(cfg)
    checkpoint = Path(cfg.get('load_from') or '')
    if checkpoint.suffix == '.py':
        raise MMFakeError(f'{checkpoint} is a config: CONFIG comes first, then CHECKPOINT.')
    if checkpoint.suffix == '.onnx':
        raise MMFakeError(
            f'{checkpoint} is an exported model, for tools/detect.py alone: give the checkpoint it '
            'was exported from.'
        )
    if cfg.get('load_from') and '://' not in cfg.load_from and not checkpoint.is_file():
        raise MMFakeError(f'{cfg.load_from}: no such checkpoint file.')
    for name in loaders:
        if cfg[name] is not None:
            check_loader(cfg, name)


def check_contrastive(cfg: Config) -> None:
    """Refuse a contrastive head without the hook that fills its queue, and the reverse."""
    streams = {name: cfg.model.get(name) for name in ('binary', 'multi', 'streams')}
    further = streams.pop('streams') or {}
    if isinstance(further, dict):
        streams.update({f'streams.{name}': stream for name, stream in further.items()})
    else:
        streams['streams'] = further
    for name, stream in streams.items():
        if stream is not None and not isinstance(stream, dict):
            raise MMFakeError(f'model.{name} of the config is {stream!r}, and has to be a dict.')
    heads = [
        f'model.{name}.contrastive_head'
        for name, stream in streams.items()
        if (stream or {}).get('contrastive_head')
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


def make_work_dir(work_dir: str) -> None:
    """Make the work dir of a run, and look whether files can be made in it."""
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


@contextmanager
def work_dir_lock(work_dir: str) -> Iterator[None]:
    """Hold the lock of a work dir, so that no second training writes to it meanwhile.

    The lock is one of the process (``fcntl.lockf``): it ends when the process does, however it
    does, and its loader workers, which outlive a ``kill -9`` by seconds, do not hold it. Rank 0
    takes it for all. Where the file system has no locks, there is none.

    Args:
        work_dir (str): The folder, which exists.

    Yields:
        None: The block is the run.

    Raises:
        MMFakeError: Another process holds it.
    """
    if fcntl is None or process_rank() != '0':
        yield
        return
    with open(Path(work_dir, '.lock'), 'w') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # either, says POSIX
            raise MMFakeError(
                f'{work_dir}: another training is running in this work dir; wait for its end, or '
                'name another with --work-dir.'
            ) from None
        except OSError:
            pass
        yield


def build_runner(cfg: Config, is_test: bool = False) -> Runner:
    """Build mmengine's Runner, or the one that the config names.

    The config that it dumps starts the same training again: it names no checkpoint that is tested
    or resumed from, and that of a test, ``test_<name>.py``, leaves the training's as it is.

    Args:
        cfg (Config): Config of the run, which is left as it is.
        is_test (bool): Whether the run is a test. Defaults to False.
    """
    prepare_determinism(cfg)
    dumped = copy.deepcopy(cfg)
    if is_test or cfg.get('resume'):
        dumped.load_from, dumped.resume = None, False
    if is_test and cfg.filename:
        path = Path(cfg.filename)
        object.__setattr__(dumped, '_filename', str(path.with_name(f'test_{path.name}')))
    if 'runner_type' in cfg:
        runner = RUNNERS.build(dumped)
        runner.logger.addFilter(BriefLog(paramwise_line(cfg)))
    else:
        runner = BriefRunner.from_cfg(dumped)
    runner._load_from, runner._resume = cfg.get('load_from'), cfg.get('resume', False)
    return runner


@contextmanager
def mistakes_told(cfg: Config, advice: str) -> Iterator[None]:
    """Tell in one line what of a run the user can mend: a wrong config, a full disk.

    Meanwhile a log that cannot be written is not told record by record. If there is still no room
    for it when the block ends, that is told once.

    Args:
        cfg (Config): Config of the run.
        advice (str): What to do when the disk is full, e.g. ``'make room and test again.'``.

    Yields:
        None: The block is the run.

    Raises:
        MMFakeError: The disk is full, a package is missing, or something cannot be built from the
            config. Any other error of the block is left as it is.
    """
    shown, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        with loader_errors_told():
            yield
        for handler in MMLogger.get_current_instance().handlers:
            handler.flush()
    except OSError as error:  # a log, say: checkpoints and scores tell of themselves
        if not is_full(error):
            raise
        raise MMFakeError(
            f'{cfg.work_dir}: the disk is full ({error.strerror}); {advice}'
        ) from None
    except ImportError as error:  # of a tracker, say
        raise MMFakeError(f'a package is missing: {first_line(error)}') from None
    except MMFakeError:
        raise
    except _MISTAKES as error:
        mistake = (
            _build_mistake(cfg, error)
            or _width_mistake(cfg, error)
            or _clip_mistake(error)
            or determinism_mistake(error)
            or _of_runner(error)
        )
        if mistake is None:
            raise
        raise MMFakeError(mistake) from None
    finally:
        logging.raiseExceptions = shown


def _build_mistake(cfg: Config, error: Exception) -> Optional[str]:
    """What mmengine could not build from the config and why, None if it was building nothing."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    building = [frame for frame in frames if frame.f_globals.get('__name__') == _BUILDERS]
    if not building:
        return None
    names = building[-1].f_locals
    kind = names.get('obj_type') or names.get('scheduler_type')
    cls = names.get('obj_cls') or names.get('scheduler_cls')
    if kind is None and 'must contain the key "type"' in str(error):
        return _typeless(cfg, names.get('cfg'))
    reason = first_line(error).split('. Please check')[0]
    if not str(error):  # an assertion
        reason = traceback.extract_tb(error.__traceback__)[-1].line

    # a name that is near: of an argument, or of a type
    argument = re.search(r"unexpected keyword argument '(\w+)'", reason)
    if argument:
        wrong, known = argument[1], arguments_of(cls)
    else:
        wrong, known = str(kind), registered(names['registry']) if cls is None else []

    def fits(part: Dict[str, Any]) -> bool:
        return part.get('type') == kind and (not argument or wrong in part)

    place = next(_places(cfg, fits), None)
    place = f'type={kind}' if place is None else f'{place}.{wrong}' if argument else place
    near = hint(wrong.split('.')[-1], known)
    return f'{place} of the config: {type(error).__name__}: {reason}{near}'


def _typeless(cfg: Config, part: Any) -> Optional[str]:
    """Where a dict without a type stands, None if it is not of the config."""
    place = next(_places(cfg, lambda other: other == part), '')
    if not place:
        return None
    *way, name = place.split('.')
    above: Any = cfg
    for key in way:
        above = above[int(key) if isinstance(above, (list, tuple)) else key]
    near = hint(name, [key for key in above if key != name]) if isinstance(above, dict) else ''
    return f'{place} of the config has no type{near or "."}'


def _of_runner(error: Exception) -> Optional[str]:
    """What mmengine's Runner itself refuses, None if it is not the one."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if frames[-1].f_globals.get('__name__') != Runner.__module__:
        return None
    return f'the Runner cannot take the config: {type(error).__name__}: {first_line(error)}'


def _width_mistake(cfg: Config, error: Exception) -> Optional[str]:
    """Which head does not have the width of the encoder, None if the error is another one."""
    shapes = re.search(r'shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)', str(error))
    frames: List[FrameType] = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = [frame.f_locals.get('self') for frame in frames]
    model = next((part for part in modules if hasattr(part, 'backbone')), None)
    if shapes is None or model is None:
        return None
    heads = [
        (name, part)
        for name, part in model.named_modules()
        if name.endswith(('.cls_head', '.contrastive_head', '.head')) or name == 'cls_head'
    ]
    # the head in which it happened, and those that will be next
    names = [name for name, part in heads if any(part is module for module in modules)]
    names += [name for name, part in heads if getattr(part, 'in_channels', None) == int(shapes[2])]
    if not names:
        return None
    known = cfg.get('model') or {}
    places = [
        f'model.{name}' if name.split('.')[0] in known else f'model.streams.{name}'
        for name in dict.fromkeys(names)
    ]
    also = f' (and that of {", ".join(places[1:])})' if places[1:] else ''
    return (
        f'backbone {type(model.backbone).__name__} gives {shapes[1]} channels, '
        f'{places[0]}.in_channels is {shapes[2]}: set it to {shapes[1]}{also}.'
    )


def _clip_mistake(error: Exception) -> Optional[str]:
    """Which encoder cannot take clips of this size, None if the error is another one."""
    if not re.search(r"too small|can't be greater|cannot be multiplied", str(error)):
        return None
    frames: List[FrameType] = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = [frame.f_locals.get('self') for frame in frames]
    encoders = [part.backbone for part in modules if hasattr(part, 'backbone')]
    inside = [part for part in modules if any(part is encoder for encoder in encoders)]
    if not inside:
        return None
    return (
        f'backbone {type(inside[0]).__name__} cannot take clips of this size: {first_line(error)}. '
        'Give it the clip length and the picture size it is made for.'
    )


def _places(node: Any, fits: Callable[[Dict[str, Any]], bool], way: str = '') -> Iterator[str]:
    """Find the dicts of a config that fit, by dotted key."""
    if isinstance(node, (dict, Config)):
        if way and fits(node):
            yield way[:-1]
        items: List = [item for item in node.items() if not str(item[0]).endswith('_pipeline')]
    else:
        items = list(enumerate(node)) if isinstance(node, (list, tuple)) else []
    for name, below in items:
        yield from _places(below, fits, f'{way}{name}.')
