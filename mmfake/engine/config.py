"""Config of a run: reading the file and merging scale, data and options into it."""

from __future__ import annotations

import ast
import inspect
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from mmaction import registry as registries
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import Runner

from ..datasets.clip_size import pipelines_of, set_clip_size
from ..datasets.perturbed import keep_kinds
from ..errors import MMFakeError, config_file, first_line, hint, sample_of
from ..files import is_full
from .arguments import arguments_of, find_class
from .loaders import set_compression, set_holdout, set_in_datasets
from .machine import has_gpu

SCALES = Path('configs', '_base_', 'scales')

# a config needs none of these, and the Runner or a command reads them
_READ = (
    *inspect.signature(Runner.__init__).parameters,
    *('activation_checkpointing', 'compile', 'custom_imports', 'efficient_conv_bn_eval'),
    *('find_unused_parameters', 'model_wrapper_cfg', 'runner_type', 'sync_bn'),
)
# mmengine's default hooks
_OWN = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')
# variables of the shipped configs -> what to set, as they have been read by then
_READ_ALREADY = dict(
    data_root='give --data-root DIR',
    clip_len='call set_clip_size in a config, see configs/mtl/README.md',
    image_size='call set_clip_size in a config, see configs/mtl/README.md',
    vis_backends='set visualizer.vis_backends',
    **{
        f'{split}_pipeline': f'set {split}_dataloader.dataset.pipeline.N.KEY'
        for split in ('train', 'val', 'test')
    },
)
# names of mmcv 1 that no Runner reads any more: what says it today
_OF_MMCV_1 = dict(
    total_epochs='train_cfg.max_epochs',
    total_iters='train_cfg.max_iters',
    runner='train_cfg',
    workflow='train_cfg, val_cfg and test_cfg',
    optimizer='optim_wrapper.optimizer',
    optimizer_config='optim_wrapper.clip_grad',
    lr_config='param_scheduler',
    momentum_config='param_scheduler',
    evaluation='val_evaluator, train_cfg.val_interval and default_hooks.checkpoint.save_best',
    checkpoint_config='default_hooks.checkpoint',
    log_config='default_hooks.logger and visualizer',
    data='train_dataloader, val_dataloader and test_dataloader',
    resume_from='resume and load_from',
    dist_params='env_cfg.dist_cfg',
)


def load_config(
    path: str,
    scale: Optional[str] = None,
    data_root: Optional[str] = None,
    options: Optional[Dict[str, Any]] = None,
    work_dir: Optional[str] = None,
    launcher: str = 'none',
    holdout: Optional[str] = None,
    compression: Optional[str] = None,
) -> Config:
    """Read a config and merge scale, data and options into it, in this order.

    Args:
        path (str): Config file.
        scale (str, optional): Config merged over it: a name in ``configs/_base_/scales``, e.g.
            ``'mini'``, or a file; and over that what the config itself says of a scale of this
            name, ``scales=dict(mini=...)``. Defaults to None.
        data_root (str, optional): Where the dataset is. Defaults to None, what the config says.
        options (dict[str, Any], optional): Settings by dotted key, e.g.
            ``{'train_cfg.max_epochs': 2}``. Defaults to None.
        work_dir (str, optional): Folder of logs and results. Defaults to None, what the config
            says, else ``work_dirs/<name of the config>``.
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``. Defaults to ``'none'``.
        holdout (str, optional): Key of the manipulation that is kept for the test, or ``'none'``.
            Defaults to None, what the config says.
        compression (str, optional): ``'raw'``, ``'c23'`` or ``'c40'``. Defaults to None, what the
            config says.

    Returns:
        Config: The config of a run.

    Raises:
        MMFakeError: If a file does not exist or cannot be read, or a setting does not fit.
    """
    cfg = _read(path)
    own_scales = cfg.pop('scales', {})
    if scale:
        with options_fit(path, f'the scale {scale}'):
            _merge_scale(cfg, _read(str(_find_scale(scale))).to_dict())
            _merge_scale(cfg, dict(own_scales.get(Path(scale).stem, {})))
    if data_root:
        with options_fit(path, f'the data root {data_root}'):
            set_in_datasets(cfg, 'data_root', data_root)
    if holdout:
        with options_fit(path, f'the hold-out {holdout}'):
            set_holdout(cfg, holdout)
    if compression:
        with options_fit(path, f'the compression {compression}'):
            set_compression(cfg, compression)
    if options:
        _merge_options(cfg, options, path)
    # mmengine leaves out a hook of its own that is None, and fails at any other
    for name in [name for name, hook in _hooks(cfg).items() if hook is None and name not in _OWN]:
        del cfg.default_hooks[name]
    cfg.launcher = launcher
    if work_dir:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(path).stem))
    if launcher != 'none' and not has_gpu():
        # mmengine's default names a CUDA device, which a model on the CPU must not have
        wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
        cfg.setdefault('model_wrapper_cfg', wrapper)
    return cfg


def _hooks(cfg: Config) -> Dict[str, Any]:
    found = cfg.get('default_hooks')
    return found if isinstance(found, dict) else {}


def _find_scale(name: str) -> Path:
    """A bundled scale by its name, else a file."""
    bundled = Path(__file__).resolve().parents[1] / '.mim' / SCALES
    found = [folder / f'{name}.py' for folder in (SCALES, bundled)] + [Path(name)]
    for path in found:
        if path.is_file():
            return path
    names = sorted({path.stem for folder in (SCALES, bundled) for path in folder.glob('*.py')})
    raise MMFakeError(
        f'--scale {name}: neither a file nor one of the scales in {SCALES}, which are '
        f'{", ".join(names)}{hint(Path(name).stem, names)}'
    )


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
    """Merge a scale; what it says of data, clips, transforms and hooks fits whatever config."""
    if 'data_root' in scale:
        set_in_datasets(cfg, 'data_root', scale.pop('data_root'))
    if 'clip_size' in scale:
        # a detector of frames stays one
        set_clip_size(cfg, **scale.pop('clip_size'), keep_frames=True)
    if 'perturb_kinds' in scale:
        keep_kinds(cfg, scale.pop('perturb_kinds'))
    adjusted = {transform['type']: transform for transform in scale.pop('transforms', [])}
    for transform in (each for pipeline in pipelines_of(cfg) for each in pipeline):
        transform.update(adjusted.get(transform['type'], {}))
    adjusted = {hook['type']: hook for hook in scale.pop('custom_hooks', [])}
    for hook in cfg.get('custom_hooks') or []:
        hook.update(adjusted.get(hook['type'], {}))
    # what a config does without, such as a validation, it does without at every scale
    absent = [key for key in scale if key in cfg and cfg[key] is None]
    cfg.merge_from_dict({key: value for key, value in scale.items() if key not in absent})


def _merge_options(cfg: Config, options: Dict[str, Any], path: str) -> None:
    """Merge settings by dotted key, or say which one does not fit and why."""
    for key in options:
        reason = _lost(cfg, key, options)
        if reason:
            raise MMFakeError(f'--cfg-options {key}: {reason}')
    try:
        cfg.merge_from_dict(options)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reasons = (_misfit(cfg, key) for key in options)
        reason = next((reason for reason in reasons if reason), first_line(error))
        keys = sample_of(options, 2)
        raise MMFakeError(f'{path}: --cfg-options {keys}: does not fit, {reason}.') from None


def _lost(cfg: Config, key: str, options: Iterable[str]) -> Optional[str]:
    """Why a setting would change nothing, None if something may read it.

    The last part of a key may be new: the class that its dict is made into takes or refuses it.
    What is above it has to exist, or to be an argument of such a class.
    """
    node, parts = cfg, key.split('.')
    if parts[0] in _READ_ALREADY and parts[0] in cfg:
        return (
            f'{parts[0]} is a variable of the config file, and setting it here changes nothing; '
            f'{_READ_ALREADY[parts[0]]}.'
        )
    if parts[0] in _OF_MMCV_1 and parts[0] not in cfg:
        return f'nothing reads {parts[0]}, a name of mmcv 1; set {_OF_MMCV_1[parts[0]]}.'
    for depth, part in enumerate(parts):
        if not isinstance(node, (dict, Config)):
            return None  # a list, or what _misfit tells of
        if part in node:
            node = node[part]
            continue
        known = [*node, *(_READ if depth == 0 else _taken_by(node))]
        way, near = '.'.join(parts[: depth + 1]), hint(part, known)
        is_last, is_made = depth == len(parts) - 1, f'{way}.type' in options
        if part in known or is_made or 'custom_keys' in parts[:depth]:
            return None
        if is_last and not (depth == 0 and near):  # of a variable of one's own a hook may read
            return None
        return f'the config has no {way}{near or "."}'
    return None


def _taken_by(node: Dict[str, Any]) -> List[str]:
    """The arguments of the class that a dict of the config names in ``type``."""
    everywhere = (part for part in vars(registries).values() if isinstance(part, Registry))
    cls = find_class(node['type'], everywhere) if 'type' in node else None
    return arguments_of(cls) if cls is not None else []


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
    config_file(path)
    if Path(path).suffix in ('.pth', '.pt', '.tar'):
        raise MMFakeError(
            f'{path} is a checkpoint, and a config comes first: CONFIG, then CHECKPOINT.'
        )
    try:
        cfg = Config.fromfile(path)
    except MMFakeError:
        raise
    except ImportError as error:
        raise MMFakeError(f'{path}: {_unimportable(error)}') from None
    except Exception as error:  # a config is Python: anything may be wrong with it
        _check_room(path, error)
        raise MMFakeError(
            f'{path}: not a config that can be read ({type(error).__name__}: {first_line(error)}).'
        ) from None
    _check_names(path)
    return cfg


def _check_names(path: str) -> None:
    """Refuse a name at the top of an inheriting config that nothing will read."""
    # the names that each inheriting file sets for others, and those asked for as _base_.name
    waiting, names, asked = [Path(path)], {}, set()
    for file in waiting:
        try:
            tree = ast.parse(file.read_text(encoding='utf-8'))
        except (OSError, SyntaxError, ValueError):  # of another package, or with {{templates}}
            continue
        nodes, own = list(ast.walk(tree)), dict(_assigned(tree))
        if '_base_' not in own:
            continue
        asked |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        asked |= {node.value for node in nodes if _is_text(node)}
        texts = (node.value for node in ast.walk(own.pop('_base_')) if _is_text(node))
        waiting += [file.parent / text for text in texts if '::' not in text]
        loaded = {node.id for node in nodes if _is_loaded(node)}
        names[file] = [name for name in own if name not in loaded]
    for file, own in names.items():
        for name in own:
            if name in asked or name in _READ or name.startswith('_'):
                continue
            if name in _READ_ALREADY:
                raise MMFakeError(
                    f'{file}: {name} is a variable of the config that this one inherits, and '
                    f'setting it here changes nothing; {_READ_ALREADY[name]}.'
                )
            if name in _OF_MMCV_1:
                raise MMFakeError(
                    f'{file}: nothing reads {name}, a name of mmcv 1; set {_OF_MMCV_1[name]}.'
                )
            near = hint(name, _READ)
            if near:  # else a variable of one's own that a hook may read
                raise MMFakeError(f'{file}: nothing reads {name}{near}')


def _assigned(tree: ast.Module) -> Iterator[Tuple[str, ast.expr]]:
    """The names that a module assigns at its top, with their values."""
    for line in tree.body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, 'target', None)]
        for target in targets:
            if isinstance(target, ast.Name) and getattr(line, 'value', None) is not None:
                yield target.id, line.value


def _is_loaded(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _unimportable(error: ImportError) -> str:
    """Which module of ``custom_imports``, or of the config itself, is missing, and what to do."""
    chain: List[BaseException] = [error]
    while chain[-1].__cause__ or chain[-1].__context__:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)
    reason = [cause for cause in chain if isinstance(cause, ImportError)][-1]
    found = (re.fullmatch(r'Failed to import (\S+)', str(cause)) for cause in chain)  # mmengine's
    module = next((match[1] for match in found if match), reason.name)
    return (
        f'cannot import {module} ({first_line(reason)}); install what is missing, or put the '
        'folder of a module of your own on PYTHONPATH: PYTHONPATH=FOLDER python tools/train.py ...'
    )


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
