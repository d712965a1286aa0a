"""Perturbed pipelines: put ``mmfake.Perturb`` into those of a config, for training or test."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from ..errors import MMFakeError
from .clip_size import pipelines_of


def perturb(
    cfg: Mapping[str, Any],
    split: str,
    kind: Union[str, Sequence[str]],
    level: Union[int, Sequence[int]],
    prob: Optional[float] = None,
    seed: Optional[int] = None,
) -> None:
    """Degrade the decoded frames of a split, in every pipeline of a config, in place.

    In a config that inherits another, ``_base_`` is what was inherited. The augmentation of the
    detector that joins images and prompts (three in ten samples, one kind each) is::

        _base_ = './bin_ce_holdout_f2f.py'
        from mmfake.datasets.perturbed import perturb

        perturb(_base_, 'train', ['patch', 'noise', 'blur', 'pixelate'], level=[1, 2], prob=0.3)

    ``_base_`` has to come first: mmengine takes a config whose first statement is an import for
    another kind of config.

    Args:
        cfg (Mapping): A config, or ``_base_`` inside one; its pipelines are changed.
        split (str): ``'train'``, ``'val'`` or ``'test'``.
        kind (str | Sequence[str]): See :class:`mmfake.Perturb`.
        level (int | Sequence[int]): See :class:`mmfake.Perturb`.
        prob (float, optional): Share of the samples. Defaults to None, all.
        seed (int, optional): See :class:`mmfake.Perturb`. Defaults to None.

    Raises:
        MMFakeError: If no pipeline of the split decodes frames.
    """
    step: Dict[str, Any] = dict(type='mmfake.Perturb', kind=kind, level=level)
    if seed is not None:
        step['seed'] = seed
    if prob is not None:
        step = dict(type='RandomApply', prob=prob, transforms=[step])
    done: List[int] = []  # the variable of a pipeline may be the list that the dataset has
    for pipeline in pipelines_of(cfg, split):
        place = n_until_decoded(pipeline)
        if place and id(pipeline) not in done:
            pipeline.insert(place, copy.deepcopy(step))
            done.append(id(pipeline))
    if not done:
        raise MMFakeError(
            f'perturb: no {split} pipeline of the config decodes frames; inherit a config that '
            'contains configs/_base_/datasets/ffpp.py'
        )


def n_until_decoded(pipeline: Sequence[Mapping[str, Any]]) -> int:
    """How many steps of a pipeline there are until frames are decoded; 0 if they never are."""
    decoders = [at for at, one in enumerate(pipeline) if 'Decode' in str(one['type'])]
    return decoders[-1] + 1 if decoders else 0


def keep_kinds(cfg: Mapping[str, Any], kinds: Sequence[str]) -> None:
    """Take all but these kinds out of the augmentation: frames may be too small for one.

    Args:
        cfg (Mapping): A config; every ``mmfake.Perturb`` of a training with some of the kinds is
            changed in place.
        kinds (Sequence[str]): Those that stay.
    """
    for pipeline in pipelines_of(cfg, 'train'):
        steps = list(pipeline)
        while steps:
            step = steps.pop()
            steps += step.get('transforms', [])
            if step['type'] == 'mmfake.Perturb' and not isinstance(step['kind'], str):
                step['kind'] = [kind for kind in step['kind'] if kind in kinds] or step['kind']
