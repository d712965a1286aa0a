"""Data loaders: their settings, the mistakes in these, and workers that hang or die."""

from __future__ import annotations

import inspect
import os
import signal
import threading
import traceback
from contextlib import contextmanager
from itertools import combinations
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from mmaction.registry import DATASETS, TRANSFORMS
from mmengine.config import Config
from torch.utils.data import DataLoader

from ..datasets.clip_size import datasets_of
from ..datasets.ffpp_dataset import FFPPDataset
from ..datasets.ffpp_tree import canonical_compression
from ..datasets.index import hash_of_sizes
from ..datasets.manipulations import get_manipulation
from ..datasets.protocol import HoldOut
from ..errors import MMFakeError
from .arguments import arguments_of, find_class, hint, is_swallowed

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')

# what Runner.build_dataloader takes beside the arguments of a DataLoader
_OF_MMENGINE = ('num_batch_per_epoch', 'disable_subprocess_warning')
# torch refuses these where a loader has no workers
_OF_WORKERS = ('prefetch_factor', 'timeout', 'multiprocessing_context')
_NUMBERS = ('clip_len', 'num_clips', 'frame_interval', 'crop_size')  # of a transform, 1 or more


# ---- Setting all loaders ------------------------------------------------------------------------


def set_in_datasets(cfg: Config, key: str, value: Any) -> None:
    """Set an argument in the datasets of all loaders."""
    for name in LOADERS:
        for dataset in datasets_of(_loader(cfg, name)):
            dataset[key] = value


def _loader(cfg: Config, name: str) -> Dict[str, Any]:
    """A loader of the config, an empty one if there is none."""
    loader = cfg.get(name)
    return loader if isinstance(loader, dict) else {}


def set_holdout(cfg: Config, holdout: str) -> None:
    """Keep another manipulation for the test, or ``'none'``; classifiers of methods follow.

    Args:
        cfg (Config): Config of a run, changed in place.
        holdout (str): Key of the manipulation, or ``'none'`` to train and test on all.

    Raises:
        MMFakeError: There is no such manipulation, or it is none of the methods of the config.
    """
    key = None if holdout.lower() == 'none' else get_manipulation(holdout).key
    set_in_datasets(cfg, 'holdout', key)
    seen = _seen(_protocols(cfg, 'train_dataloader'))
    model = cfg.get('model') or {}
    streams = [model.get('binary'), model.get('multi'), *(model.get('streams') or {}).values()]
    heads = [(stream or {}).get('cls_head') or {} for stream in streams]
    for head in heads if seen else ():
        if head.get('label_key') == 'label_multi':
            head['num_classes'] = 1 + len(seen)  # original and the methods of training


def set_compression(cfg: Config, compression: str) -> None:
    """Read another compression of FaceForensics++: ``'raw'``, ``'c23'`` or ``'c40'``."""
    set_in_datasets(cfg, 'compression', canonical_compression(compression))


# ---- Loaders that disagree ----------------------------------------------------------------------


def check_agreement(cfg: Config) -> None:
    """Refuse a validation, and with it a checkpoint and a threshold, of another protocol.

    Args:
        cfg (Config): Config of a training.

    Raises:
        MMFakeError: Training and validation differ in hold-out, methods, compression or data
            root, the method that the test holds out is seen by one of them, or two loaders read
            the same split.
    """
    train, val = _protocols(cfg, 'train_dataloader'), _protocols(cfg, 'val_dataloader')
    remedies = dict(
        holdout='--holdout KEY', compression='--compression C', data_root='--data-root DIR'
    )
    for key in ('holdout', 'methods', 'compression', 'data_root') if train and val else ():
        ours, theirs = ({_comparable(one, key) for one in side} for side in (train, val))
        # of two datasets that are trained on, one may do for the validation
        agree = ours - {None} == theirs - {None} if key == 'holdout' else theirs <= ours
        # a training on originals and what is made of them sees none of the methods that validate
        agree = agree or (key, ours) == ('methods', {''})
        if not agree:
            remedy = remedies.get(key, f'--cfg-options {{train,val}}_dataloader.dataset.{key}=...')
            raise MMFakeError(
                f'train_dataloader has {key} {_listed(ours)}, val_dataloader {_listed(theirs)}: '
                'checkpoint and threshold would be chosen on videos of another protocol; set both '
                f'the same, e.g. with {remedy}.'
            )

    for name, side in (('train_dataloader', train), ('val_dataloader', val)):
        leak = {one.get('holdout') for one in _protocols(cfg, 'test_dataloader')} & _seen(side)
        if leak:
            raise MMFakeError(
                f'test_dataloader holds out {_listed(leak)} as never seen, but {name} has it; set '
                f'the hold-out of all loaders: --holdout {_listed(leak)}.'
            )

    for name, other in combinations(LOADERS, 2):
        both = _splits(cfg, name) & _splits(cfg, other)
        if both:
            root, _, split = sorted(both)[0]
            raise MMFakeError(
                f'{name} and {other} both read split {split} of {root}: videos that are trained '
                'on or choose the checkpoint and its threshold test nothing; give each its own '
                'dataset.split, or train without validation: --no-validate.'
            )


def _splits(cfg: Config, loader: str) -> Set[Tuple[str, str, str]]:
    """Data root, index and split of the datasets of a loader."""
    keys = ('data_root', 'ann_file', 'split')
    return {tuple(_comparable(one, key) for key in keys) for one in _protocols(cfg, loader)}


def _protocols(cfg: Config, loader: str) -> List[Dict[str, Any]]:
    """The datasets of a loader that have a hold-out."""
    found = list(datasets_of(_loader(cfg, loader)))
    classes = [find_class(dataset.get('type'), [DATASETS]) for dataset in found]
    return [
        dataset
        for dataset, cls in zip(found, classes)
        if inspect.isclass(cls) and issubclass(cls, FFPPDataset)
    ]


def _seen(datasets: Sequence[Dict[str, Any]]) -> Set[str]:
    """The manipulations that datasets of training or validation show."""
    protocols = [
        HoldOut('train', one.get('holdout'), one.get('methods'), one.get('synthetic', ()))
        for one in datasets
    ]
    return {method for protocol in protocols for method in protocol.classes[1:]}


def _comparable(dataset: Dict[str, Any], key: str) -> Any:
    """The value of an argument of a dataset, its default if it has none."""
    if key == 'methods':
        methods = dataset.get('methods')
        none = methods is not None and not methods
        return '' if none else ' '.join(sorted(HoldOut('train', None, methods).methods[1:]))
    # not of the class: Python 3.8 gives the constructor of typing.Generic, from which it comes
    default = inspect.signature(FFPPDataset.__init__).parameters[key].default
    value = dataset.get(key, default)
    if key == 'compression':
        return canonical_compression(value)
    return os.path.normpath(value) if key == 'data_root' else value


def _listed(values: Set[Any]) -> str:
    return ' and '.join(sorted(map(str, values)))


def clips_of(cfg: Config, loaders: Sequence[str] = LOADERS) -> str:
    """One hash of the clips that loaders read, by their sizes; ``''`` where they cannot be listed.

    Args:
        cfg (Config): Config of a run.
        loaders (Sequence[str]): Which loaders. Defaults to all.
    """
    sizes: Dict[str, int] = {}
    try:
        for dataset in (one for name in loaders for one in _protocols(cfg, name)):
            cls = find_class(dataset['type'], [DATASETS])
            arguments = {key: value for key, value in dataset.items() if key != 'type'}
            sizes.update(cls(**dict(arguments, pipeline=[], lazy_init=True)).clip_sizes())
    except MMFakeError:
        return ''
    return hash_of_sizes(sizes)[:16]


# ---- One loader ---------------------------------------------------------------------------------


def check_loader(cfg: Config, name: str) -> None:
    """Refuse what would end in a traceback of a worker, or change nothing without a word.

    Args:
        cfg (Config): Config of a run.
        name (str): The loader, e.g. ``'train_dataloader'``.

    Raises:
        MMFakeError: An argument of the loader or of a transform is unknown or out of range.
    """
    loader = cfg[name]
    known = [*arguments_of(DataLoader), *_OF_MMENGINE]
    for key in loader:
        if key not in known:
            raise MMFakeError(f'{name} has no {key}{hint(key, known) or "."}')
    if 'dataset' not in loader:
        raise MMFakeError(f'{name} of the config has no dataset.')
    for key, least in (('batch_size', 1), ('num_workers', 0)):
        _check_number(loader.get(key), least, f'{name}.{key}')
    for dataset in datasets_of(loader):
        for place, step in _transforms(dataset.get('pipeline')):
            _check_transform(step, f'{name}.dataset.pipeline.{place}')


def fit_workers(cfg: Config) -> None:
    """Let ``num_workers=0``, which a debugger needs, simply work: in all loaders, in place."""
    for name in LOADERS:
        loader = _loader(cfg, name)
        if loader and loader.get('num_workers', 0) == 0:
            loader['persistent_workers'] = False
            for key in _OF_WORKERS:
                loader.pop(key, None)


def _transforms(steps: Any, way: str = '') -> Iterator[Tuple[str, Dict[str, Any]]]:
    """The transforms of a pipeline, those inside others included, with their place."""
    items = steps.items() if isinstance(steps, dict) else enumerate(steps or ())
    for key, step in items:
        if isinstance(step, dict) and 'type' in step:
            yield f'{way}{key}', step
        if isinstance(step, (dict, list, tuple)):
            yield from _transforms(step, f'{way}{key}.')


def _check_transform(step: Dict[str, Any], place: str) -> None:
    cls = find_class(step['type'], [TRANSFORMS])
    for key, value in step.items():
        if key != 'type' and is_swallowed(cls, key):
            name = cls.__name__
            raise MMFakeError(f'{place}: {name} has no {key}{hint(key, arguments_of(cls)) or "."}')
        for number in value if isinstance(value, (list, tuple)) else [value]:
            _check_number(number if key in _NUMBERS else None, 1, f'{place}.{key}')


def _check_number(value: Optional[int], least: int, place: str) -> None:
    if value is not None and (not isinstance(value, int) or value < least):
        raise MMFakeError(f'{place} is {value!r}: it has to be a whole number, {least} or more.')


# ---- A worker that hangs or dies ----------------------------------------------------------------


@contextmanager
def loader_errors_told() -> Iterator[None]:
    """Say in one line, as an MMFakeError, that a worker of a data loader hangs or has died."""
    try:
        yield
    except (RuntimeError, ConnectionError, EOFError) as error:
        text = str(error.args[0]) if error.args else ''
        if isinstance(error, MMFakeError) and text.startswith('Caught MMFakeError in DataLoader'):
            # torch put the traceback of the worker before the line
            raise MMFakeError(text.strip().splitlines()[-1].partition(': ')[2]) from None
        # first of all: torch's handler raises once more at the end of every other worker
        if hasattr(signal, 'SIGCHLD') and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if isinstance(error.__context__, KeyboardInterrupt):  # Ctrl-C has ended the workers, too
            raise KeyboardInterrupt from None
        told = ' '.join(str(error).split()).rstrip('.')
        if not isinstance(error, RuntimeError) and _is_from_loader(error):
            # the worker died while it handed a batch over
            told = f'DataLoader worker lost ({type(error).__name__}: {told})'
        if told.startswith('DataLoader timed out'):
            why = 'decoding a video hangs'
        elif told.startswith('DataLoader worker'):
            why = 'a video crashes its decoder, or memory is short'
        else:
            raise
        raise MMFakeError(
            f'{told}: {why}; data_prep/check_index.py finds such videos, take them out of the '
            'index and go on with --resume.'
        ) from None


def _is_from_loader(error: Exception) -> bool:
    """Whether an error was met while a batch was fetched."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(frame.f_globals.get('__name__') == 'torch.utils.data.dataloader' for frame in frames)
