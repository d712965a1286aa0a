"""Pretrained EfficientNet weights: the dialects of published weight files."""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from typing import Dict, Sequence, Tuple

from .pretrained import WeightFiles, WeightLayout

# Our names are those of OpenMMLab: layers.L.I.<part>. Those of timm and lukemelas are in the same
# line. A block that does not expand its channels (stage 0) has fewer parts, which timm then names
# and counts anew.
_BLOCK = {
    # ours: (timm, timm in stage 0, lukemelas)
    'expand_conv.conv': ('conv_pw', None, '_expand_conv'),
    'expand_conv.bn': ('bn1', None, '_bn0'),
    'depthwise_conv.conv': ('conv_dw', 'conv_dw', '_depthwise_conv'),
    'depthwise_conv.bn': ('bn2', 'bn1', '_bn1'),
    'se.conv1.conv': ('se.conv_reduce', 'se.conv_reduce', '_se_reduce'),
    'se.conv2.conv': ('se.conv_expand', 'se.conv_expand', '_se_expand'),
    'linear_conv.conv': ('conv_pwl', 'conv_pw', '_project_conv'),
    'linear_conv.bn': ('bn3', 'bn2', '_bn2'),
}
_ENDS = {
    # ours: (timm, lukemelas)
    'layers.0.conv': ('conv_stem', '_conv_stem'),
    'layers.0.bn': ('bn1', '_bn0'),
    'layers.6.conv': ('conv_head', '_conv_head'),
    'layers.6.bn': ('bn2', '_bn1'),
}

LAYERS = ((0,), (1,), (2,), (3, 4), (5, 6))
"""tuple: Stages of one resolution; OpenMMLab puts them into one of ``layers.1`` to ``layers.5``."""


def _places(depths: Sequence[int]) -> Dict[Tuple[int, int], Tuple[int, int, int]]:
    """Layer and index in it of ours -> stage, index in it and number of a block, all from 0."""
    before = [0, *accumulate(depths)]
    places = {}
    for layer, stages in enumerate(LAYERS, start=1):
        blocks = [(stage, i) for stage in stages for i in range(depths[stage])]
        for index, (stage, i) in enumerate(blocks):
            places[layer, index] = stage, i, before[stage] + i
    return places


def _renamed(
    column: int, places: Dict[Tuple[int, int], Tuple[int, int, int]], key: str
) -> Tuple[str, ...]:
    """The name of ``key`` with timm (column 0) or lukemelas (column 1)."""
    module, tensor = key.rsplit('.', 1)
    if module in _ENDS:
        return (f'{_ENDS[module][column]}.{tensor}',)
    _, layer, index, part = module.split('.', 3)
    stage, i, number = places[int(layer), int(index)]
    timm, timm_first, lukemelas = _BLOCK[part]
    if column == 1:
        return (f'_blocks.{number}.{lukemelas}.{tensor}',)
    return (f'blocks.{stage}.{i}.{timm if stage else timm_first}.{tensor}',)


def efficientnet_files(arch: str, depths: Sequence[int]) -> WeightFiles:
    """What files an EfficientNet of so many blocks a stage can be loaded from.

    Every kind may hold the classifier that is named here and nothing else beside the encoder.
    """
    timm, lukemelas = (partial(_renamed, column, _places(depths)) for column in (0, 1))

    def layout(title, prefix, rename=None, extras=(), marker=''):
        # 1e-3 is TensorFlow's eps, of which all of them are ports
        return WeightLayout(title, prefix, 1e-3, rename, marker, extras, counters=False)

    return WeightFiles(
        f'EfficientNet-{arch}',
        'model.backbone.backbone',
        layouts=(
            layout('mmfake checkpoint', 'backbone.backbone.', None, None, 'binary.cls_head.'),
            layout('mmfake checkpoint', 'backbone.', None, None, 'binary.cls_head.'),
            layout('OpenMMLab', 'backbone.', None, ('head.fc.',)),
            layout('timm', '', timm, ('classifier.',)),
            layout('selimsef', 'encoder.', timm, ('encoder.classifier.', 'fc.')),
            layout('lukemelas', '', lukemelas, ('_fc.',)),
            layout('SBI', 'net.', lukemelas, ('net._fc.',)),
            layout('bare EfficientNet', ''),
        ),
        sources={
            (f'efficientnet-{arch}_3rdparty', 'mmcls', 'mmpretrain'): (
                'https://download.openmmlab.com/mmclassification/v0/efficientnet/'
            ),
            ('tf_efficientnet',): 'https://github.com/huggingface/pytorch-image-models/releases',
            ('final_',): 'https://github.com/selimsef/dfdc_deepfake_challenge/releases',
            ('adv-efficientnet', f'efficientnet-{arch}-'): (
                'https://github.com/lukemelas/EfficientNet-PyTorch/releases'
            ),
            ('ffraw', 'ffc23'): 'https://github.com/mapooon/SelfBlendedImages',
        },
        advice='set arch to that of the file, or ',
    )
