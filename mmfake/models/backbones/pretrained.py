"""Pretrained weights of encoders: files in any of several layouts, loaded whole or not at all."""

from __future__ import annotations

import logging
import math
import os.path as osp
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import torch
from mmengine.logging import print_log
from mmengine.model import PretrainedInit
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from ...compat.checkpoints import repair_checkpoint_loading
from ...errors import MMFakeError, sample_of

_COUNTER = 'num_batches_tracked'  # of a batch norm, unused as long as momentum is a number


class WeightLayout(NamedTuple):
    """One way of naming the tensors of an encoder in a file.

    Attributes:
        title (str): What users call such a file.
        prefix (str): What stands before every name of the encoder.
        eps (float, optional): ``eps`` of the batch norms the weights were trained with. None:
            the file does not tell.
        rename (callable, optional): From our name of a tensor to those it may have in the file
            behind the prefix, the usual one first. None: the file has our names. Defaults to None.
        marker (str): Prefix of some other tensor that such a file must hold. Defaults to ''.
        extras (tuple[str], optional): Prefixes of all tensors that such a file may hold beside the
            encoder, as they stand in it. None: anything without the prefix. Defaults to None.
        counters (bool): Whether the file has to hold ``num_batches_tracked``. If not, it may lack
            all of them, and the encoder keeps its own. Defaults to True.
    """

    title: str
    prefix: str
    eps: Optional[float]
    rename: Optional[Callable[[str], Tuple[str, ...]]] = None
    marker: str = ''
    extras: Optional[Tuple[str, ...]] = None
    counters: bool = True

    def names(self, key: str) -> Tuple[str, ...]:
        """Names in such a file of our ``key``."""
        names = (key,) if self.rename is None else self.rename(key)
        return tuple(self.prefix + name for name in names)

    def foreign(self, name: str) -> bool:
        """Whether such a file may hold ``name``, which is no tensor of the encoder."""
        if self.extras is None:
            return not name.startswith(self.prefix)
        return name.startswith(self.extras)


class WeightFiles(NamedTuple):
    """What files an encoder can be loaded from.

    Attributes:
        encoder (str): Its name in messages.
        place (str): Where a config of this project has it, such as ``'model.backbone'``.
        layouts (tuple[WeightLayout]): The first that explains the most tensors is taken.
        sources (dict[tuple[str], str]): How files are called, lower case -> where their authors
            publish them.
        advice (str): What else than another file can help. Defaults to ''.
    """

    encoder: str
    place: str
    layouts: Tuple[WeightLayout, ...]
    sources: Dict[Tuple[str, ...], str]
    advice: str = ''


def split_init_cfg(
    init_cfg: Optional[Union[Dict, List[Dict]]], encoder: str
) -> Tuple[Optional[Dict], List]:
    """Part the pre-trained file (``checkpoint``, ``missing_ok``) from the random initialisation.

    Raises:
        MMFakeError: If there are two files, no path, or a key that is not known.
    """
    entries = [init_cfg] if isinstance(init_cfg, dict) else list(init_cfg or [])
    files = [dict(entry) for entry in entries if _is_pretrained(entry)]
    others = [entry for entry in entries if not _is_pretrained(entry)]
    if not files:
        return None, others
    if len(files) > 1:
        raise MMFakeError(f'{encoder}: init_cfg names two Pretrained files; keep one.')
    file = files[0]
    file.pop('type')
    unknown = sorted(set(file) - {'checkpoint', 'missing_ok'})
    if unknown:
        raise MMFakeError(
            f'{encoder}: init_cfg of type Pretrained has unknown keys: {sample_of(unknown)}; it '
            'takes checkpoint and missing_ok, the layout of the file is found by itself.'
        )
    if not file.get('checkpoint') or not isinstance(file['checkpoint'], str):
        raise MMFakeError(
            f'{encoder}: init_cfg.checkpoint={file.get("checkpoint")!r} is not a path; give the '
            'path of a weight file or leave init_cfg out.'
        )
    return file, others


def _is_pretrained(entry: Dict) -> bool:
    # every way of writing it: left to mmengine, it would load what fits and only warn
    kind = entry.get('type')
    return kind is PretrainedInit or str(kind).split('.')[-1] == 'Pretrained'


def load_pretrained(
    encoder: nn.Module, checkpoint: str, eps: float, missing_ok: bool = False
) -> Optional[WeightLayout]:
    """Load all weights and statistics of an encoder, in whatever known layout the file has.

    Args:
        encoder (nn.Module): Its tensors are overwritten; ``encoder.weight_files`` says from what.
        checkpoint (str): Path or URL of the file.
        eps (float): ``eps`` of the encoder's batch norms.
        missing_ok (bool): Warn instead of failing if there is no such file. Defaults to False.

    Returns:
        WeightLayout or None: The file's layout; None if the encoder keeps its random weights.

    Raises:
        MMFakeError: If the file is missing, unreadable, belongs to batch norms of another
            ``eps`` or does not hold exactly the encoder's tensors. The encoder is then unchanged.
    """
    files: WeightFiles = encoder.weight_files
    if '://' not in checkpoint and not osp.exists(osp.expanduser(checkpoint)):
        _report_missing(checkpoint, files.sources, missing_ok)
        return None
    stored = read_tensors(checkpoint)
    expected = encoder.state_dict()
    layout = max(files.layouts, key=lambda one: _count_known(one, expected, stored))
    tensors = pick_tensors(checkpoint, files, layout, expected, stored)
    if layout.eps is not None and not math.isclose(layout.eps, eps):
        raise MMFakeError(
            f'{checkpoint}: these weights ({layout.title}) were trained with batch norm '
            f'eps={layout.eps:g}, the encoder has eps={eps:g}; set '
            f'{files.place}.norm_cfg.eps={layout.eps:g}.'
        )
    encoder.load_state_dict({**expected, **tensors})
    rest = '' if len(tensors) == len(expected) else f' (the file has no {_COUNTER})'
    print_log(
        f'Encoder weights: {checkpoint}, layout {layout.title}, {len(tensors)} of '
        f'{len(expected)} tensors loaded{rest}.',
        logger='current',
        level=logging.INFO,
    )
    return layout


def _report_missing(
    checkpoint: str, sources: Mapping[Tuple[str, ...], str], missing_ok: bool
) -> None:
    name = osp.basename(checkpoint).lower()
    known = [url for parts, url in sources.items() if any(part in name for part in parts)]
    where = ' or '.join(known or sources.values())
    path = osp.abspath(osp.expanduser(checkpoint))
    if not missing_ok:
        raise MMFakeError(
            f'Encoder weights not found: {path}; get the file from {where}, correct '
            'init_cfg.checkpoint, or set init_cfg.missing_ok=True to train from scratch.'
        )
    print_log(
        f'THE ENCODER STARTS FROM RANDOM WEIGHTS: {path} was not found (init_cfg.missing_ok is '
        f'set). Its authors publish it at {where}.',
        logger='current',
        level=logging.WARNING,
    )


def read_tensors(checkpoint: str) -> Dict[str, Tuple[str, Tensor]]:
    """Read a file into {name without ``module.``: (name in the file, tensor)}."""
    repair_checkpoint_loading()  # nothing in the file is run, whatever else has been imported
    try:
        content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    except MMFakeError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        reason = str(error).strip().split('\n')[0]
        raise MMFakeError(
            f'{checkpoint}: cannot be read as a weight file ({type(error).__name__}: {reason}); '
            'it is damaged, incomplete or something else: get it again.'
        ) from error
    if isinstance(content, Mapping):
        content = content.get('state_dict', content.get('model', content))
    if not isinstance(content, Mapping):
        raise MMFakeError(
            f'{checkpoint}: holds a {type(content).__name__} instead of named tensors; give a '
            'checkpoint or a state_dict.'
        )
    stored: Dict[str, Tuple[str, Tensor]] = {}
    for original, tensor in content.items():
        # (Distributed)DataParallel puts 'module' wherever it wrapped something
        name = '.'.join(part for part in str(original).split('.') if part != 'module')
        if name in stored:
            _refuse_different(checkpoint, stored[name], (original, tensor))
        stored[name] = (original, tensor)
    return stored


def _count_known(layout: WeightLayout, expected: Mapping, stored: Mapping) -> int:
    if not any(name.startswith(layout.marker) for name in stored):
        return 0
    return sum(any(name in stored for name in layout.names(key)) for key in expected)


def pick_tensors(
    checkpoint: str,
    files: WeightFiles,
    layout: WeightLayout,
    expected: Mapping[str, Tensor],
    stored: Mapping[str, Tuple[str, Tensor]],
) -> Dict[str, Tensor]:
    """Give the encoder's names to the file's tensors, or say in one line what does not fit."""
    if not layout.counters and not any(name.endswith(_COUNTER) for name in stored):
        expected = {key: ours for key, ours in expected.items() if not key.endswith(_COUNTER)}
    tensors, missing, misshaped, known = {}, [], [], set()
    for key, ours in expected.items():
        names = layout.names(key)
        found = [stored[name] for name in names if name in stored]
        known.update(names)
        if not found:
            missing.append(names[0])
            continue
        for twin in found[1:]:
            _refuse_different(checkpoint, found[0], twin)
        original, tensor = found[0]
        if isinstance(tensor, Tensor) and tensor.shape == ours.shape:
            tensors[key] = tensor
        else:
            shape = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
            misshaped.append(f'{original} {shape} instead of {tuple(ours.shape)}')
    # more of the encoder than ours has (gating, a deeper trunk): another network
    surplus = [name for name in stored if name not in known and not layout.foreign(name)]
    if len(tensors) == len(expected) and not surplus:
        return tensors

    groups = {'missing': missing, 'wrong shape': misshaped, 'unknown': surplus}
    faults = [f'{what}: {sample_of(names)}' for what, names in groups.items() if names]
    if len(missing) == len(expected):
        faults = [f'no name is known (it holds {sample_of(stored) or "nothing"})']
    raise MMFakeError(
        f'{checkpoint}: {len(tensors)} of {len(expected)} {files.encoder} tensors match in layout '
        f'{layout.title}; {"; ".join(faults)}. Nothing was loaded; {files.advice}give a file in '
        'one of these layouts: '
        f'{", ".join(f"{one.title} ({one.prefix}*)" for one in files.layouts)}.'
    )


def _refuse_different(
    checkpoint: str, first: Tuple[str, Tensor], second: Tuple[str, Tensor]
) -> None:
    """Two names of one tensor must hold the same numbers, else which is the trained one?"""
    same = all(isinstance(one, Tensor) for _, one in (first, second))
    if not same or not torch.equal(first[1], second[1]):
        raise MMFakeError(
            f'{checkpoint}: {first[0]} and {second[0]} are two names of one tensor but differ; '
            'the file was altered: get it again.'
        )
