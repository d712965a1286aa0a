"""FFPPDataset: FaceForensics++, or any indexed dataset, as an mmaction2 dataset."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple, Union

from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS
from mmaction.utils import ConfigType
from mmengine.dataset import Compose
from mmengine.logging import print_log

from ..errors import MMFakeError, sample_of
from .ffpp_tree import (
    INDEX_NAME,
    canonical_compression,
    check_root,
    read_splits,
    read_tree,
    settle_shared_sources,
)
from .guarded_pipeline import GuardedPipeline
from .index import clip_sizes, read_index, select_videos, told_of_exchanged
from .manipulations import ORIGINAL, attribute_labels, check_attributes, get_manipulation
from .protocol import SPLITS, USED, HoldOut, VideoRecord, crop_in_words
from .samplers import SeededIndex, drawing_with
from .transforms.attribute_forgery import FROM_OTHERS
from .virtual_rows import check_makers, donors_of, with_virtual_rows


@DATASETS.register_module()
class FFPPDataset(BaseActionDataset):
    """Videos of FaceForensics++ under the leave-one-manipulation-out protocol.

    The splits ``train`` and ``val`` consist of the originals and of every manipulation but the
    held-out one, ``test`` of the originals and the held-out one alone (arXiv 2308.13503): with the
    official splits and four methods, 720 + 3 x 720, 140 + 3 x 140 and 140 + 140 videos.

    Read is an index made by ``data_prep``, which may be one of another dataset, or else the
    official folders and split files of FF++. A sample has the keys ``filename``, ``label`` and
    ``label_bin`` (0 original, 1 manipulated), ``label_multi`` (0 original, 1..n the methods of
    TRAINING in the order of the table of manipulations, so that a number means another method in
    another hold-out; -1 for the held-out method, which nothing trains on), ``attributes`` (seven
    zeros and ones: which of ``mmfake.datasets.manipulations.ATTRIBUTES`` the method alters; the key
    is absent for a method of which nobody knows it), ``video_id``
    (``dataset/method/compression/stem``), ``method``, ``dataset``, ``compression``, ``stem``,
    ``target`` and ``source``; if the index tells, ``frames`` and ``fps``.

    Training may also be on forgeries that are made of its originals when they are loaded:
    ``synthetic=('sbi',)`` adds for every original a second sample of the same file with the method
    ``'sbi'``, the label 1, a class of its own among ``multi_classes`` and ``points``, the path of
    the five points of its face; the transform :class:`mmfake.SelfBlend` or
    :class:`mmfake.AttributeForgery` in the pipeline then makes the forgery. A sample of a forgery
    that takes a part of another face has ``donors``, the originals of the split.

    No video vanishes. One that cannot be decoded, or is shorter than a clip, comes as a black clip
    marked ``unreadable`` (see :class:`GuardedPipeline`), never as another sample in its place.
    ``metainfo`` holds ``classes``, ``holdout``, ``multi_classes`` (the method of each multi-class
    label), ``datasets`` (their names; ``'mini_ffpp'`` for the rendered stand-in of FF++), ``crops``
    (``(detector, margin, size)`` of the face clips, the different ones, as far as an index tells),
    ``clip_sizes`` (bytes of the files by video id, by which exchanged ones are noticed later) and
    ``expected_videos``: for every video of the protocol ``dict(method=..., label=0 or 1)``,
    with a ``reason`` if the video is not among the samples.

    Args:
        pipeline (list[dict | Callable]): Transforms.
        split (str): ``'train'``, ``'val'`` or ``'test'``. Defaults to ``'train'``.
        holdout (str, optional): Key of the manipulation that is kept for the test. Defaults to
            None, which means that all methods are in all splits.
        data_root (str): Root of the dataset. Defaults to ``'data/ffpp'``.
        ann_file (str): Index to read; a relative path starts at ``data_root``. Defaults to ``''``,
            which means ``<data_root>/index.csv`` or, if that does not exist, the official folders.
        splits_dir (str, optional): Folder of ``train.json``, ``val.json`` and ``test.json``; unused
            with an index. Defaults to None, which means ``<data_root>/splits`` or else
            ``<data_root>``.
        methods (Sequence[str], optional): Keys of the manipulations, the held-out one included.
            Defaults to None, which means ``('df', 'f2f', 'fs', 'nt')``; an empty list means none.
        synthetic (Sequence[str]): Keys of the forgeries that are made of the originals, in
            training only: ``'sbi'``, ``'eyeexpr'``, ``'physeye'``, ``'physillum'``,
            ``'physmouth'``, ``'physnose'``. Defaults to ``()``.
        without_points (str): What to do about originals whose points are not stored, so that
            nobody knows where the face is: ``'skip'`` makes no forgery of them, counts and names
            them; ``'centre'`` takes a face in the centre of the clip for granted, which is for
            ``'sbi'`` alone. Defaults to ``'skip'``.
        compression (str): ``'raw'`` (or ``'c0'``, the same), ``'c23'`` or ``'c40'``; ``'released'``
            for a dataset that comes in one form only. Defaults to ``'c23'``.
        missing (str): What to do about videos whose file is not there: ``'error'`` refuses to
            start, ``'skip'`` leaves them out with a warning; at test they then count as expected
            and not scored. A method whose whole folder is absent is an error either way:
            take it out of ``methods``. Defaults to ``'error'``.
        drop_shared_sources (bool): Whether to leave out, from the earlier split, the ids that were
            cut from the same YouTube video as an id of a later split (7 ids of train). Defaults to
            False, as published results are with them.
        attributes (Mapping[str, Sequence[str]], optional): What methods alter, where that is to be
            read otherwise than in the table of manipulations: ``dict(df=('identity', 'mouth'))``.
            Defaults to None, the table.
        sparse (bool): Whether clips may be made of videos of which the index says that there are
            only some frames (column ``sparse``), far apart in time. Single frames always may.
            Defaults to False, which refuses them.
        test_mode (bool): mmengine's flag for validation and test. Defaults to False.
        **kwargs: Further arguments of :class:`mmaction.datasets.BaseActionDataset`.

    Raises:
        MMFakeError: If an argument, the tree, a split file or the index is not as it should be.
    """

    METAINFO = dict(classes=(ORIGINAL, 'manipulated'))

    def __init__(
        self,
        pipeline: List[Union[ConfigType, Callable]],
        split: str = 'train',
        holdout: Optional[str] = None,
        data_root: str = 'data/ffpp',
        ann_file: str = '',
        splits_dir: Optional[str] = None,
        methods: Optional[Sequence[str]] = None,
        compression: str = 'c23',
        missing: str = 'error',
        drop_shared_sources: bool = False,
        synthetic: Sequence[str] = (),
        without_points: str = 'skip',
        attributes: Optional[Mapping[str, Sequence[str]]] = None,
        sparse: bool = False,
        test_mode: bool = False,
        **kwargs,
    ) -> None:
        if without_points not in ('skip', 'centre'):
            raise MMFakeError(f'unknown without_points {without_points!r}: choose skip or centre')
        if missing not in ('error', 'skip'):
            raise MMFakeError(f'unknown missing {missing!r}: choose error or skip')
        self.protocol = HoldOut(split, holdout, methods, synthetic)
        for key, names in (attributes or {}).items():
            check_attributes(get_manipulation(key).key, names)
        self.attributes = attributes
        self.splits_dir, self.missing = splits_dir, missing
        self.without_points = without_points
        self.sparse = sparse
        self._donors: Tuple[dict, ...] = ()
        self.compression = canonical_compression(compression)
        self.drop_shared_sources = drop_shared_sources
        super().__init__(ann_file, pipeline, data_root=data_root, test_mode=test_mode, **kwargs)

    @property
    def pipeline(self) -> Compose:
        """Compose: The transforms; assigning a plain ``Compose`` guards it as well."""
        return self._pipeline

    @pipeline.setter
    def pipeline(self, pipeline: Compose) -> None:
        # a setter, because mmengine's PipelineSwitchHook assigns a plain Compose in mid-training
        # a class of its own, e.g. one that records every step (mmaction2's browse_dataset.py), runs
        if type(pipeline) is Compose:
            pipeline = GuardedPipeline(pipeline.transforms)
        self._pipeline = pipeline

    def load_data_list(self) -> List[dict]:
        """List the samples.

        Returns:
            list[dict]: One annotation per available video, target by target.

        Raises:
            MMFakeError: If the tree, a split file or the index is not as it should be.
        """
        # 1. every video of the protocol that belongs to this split
        records, ids = self._read_index() if self._index else self._read_tree()
        records = settle_shared_sources(records, ids, self.protocol.split, self.drop_shared_sources)

        # 2. those that can be used
        self._log_unused(records)
        records = self._mark_missing(records)
        available = [record for record in records if record.unavailable is None]
        if not available:
            raise MMFakeError(
                f'none of the {len(records)} videos of split {self.protocol.split!r} in '
                f'{self._origin} is available'
            )

        self._check_sparse(available)
        sizes = self._check_sizes(available)

        # 3. the forgeries to be made of originals
        if self.protocol.synthetic:
            check_makers(self.protocol.synthetic, self.pipeline.transforms)
            self._donors = donors_of(available)
            settings = self.protocol.synthetic, self.without_points, self._origin
            available = with_virtual_rows(available, *settings)
            records = [*records, *(r for r in available if r.method in self.protocol.synthetic)]

        # 4. what the metric expects: all of them, the unavailable ones with a reason
        self._metainfo.update(
            holdout=self.protocol.holdout,
            multi_classes=self.protocol.classes,
            datasets=sorted({record.dataset for record in records}),
            crops=sorted({record.crop for record in available if record.crop}),
            clip_sizes=sizes,
            expected_videos={record.video_id: _expectation(record) for record in records},
        )
        self._log_counts(available, len(records))
        crops = self._metainfo['crops']
        if len(crops) > 1:
            print_log(
                f'split {self.protocol.split!r} in {self._origin} has faces cut out in '
                f'{len(crops)} ways ({sample_of(map(crop_in_words, crops))}): a detector may learn '
                'these instead of the manipulation',
                logger='current',
                level=logging.WARNING,
            )
        return [
            dict(
                _known(record, self.protocol.synthetic, self.attributes),
                filename=record.filename,
                label=record.label_bin,
                label_bin=record.label_bin,
                video_id=record.video_id,
                method=record.method,
                dataset=record.dataset,
                compression=record.compression,
                stem=record.stem,
                target=record.target,
                source=record.source,
            )
            for record in available
        ]

    def clip_sizes(self) -> Dict[str, int]:
        """Look up the bytes of the clips of the split, by video id; for this nothing is loaded."""
        return clip_sizes((self._read_index() if self._index else self._read_tree())[0])

    def get_data_info(self, idx: int) -> dict:
        """Get an annotation; that of a forgery with a part of another face has the donors."""
        info = super().get_data_info(idx)
        info['label_multi'] = self.protocol.label_multi(info['method'])
        if info['method'] in FROM_OTHERS:
            # not in the list of samples, where each would have a copy of its own
            info['donors'] = self._donors
        return info

    def get_cat_ids(self, idx: int) -> List[int]:
        """Give the class of a sample, original or manipulated: ``ClassBalancedDataset`` asks."""
        return [self.get_data_info(idx)['label_bin']]

    def __getitem__(self, idx: int) -> dict:
        """Get a sample: always the one asked for, never another in its place.

        A :class:`SeededIndex` also decides the augmentation.

        Raises:
            RuntimeError: If a transform returns None, which mmengine takes as "try another".
        """
        if not self._fully_initialized:
            self.full_init()
        if isinstance(idx, SeededIndex):
            with drawing_with(idx.seed):
                data = self.prepare_data(int(idx))
        else:
            data = self.prepare_data(idx)
        if data is None:
            raise RuntimeError(
                f'a transform of the pipeline returned None for {self.get_data_info(idx)}; '
                'a sample is never replaced by another one'
            )
        return data

    @property
    def _index(self) -> str:
        """str: The index to read, or an empty string."""
        found = Path(self.data_root, INDEX_NAME)
        return self.ann_file or (str(found) if found.is_file() else '')

    @property
    def _origin(self) -> str:
        """str: What is read, for messages."""
        return self._index or self.data_root

    def _read_tree(self) -> Tuple[List[VideoRecord], Dict[str, Set[str]]]:
        """Read the official folders: this split's videos, and the ids of every split."""
        check_root(self.data_root)
        splits = read_splits(self.data_root, self.splits_dir)
        split, methods = self.protocol.split, self.protocol.methods
        records = read_tree(self.data_root, splits[split], split, methods, self.compression)
        return records, {name: set(sum(pairs, ())) for name, pairs in splits.items()}

    def _read_index(self) -> Tuple[List[VideoRecord], Dict[str, Set[str]]]:
        """Read an index: this split's videos, and the ids of every split."""
        everything = read_index(self._index)
        ids: Dict[str, Set[str]] = {split: set() for split in SPLITS}
        for record in everything:
            ids[record.split].update(record.ids)
        split, methods = self.protocol.split, self.protocol.methods
        return select_videos(everything, split, methods, self.compression, self._index), ids

    def _mark_missing(self, records: List[VideoRecord]) -> List[VideoRecord]:
        """Find the videos whose file is not there; a clip may also be a folder of pictures."""
        gone = [r for r in records if r.unavailable is None and not Path(r.filename).exists()]
        if not gone:
            return records
        found = (
            f'{len(gone)} of {len(records)} videos of split {self.protocol.split!r} in '
            f'{self._origin} are missing: {sample_of(record.filename for record in gone)}'
        )
        if self.missing == 'error':
            raise MMFakeError(
                f'{found}; complete the dataset, or leave them out with --cfg-options '
                f'{self.protocol.split}_dataloader.dataset.missing=skip'
            )
        print_log(f'{found}; they are skipped', logger='current', level=logging.WARNING)
        lost = set(gone)
        return [
            replace(record, status='missing', reason='file not found') if record in lost else record
            for record in records
        ]

    def _check_sizes(self, records: List[VideoRecord]) -> Dict[str, int]:
        """Warn of clips that are not those of the index; gives the bytes of all that are files."""
        sizes = clip_sizes(records)
        prepared = {r.video_id: r.clip_bytes for r in records if r.clip_bytes is not None}
        told = told_of_exchanged(prepared, sizes, 'after the preparation')
        if told:
            print_log(
                f'split {self.protocol.split!r} in {self._origin}: {told}: run data preparation '
                'again, which makes them anew; data_prep/check_index.py names them all',
                logger='current',
                level=logging.WARNING,
            )
        return sizes

    def _check_sparse(self, records: List[VideoRecord]) -> None:
        """Refuse to make clips of frames that are far apart, unless asked to."""
        sparse = [record.video_id for record in records if record.sparse]
        lengths = [getattr(transform, 'clip_len', 1) for transform in self.pipeline.transforms]
        if sparse and max(lengths, default=1) > 1 and not self.sparse:
            raise MMFakeError(
                f'{len(sparse)} of {len(records)} videos of split {self.protocol.split!r} in '
                f'{self._origin} are single frames, far apart in time ({sample_of(sparse, 2)}), '
                f'and the pipeline makes clips of {max(lengths)} successive ones: prepare whole '
                'videos, use a detector of single frames, or take them as if they followed one '
                f'another with --cfg-options {self.protocol.split}_dataloader.dataset.sparse=True'
            )

    def _log_unused(self, records: List[VideoRecord]) -> None:
        """Log which videos the index says are not used, one line for each status."""
        unused: Dict[str, List[str]] = defaultdict(list)
        for record in records:
            if record.status != USED:
                unused[record.status].append(record.video_id)
        for status, names in sorted(unused.items()):
            lost = status == 'missing'  # not even looked at: it may be there tomorrow
            print_log(
                f'{len(names)} of {len(records)} videos of split {self.protocol.split!r} in '
                f'{self._origin} are not used: {status} ({sample_of(names)})'
                + ('; complete the dataset and prepare it to its end' if lost else ''),
                logger='current',
                level=logging.WARNING if lost else logging.INFO,
            )

    def _log_counts(self, available: List[VideoRecord], n_expected: int) -> None:
        """Log what was found."""
        counts = Counter(record.method for record in available)
        made = (f'{counts[key]} {key} (made)' for key in self.protocol.synthetic)
        parts = ', '.join([*(f'{counts[key]} {key}' for key in self.protocol.methods), *made])
        left_out = n_expected - len(available)
        print_log(
            f'FFPPDataset {self.protocol.split}, hold-out {self.protocol.holdout}: '
            f'{len(available)} videos ({parts}) from {self._origin}'
            + (f'; {left_out} not available' if left_out else ''),
            logger='current',
        )
        without = [key for key in self.protocol.methods if not counts[key]]
        if without:
            print_log(
                f'split {self.protocol.split!r} in {self._origin} has no usable video of '
                f'{", ".join(without)}: take it out of methods, or prepare the dataset to its end',
                logger='current',
                level=logging.WARNING,
            )


def _known(
    record: VideoRecord,
    synthetic: Sequence[str],
    others: Optional[Mapping[str, Sequence[str]]],
) -> dict:
    """Give what not every sample has: length, rate, what the method alters, points of the face."""
    attributes = attribute_labels(record.method, others)
    known = dict(frames=record.frames, fps=record.fps, attributes=attributes)
    if record.method in synthetic:
        known['points'] = record.points
    return {key: value for key, value in known.items() if value is not None}


def _expectation(record: VideoRecord) -> dict:
    """Say what the metric has to know about a video."""
    expected = dict(method=record.method, label=record.label_bin)
    return expected if record.unavailable is None else dict(expected, reason=record.unavailable)
