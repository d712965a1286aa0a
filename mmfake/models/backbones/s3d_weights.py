"""Pretrained S3D weights: the dialects of published weight files, and loading them."""

from __future__ import annotations

import logging
import math
import os.path as osp
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import torch
from mmengine.logging import print_log
from mmengine.model import PretrainedInit
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from ...compat.checkpoints import repair_checkpoint_loading
from ...errors import MMFakeError, sample_of

# torchvision and kylemin number the parts of the trunk: position in this tuple = their index
_STAGES = (
    *('Conv_1a', 'MaxPool_2a', 'Conv_2b', 'Conv_2c', 'MaxPool_3a', 'Mixed_3b', 'Mixed_3c'),
    *('MaxPool_4a', 'Mixed_4b', 'Mixed_4c', 'Mixed_4d', 'Mixed_4e', 'Mixed_4f'),
    *('MaxPool_5a', 'Mixed_5b', 'Mixed_5c'),
)
_TORCHVISION = (
    ('branch0.0.', 'branch0.'),  # its branch0 is no Sequential of one
    ('conv1.', '0.0.'),
    ('bn1.', '0.1.'),
    ('conv2.', '1.0.'),
    ('bn2.', '1.1.'),
    ('conv.', '0.'),
    ('bn.', '1.'),
)
_KYLEMIN = (('conv1.', 'conv_s.'), ('bn1.', 'bn_s.'), ('conv2.', 'conv_t.'), ('bn2.', 'bn_t.'))


class WeightLayout(NamedTuple):
    """One way of naming the tensors of S3D in a file.

    Attributes:
        title (str): What users call such a file.
        prefix (str): What stands before every name of the encoder.
        eps (float, optional): ``eps`` of the batch norms the weights were trained with. None:
            the file does not tell.
        renames (tuple[tuple[str, str]], optional): Replacements, in order, from our names inside
            a stage to the file's, whose stages are numbered. None: the file has our names.
            Defaults to None.
        marker (str): Prefix of some other tensor that such a file must hold. Defaults to ''.
    """

    title: str
    prefix: str
    eps: Optional[float]
    renames: Optional[Tuple[Tuple[str, str], ...]] = None
    marker: str = ''

    def names(self, key: str) -> Tuple[str, ...]:
        """Names in such a file of our ``'Conv_1a.conv1.weight'``: the usual one, CoCLR's alias."""
        stage, rest = key.split('.', 1)
        if self.renames is None:
            number, letter = stage[-2:]  # Mixed_4b -> block4.1
            return self.prefix + key, f'{self.prefix}block{number}.{"abcdef".index(letter)}.{rest}'
        for ours, theirs in self.renames:
            rest = rest.replace(ours, theirs)
        return (f'{self.prefix}{_STAGES.index(stage)}.{rest}',)


# The first that explains the most tensors is taken.
LAYOUTS = (
    WeightLayout('CoCLR pre-training', 'encoder_q.0.', 1e-5),
    WeightLayout('CoCLR fine-tuned', 'backbone.', 1e-5, marker='final_fc.'),
    WeightLayout('mmfake checkpoint', 'backbone.', None),
    WeightLayout('torchvision', 'features.', 1e-3, _TORCHVISION),
    WeightLayout('kylemin/S3D', 'base.', 1e-3, _KYLEMIN),
    WeightLayout('bare S3D', '', None),
)


# how the files are called -> where their authors publish them
_SOURCES = {
    ('coclr', 'infonce', 'ubernce'): 'https://github.com/TengdaHan/CoCLR',
    ('s3d-d76dad2f',): 'https://download.pytorch.org/models/s3d-d76dad2f.pth',
    ('s3d_kinetics400', 'kylemin'): 'https://github.com/kylemin/S3D',
}


def split_init_cfg(init_cfg: Optional[Union[Dict, List[Dict]]]) -> Tuple[Optional[Dict], List]:
    """Part the pre-trained file (``checkpoint``, ``missing_ok``) from the random initialisation.

    Raises:
        MMFakeError: If there are two files, no path, or a key that S3D does not know.
    """
    entries = [init_cfg] if isinstance(init_cfg, dict) else list(init_cfg or [])
    files = [dict(entry) for entry in entries if _is_pretrained(entry)]
    others = [entry for entry in entries if not _is_pretrained(entry)]
    if not files:
        return None, others
    if len(files) > 1:
        raise MMFakeError('S3D: init_cfg names two Pretrained files; keep one.')
    file = files[0]
    file.pop('type')
    unknown = sorted(set(file) - {'checkpoint', 'missing_ok'})
    if unknown:
        raise MMFakeError(
            f'S3D: init_cfg of type Pretrained has unknown keys: {sample_of(unknown)}; it takes '
            'checkpoint and missing_ok, the layout of the file is found by itself.'
        )
    if not file.get('checkpoint') or not isinstance(file['checkpoint'], str):
        raise MMFakeError(
            f'S3D: init_cfg.checkpoint={file.get("checkpoint")!r} is not a path; give the path of '
            'a weight file or leave init_cfg out.'
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
        encoder (nn.Module): The S3D whose tensors are overwritten.
        checkpoint (str): Path or URL of the file.
        eps (float): ``eps`` of the encoder's batch norms.
        missing_ok (bool): Warn instead of failing if there is no such file. Defaults to False.

    Returns:
        WeightLayout or None: The file's layout; None if the encoder keeps its random weights.

    Raises:
        MMFakeError: If the file is missing, unreadable, belongs to batch norms of another
            ``eps`` or does not hold exactly the encoder's tensors. The encoder is then unchanged.
    """
    if '://' not in checkpoint and not osp.exists(osp.expanduser(checkpoint)):
        _report_missing(checkpoint, missing_ok)
        return None
    stored = _read_tensors(checkpoint)
    expected = encoder.state_dict()
    layout = max(LAYOUTS, key=lambda one: _count_known(one, expected, stored))
    tensors = _pick_tensors(checkpoint, layout, expected, stored)
    if layout.eps is not None and not math.isclose(layout.eps, eps):
        raise MMFakeError(
            f'{checkpoint}: these weights ({layout.title}) were trained with batch norm '
            f'eps={layout.eps:g}, the encoder has eps={eps:g}; set '
            f'model.backbone.norm_cfg.eps={layout.eps:g}.'
        )
    encoder.load_state_dict(tensors)
    print_log(
        f'Encoder weights: {checkpoint}, layout {layout.title}, {len(tensors)} of '
        f'{len(expected)} tensors loaded.',
        logger='current',
        level=logging.INFO,
    )
    return layout


def _report_missing(checkpoint: str, missing_ok: bool) -> None:
    name = osp.basename(checkpoint).lower()
    known = [url for parts, url in _SOURCES.items() if any(part in name for part in parts)]
    where = ' or '.join(known or _SOURCES.values())
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


def _read_tensors(checkpoint: str) -> Dict[str, Tuple[str, Tensor]]:
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
        content = content.get('state_dict', content)
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


def _pick_tensors(
    checkpoint: str,
    layout: WeightLayout,
    expected: Mapping[str, Tensor],
    stored: Mapping[str, Tuple[str, Tensor]],
) -> Dict[str, Tensor]:
    """Give the encoder's names to the file's tensors, or say in one line what does not fit."""
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
    # more of the encoder than S3D has (gating, a deeper trunk): another network
    surplus = [name for name in stored if name.startswith(layout.prefix) and name not in known]
    if len(tensors) == len(expected) and not surplus:
        return tensors

    groups = {'missing': missing, 'wrong shape': misshaped, 'unknown': surplus}
    faults = [f'{what}: {sample_of(names)}' for what, names in groups.items() if names]
    if len(missing) == len(expected):
        faults = [f'no name is known (it holds {sample_of(stored) or "nothing"})']
    raise MMFakeError(
        f'{checkpoint}: {len(tensors)} of {len(expected)} S3D tensors match; {"; ".join(faults)}. '
        'Nothing was loaded; give a file in one of these layouts: '
        f'{", ".join(f"{one.title} ({one.prefix}*)" for one in LAYOUTS)}.'
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
