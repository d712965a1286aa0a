"""From command-line arguments to the config of a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict, Optional

from mmengine.config import Config, DictAction

from ..datasets.clip_size import set_clip_size
from ..errors import MMFakeError
from ..files import is_full

SCALES = Path('configs', '_base_', 'scales')


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that training and testing share, named as in mmaction2."""
    parser.add_argument('config', help='config file, e.g. configs/mtl/bin_multi_ce_holdout_f2f.py')
    parser.add_argument(
        '--work-dir', help='folder of logs and results (default: work_dirs/<config name>)'
    )
    parser.add_argument(
        '--data-root', metavar='DIR', help='where the dataset is (default: what the config says)'
    )
    parser.add_argument(
        '--scale',
        help='config merged over CONFIG: "mini" for configs/_base_/scales/mini.py (a rendered '
        'dataset, small clips, a CPU is enough), or a file of your own',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override settings, e.g. train_dataloader.batch_size=16 model.backbone.with_cp=True',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how the processes were started (default: none, one process)',
    )
    # torch.distributed.launch passes one or the other spelling
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


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
        _merge_scale(cfg, _read(str(_find_scale(scale))).to_dict())
    if data_root:
        _set_data_root(cfg, data_root)
    if options:
        cfg.merge_from_dict(options)
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
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(loader):
            dataset = cfg[loader].dataset
            while 'dataset' in dataset:  # RepeatDataset and the like
                dataset = dataset.dataset
            dataset.data_root = root


def _read(path: str) -> Config:
    if not Path(path).is_file():
        raise MMFakeError(f'{path}: no such config file; the shipped ones are in configs/mtl.')
    try:
        return Config.fromfile(path)
    except MMFakeError:
        raise
    except Exception as error:  # a config is Python: anything may be wrong with it
        _check_room(path, error)
        reason = (str(error).strip().splitlines() or [''])[0]
        raise MMFakeError(
            f'{path}: not a config that can be read ({type(error).__name__}: {reason}).'
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
