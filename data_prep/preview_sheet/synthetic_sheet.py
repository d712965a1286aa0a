"""Contact sheet of the forgeries that training makes from originals, as it makes them."""

from __future__ import annotations

import random
from typing import Dict, List, Optional, Tuple

import numpy as np
from matplotlib.figure import Figure
from mmengine.registry import DefaultScope

import mmfake.register  # noqa: F401, the transforms
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.manipulations import ORIGINAL, method_name, synthetic_keys
from mmfake.datasets.protocol import USED
from mmfake.datasets.samplers import SeededIndex
from mmfake.errors import MMFakeError
from mmfake.visualization.style import GREY, figure_style

from ..audit.index_table import IndexTable

CLIP_LEN = 8
SIDE, LEFT, HEAD, GAP, CAPTION = 1.0, 0.6, 0.62, 0.1, 0.16  # inches
AMPLIFIED = 3
"""int: Factor of the differences that are shown."""

_PIPELINE = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=CLIP_LEN, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='mmfake.SelfBlend'),
    dict(type='mmfake.AttributeForgery'),
]

Pictures = Dict[str, Optional[np.ndarray]]


def make_forgeries(
    table: IndexTable, count: int, seed: int
) -> Tuple[List[Tuple[str, Pictures]], int]:
    """Forge some originals of training in each way.

    Args:
        table (IndexTable): A prepared dataset.
        count (int): How many originals.
        seed (int): Of the draw and of the forgeries.

    Returns:
        tuple: Stem and pictures of each, ``'original'`` and the keys of the forgeries to a frame
        (H, W, 3) uint8 RGB from the middle of the clip, None where one could not be made; and how
        many originals there are.
    """
    originals = [
        row
        for row in table.rows
        if (row['method'], row['split'], row['status']) == (ORIGINAL, 'train', USED)
    ]
    if not originals:
        raise MMFakeError(f'index {table.path} has no used original of training to forge')
    with DefaultScope.overwrite_default_scope('mmaction'):
        dataset = FFPPDataset(
            _PIPELINE,
            split='train',
            ann_file=str(table.path),
            methods=[],
            synthetic=synthetic_keys(),
            compression=originals[0]['compression'],
        )
        places: Dict[str, Dict[str, int]] = {}
        for place in range(len(dataset)):
            info = dataset.get_data_info(place)
            places.setdefault(info['stem'], {})[info['method']] = place
        whole = sorted(stem for stem, found in places.items() if len(found) > 1)
        chosen = sorted(random.Random(seed).sample(whole, min(count, len(whole))))
        made = []
        for number, stem in enumerate(chosen):
            samples = {
                # one seed for all: the same frames of the clip
                key: dataset[SeededIndex(place, seed + number)]
                for key, place in places[stem].items()
            }
            shape = samples[ORIGINAL]['imgs'][0].shape
            middle = {key: sample['imgs'][CLIP_LEN // 2] for key, sample in samples.items()}
            # one that could not be made is black, and of another size
            made.append((stem, {k: p if p.shape == shape else None for k, p in middle.items()}))
    return made, len(whole)


def draw_forgeries(made: List[Tuple[str, Pictures]], title: str) -> Figure:
    """Draw a row per original: each forgery, and beside it by how much it differs, amplified."""
    keys = [ORIGINAL, *synthetic_keys()]
    column = 2 * SIDE + GAP
    width = LEFT + SIDE + GAP + column * (len(keys) - 1)
    height = HEAD + (SIDE + CAPTION) * len(made)
    with figure_style():
        figure = Figure(figsize=(width, height))
        figure.text(0.08 / width, 1 - 0.08 / height, title, va='top', fontweight='bold')
        for k, key in enumerate(keys):
            x = LEFT + (k and SIDE + GAP + (k - 1) * column)
            figure.text(
                *(x / width, 1 - (HEAD - 0.05) / height, method_name(key)), va='bottom', fontsize=7
            )
            for r, (stem, pictures) in enumerate(made):
                bottom = height - HEAD - (r + 1) * (SIDE + CAPTION)
                if not k:
                    figure.text(0.08 / width, (bottom + SIDE / 2) / height, stem, fontsize=7)
                for n, picture in enumerate(_shown(pictures, key)):
                    place = (x + n * SIDE) / width, bottom / height, SIDE / width, SIDE / height
                    ax = figure.add_axes(place)
                    ax.set_axis_off()
                    if picture is not None:
                        ax.imshow(picture)
                    elif not n:
                        ax.text(0.5, 0.5, 'not made', ha='center', color=GREY, fontsize=7)
    return figure


def _shown(pictures: Pictures, key: str) -> List[Optional[np.ndarray]]:
    """Give the picture of a method, and of a forgery its difference from the original."""
    if key == ORIGINAL:
        return [pictures[key]]
    picture = pictures.get(key)
    if picture is None:
        return [None]
    difference = picture.astype(int) - pictures[ORIGINAL]
    return [picture, np.uint8(np.clip(128 + AMPLIFIED * difference, 0, 255))]
