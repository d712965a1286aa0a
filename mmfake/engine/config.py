"""Config of a run: reading the file and merging scale, data root and options into it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

from mmengine.config import Config

from ..datasets.clip_size import set_clip_size
from ..errors import MMFakeError, first_line, sample_of
from ..files import is_full

SCALES = Path('configs', '_base_', 'scales')


def load_config(
    path: str,
    scale: Optional[str] = None,
    data_root: Optional[str] = None,
    options: Optional[Dict[str, Any]] = None,
    work_dir: Optional[str] = None,
    launcher: str = 'none',
) -> Config:
    """Read a config and merge scale, data root and options into it, in this order.

    Args:
        path (str): Config file.
        scale (str, optional): Config merged over it: a name in ``configs/_base_/scales``, e.g.
            ``'mini'``, or a file. Defaults to None.
        data_root (str, optional): Where the dataset is. Defaults to None, what the config says.
        options (dict[str, Any], optional): Settings by dotted key, e.g.
            ``{'train_cfg.max_epochs': 2}``. Defaults to None.
        work_dir (str, optional): Folder of logs and results. Defaults to None, what the config
            says, else ``work_dirs/<name of the config>``.
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``. Defaults to ``'none'``.

    Returns:
        Config: The config of a run.

    Raises:
        MMFakeError: If a file does not exist or cannot be read, or a setting does not fit.
    """
    cfg = _read(path)
    if scale:
        with options_fit(path, f'the scale {scale}'):
            _merge_scale(cfg, _read(str(_find_scale(scale))).to_dict())
    if data_root:
        with options_fit(path, f'the data root {data_root}'):
            _set_data_root(cfg, data_root)
    if options:
        _merge_options(cfg, options, path)
    cfg.launcher = launcher
    if work_dir:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(path).stem))
    if launcher != 'none' and not _has_gpu():
        # mmengine's default names a CUDA device, which a model on the CPU must not have
        wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
        cfg.setdefault('model_wrapper_cfg', wrapper)
    return cfg


def _find_scale(name: str) -> Path:
    """A bundled scale by its name, else a file."""
    path = SCALES / f'{name}.py'
    bundled = Path(__file__).resolve().parents[1] / '.mim' / path
    return next((p for p in (path, bundled) if p.is_file()), Path(name))


def _has_gpu() -> bool:
    import torch  # not for a command line that only reads a config

    return torch.cuda.is_available()


@contextmanager
def options_fit(path: str, what: str) -> Iterator[None]:
    """Turn what goes wrong when a config is changed into one line.

    Args:
        path (str): The config file.
        what (str): What changes it, e.g. ``'the scale mini'``.

    Yields:
        None: The block changes the config.

    Raises:
        MMFakeError: The config does not have what the block looks for.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise MMFakeError(
            f'{path}: {what} does not fit this config ({type(error).__name__}: '
            f'{first_line(error)}); is each key spelt as in the config?'
        ) from None


def _merge_scale(cfg: Config, scale: Dict[str, Any]) -> None:
    """Merge a scale, whose ``data_root``, ``clip_size`` and hooks fit whatever config this is."""
    if 'data_root' in scale:
        _set_data_root(cfg, scale.pop('data_root'))
    if 'clip_size' in scale:
        set_clip_size(cfg, **scale.pop('clip_size'))
    adjusted = {hook['type']: hook for hook in scale.pop('custom_hooks', [])}
    for hook in cfg.get('custom_hooks') or []:
        hook.update(adjusted.get(hook['type'], {}))
    cfg.merge_from_dict(scale)


def _set_data_root(cfg: Config, root: str) -> None:
    """Set it in every dataset, also in one that is wrapped in a RepeatDataset or the like."""
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(loader):
            dataset = cfg[loader].dataset
            while 'dataset' in dataset:
                dataset = dataset.dataset
            dataset.data_root = root


def _merge_options(cfg: Config, options: Dict[str, Any], path: str) -> None:
    """Merge settings by dotted key, or say which one does not fit and why."""
    try:
        cfg.merge_from_dict(options)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reasons = (_misfit(cfg, key) for key in options)
        reason = next((reason for reason in reasons if reason), first_line(error))
        keys = sample_of(options, 2)
        raise MMFakeError(f'{path}: --cfg-options {keys}: does not fit, {reason}.') from None


def _misfit(cfg: Config, key: str) -> Optional[str]:
    """Why a dotted key leads nowhere in a config, None if it can be set."""
    node, way, parts = cfg, [], key.split('.')
    for part in parts:
        name = '.'.join(way)
        if isinstance(node, (list, tuple)):
            if not part.isdigit() or int(part) >= len(node):
                return f'{name} is a list of {len(node)} entries, which count from 0'
            if len(way) + 1 == len(parts):
                return f'{name} is a list: give it whole, {name}=[...], or a key of one entry'
            node = node[int(part)]
        elif isinstance(node, (dict, Config)):
            if part not in node:
                return None  # a new setting
            node = node[part]
        else:
            return f'{name} is {node!r}, which has nothing below it'
        way.append(part)
    return None


def _read(path: str) -> Config:
    if not Path(path).is_file():
        raise MMFakeError(f'{path}: no such config file; the shipped ones are in configs/mtl.')
    try:
        return Config.fromfile(path)
    except MMFakeError:
        raise
    except Exception as error:  # a config is Python: anything may be wrong with it
        _check_room(path, error)
        raise MMFakeError(
            f'{path}: not a config that can be read ({type(error).__name__}: {first_line(error)}).'
        ) from None


def _check_room(path: str, error: Exception) -> None:
    """Tell of the temporary folder if it, and not the config that is copied to it, is at fault."""
    cause = error
    if isinstance(error, UnboundLocalError) and 'temp_config_dir' in str(error):
        cause = error.__context__  # mmengine removes the folder that it could not make
    if is_full(cause) or (cause is not error and isinstance(cause, OSError)):
        raise MMFakeError(
            f'{path}: no room to read it, as the temporary folder cannot be written to '
            f'({cause.strerror}); make room there, or name another folder in TMPDIR.'
        ) from None
