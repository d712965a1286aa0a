"""ConcatDataset: several datasets as one, with the classes and the videos of all of them."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset
from mmengine.dataset import ConcatDataset as _ConcatDataset

from ..errors import MMFakeError
from .clip_size import datasets_of
from .ffpp_dataset import FFPPDataset
from .manipulations import ORIGINAL
from .protocol import HoldOut


@DATASETS.register_module()
class ConcatDataset(_ConcatDataset):
    """mmengine's, which of several :class:`FFPPDataset` takes the ``metainfo`` of the first.

    Each of these numbers the methods that it has itself, so that label 1 could be Deepfakes in one
    part and another method in the next. Here all parts count the methods of all: ``original``, then
    those of training in the order of the table of manipulations, then the synthetic ones. What is
    known of the videos is joined, so that a checkpoint knows all it was trained on, and no video of
    it is tested as unseen. Other datasets are joined as by mmengine.

    Args:
        datasets (Sequence[dict | BaseDataset]): The parts, or their configs.
        lazy_init (bool): Whether to read them later. Defaults to False.
        ignore_keys (str | list[str], optional): Of other datasets, the keys of ``metainfo`` that
            may differ. Defaults to None.

    Raises:
        MMFakeError: If two parts hold out different methods, or one has what another holds out.
    """

    def __init__(
        self,
        datasets: Sequence[Union[BaseDataset, Dict[str, Any]]],
        lazy_init: bool = False,
        ignore_keys: Union[None, str, List[str]] = None,
    ) -> None:
        if not any(map(_has_protocol, datasets)):
            super().__init__(datasets, lazy_init, ignore_keys)
            return
        self.datasets = [DATASETS.build(one) if isinstance(one, dict) else one for one in datasets]
        self.ignore_keys: List[str] = []
        self._metainfo = self.datasets[0].metainfo
        _number_classes([part.protocol for part in _parts_of(self.datasets)])
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    def full_init(self) -> None:
        """Read the parts, and join what they say."""
        if self._fully_initialized:
            return
        super().full_init()
        for part in _parts_of(self.datasets):
            self._metainfo = _joined(self._metainfo, part)


def _has_protocol(dataset: Union[BaseDataset, Dict[str, Any]]) -> bool:
    """Whether a dataset, or the config of one, is or wraps an :class:`FFPPDataset`."""
    if not isinstance(dataset, dict):
        return next(_parts_of([dataset]), None) is not None
    kinds = (leaf.get('type') for leaf in datasets_of(dict(dataset=dataset)))
    classes = (DATASETS.get(kind) if isinstance(kind, str) else kind for kind in kinds)
    return any(isinstance(one, type) and issubclass(one, FFPPDataset) for one in classes)


def _parts_of(datasets: Sequence[Any]) -> Iterator[FFPPDataset]:
    """The datasets with a protocol, those in wrappers included."""
    for dataset in datasets:
        if isinstance(dataset, FFPPDataset):
            yield dataset
        elif isinstance(dataset, _ConcatDataset):
            yield from _parts_of(dataset.datasets)
        elif hasattr(dataset, 'dataset'):  # a RepeatDataset
            yield from _parts_of([dataset.dataset])


def _number_classes(protocols: Sequence[HoldOut]) -> None:
    """Let all of them count the classes of all.

    Raises:
        MMFakeError: If they do not hold out the same.
    """
    held_out = {one.holdout for one in protocols} - {None}
    classes = {method for one in protocols for method in one.classes}
    synthetic = {method for one in protocols for method in one.synthetic}
    if len(held_out) > 1:
        raise MMFakeError(
            f'ConcatDataset: its parts hold out {" and ".join(sorted(held_out))}; give all that '
            'have the method the same holdout'
        )
    seen = held_out & classes
    if seen:
        raise MMFakeError(
            f'ConcatDataset: one part holds out {", ".join(seen)} as never seen, and another one '
            'has it; give both the same holdout, or take it out of the methods of the other'
        )
    holdout: Optional[str] = next(iter(held_out), None)
    real = classes - synthetic - {ORIGINAL}
    methods = sorted(real | held_out) if real else []
    joint: Tuple[str, ...] = HoldOut('train', holdout, methods, sorted(synthetic)).classes
    for one in protocols:
        one.classes = joint


def _joined(known: Dict[str, Any], part: FFPPDataset) -> Dict[str, Any]:
    """What is known of the videos, and of one more part."""
    more = part.metainfo
    return dict(
        known,
        holdout=known.get('holdout') or more['holdout'],
        multi_classes=part.protocol.classes,
        **{key: sorted({*known.get(key, ()), *more[key]}) for key in ('datasets', 'crops')},
        **{key: {**known.get(key, {}), **more[key]} for key in ('clip_sizes', 'expected_videos')},
    )
