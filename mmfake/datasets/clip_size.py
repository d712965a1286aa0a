"""Clip size of a whole config, changed in every dataset of its loaders in one call."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping

from ..errors import MMFakeError


def set_clip_size(
    cfg: Mapping[str, Any], clip_len: int, image_size: int, keep_frames: bool = False
) -> None:
    """Set length and side of the clips in every pipeline of a config, in place.

    A pipeline is a list, and configs inherit lists whole: without this, a config with smaller
    clips has to repeat three pipelines, each of them twice. In a config that inherits another,
    ``_base_`` is what was inherited, so a smaller variant is::

        _base_ = './bin_multi_ce_holdout_f2f.py'
        from mmfake.datasets.clip_size import set_clip_size

        set_clip_size(_base_, clip_len=16, image_size=112)

    ``_base_`` has to come first: mmengine takes a config whose first statement is an import for
    another kind of config.

    Args:
        cfg (Mapping): A config, or ``_base_`` inside one; its ``*_pipeline`` lists and the
            pipelines of its ``*_dataloader`` are changed.
        clip_len (int): Frames per clip.
        image_size (int): Width and height of a frame, px.
        keep_frames (bool): Whether what is sampled as single frames (``clip_len=1``) stays that.
            Defaults to False.

    Raises:
        MMFakeError: If the config has no pipeline that samples frames, or a size is below 1.
    """
    for name, size in (('clip_len', clip_len), ('image_size', image_size)):
        if not isinstance(size, int) or size < 1:
            raise MMFakeError(f'set_clip_size: {name} is {size!r}; it has to be 1 or more.')
    sampled = False
    for pipeline in pipelines_of(cfg):
        for transform in pipeline:
            if transform['type'] == 'SampleFrames':
                if not (keep_frames and transform.get('clip_len') == 1):
                    transform['clip_len'] = clip_len
                sampled = True
            elif transform['type'] == 'Resize':
                # a short side stays one: (-1, 128) becomes (-1, 64)
                short_side = -1 in transform['scale']
                transform['scale'] = (-1 if short_side else image_size, image_size)
            elif transform['type'] == 'CenterCrop':
                transform['crop_size'] = image_size
    if not sampled:
        raise MMFakeError(
            'set_clip_size: no pipeline of the config has SampleFrames; inherit a config that '
            'contains configs/_base_/datasets/ffpp.py'
        )


def pipelines_of(cfg: Mapping[str, Any], split: str = '') -> Iterator[list]:
    """Find the pipelines of a config, or those of a split."""
    for key, value in cfg.items():
        if not key.startswith(split):
            continue
        if key.endswith('_pipeline'):
            yield value
        elif key.endswith('_dataloader') and value:
            yield from (dataset.get('pipeline', []) for dataset in datasets_of(value))


def datasets_of(loader: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    """The datasets of a loader, those in a ``RepeatDataset`` or ``ConcatDataset`` included."""
    waiting = [loader.get('dataset')]
    while waiting:
        dataset = waiting.pop(0)
        if not isinstance(dataset, dict):  # built already
            continue
        inner = [dataset['dataset']] if 'dataset' in dataset else dataset.get('datasets')
        if inner:
            waiting += inner
        else:
            yield dataset
