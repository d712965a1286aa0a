"""Pretrained S3D weights: the dialects of published weight files."""

from __future__ import annotations

from functools import partial
from typing import Tuple

from .pretrained import WeightFiles, WeightLayout

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


def _own(key: str) -> Tuple[str, ...]:
    """Our name, which is CoCLR's, and CoCLR's alias of it: ``Mixed_4b`` is also ``block4.1``."""
    stage, rest = key.split('.', 1)
    number, letter = stage[-2:]
    return key, f'block{number}.{"abcdef".index(letter)}.{rest}'


def _numbered(renames: Tuple[Tuple[str, str], ...], key: str) -> Tuple[str, ...]:
    """The name in a file that numbers the parts; what is inside them is replaced in order."""
    stage, rest = key.split('.', 1)
    for ours, theirs in renames:
        rest = rest.replace(ours, theirs)
    return (f'{_STAGES.index(stage)}.{rest}',)


S3D_FILES = WeightFiles(
    'S3D',
    'model.backbone',
    layouts=(
        WeightLayout('CoCLR pre-training', 'encoder_q.0.', 1e-5, _own),
        WeightLayout('CoCLR fine-tuned', 'backbone.', 1e-5, _own, marker='final_fc.'),
        WeightLayout('mmfake checkpoint', 'backbone.', None, _own),
        WeightLayout('torchvision', 'features.', 1e-3, partial(_numbered, _TORCHVISION)),
        WeightLayout('kylemin/S3D', 'base.', 1e-3, partial(_numbered, _KYLEMIN)),
        WeightLayout('bare S3D', '', None, _own),
    ),
    sources={
        ('coclr', 'infonce', 'ubernce'): 'https://github.com/TengdaHan/CoCLR',
        ('s3d-d76dad2f',): 'https://download.pytorch.org/models/s3d-d76dad2f.pth',
        ('s3d_kinetics400', 'kylemin'): 'https://github.com/kylemin/S3D',
    },
)
