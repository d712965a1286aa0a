"""Checkpoint facts: hooks for protocol and clip shape in the meta."""

from __future__ import annotations

import logging
import re
from typing import Any, Dict, Iterable, Optional, Sequence, Set, Tuple

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...datasets.ffpp_tree import RELEASED
from ...datasets.index import told_of_exchanged
from ...datasets.manipulations import ORIGINAL
from ...datasets.protocol import crop_in_words, known_crops
from ...errors import MMFakeError, sample_of
from ...models.trained_facts import CLIP_SHAPE, check_clip_shape, shape_in_words
from . import model_of


@HOOKS.register_module()
class ProtocolHook(Hook):
    """Refuses to test or resume a checkpoint under another hold-out than it was trained with.

    The six regimes and four hold-outs share most of their weights' names, so that a checkpoint
    loads under a config that is not its own, and a method it was trained on would be reported as
    never seen. Each checkpoint holds the ``metainfo`` of its training set; this hook compares the
    methods in it. A test without a hold-out (``holdout=None``) and weights of unknown training,
    such as another project's, pass. What the weights had seen from which a training starts
    (``load_from``) is told, and counts as seen. A run is not resumed on other videos either, and
    files that were exchanged under their names are told. Told before a
    test are heads that only one of checkpoint and config has, another compression, faces cut out in
    another way, and test videos that training or validation has seen, say after new split files.
    """

    VALIDATION_KEY = 'validation_videos'
    STARTED_KEY = 'started_from'  # classes that the weights had seen before the training

    def __init__(self) -> None:
        self._trained_on: Dict[str, Any] = {}
        self._trained_by, self._parts = '', set()  # name of the config, modules with weights
        self._validated_on: Any = ()
        self._started_from: Set[str] = set()

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Write which videos the checkpoint and its threshold are chosen on."""
        loop = runner.val_loop
        metainfo = getattr(loop and loop.dataloader.dataset, 'metainfo', {})
        checkpoint['meta'][self.STARTED_KEY] = sorted(self._started_from)
        checkpoint['meta'][self.VALIDATION_KEY] = sorted(metainfo.get('expected_videos') or ())

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Read what the weights were trained on, and check it if the run is being resumed.

        Raises:
            MMFakeError: If the checkpoint cannot be resumed, or not by this config.
        """
        meta = checkpoint.get('meta', {})
        self._trained_on = meta.get('dataset_meta') or {}
        self._validated_on = meta.get(self.VALIDATION_KEY) or ()
        self._started_from = set(map(str, meta.get(self.STARTED_KEY) or ()))
        if not runner._resume:
            self._started_from |= set(map(str, self._trained_on.get('multi_classes') or ()))
        # mmengine's name of a run: that of its config, and when it began
        run = re.fullmatch(r'([\w.-]+)_\d{8}_\d{6}', str(meta.get('experiment_name')))
        self._trained_by = run[1] if run else 'another one'
        weights = checkpoint.get('state_dict')
        # what is no dict is refused where the weights are loaded
        self._parts = _parts_of(weights if isinstance(weights, dict) else ())
        if not runner._resume:
            return
        if 'message_hub' not in checkpoint or 'optimizer' not in checkpoint:
            raise MMFakeError(
                'the checkpoint to resume from holds weights only (a published one, named '
                'NAME-<hash>.pth); resume from epoch_N.pth, or start a new run from its weights '
                'with --cfg-options load_from=CHECKPOINT.'
            )
        metainfo = getattr(runner.train_dataloader.dataset, 'metainfo', {})
        before, now = self._trained_on.get('multi_classes'), metainfo.get('multi_classes')
        if before and now and tuple(before) != tuple(now):
            raise MMFakeError(
                f'the checkpoint to resume from was trained on {", ".join(before)}, this config '
                f'trains on {", ".join(now)}; resume with the config it was trained with.'
            )
        validation = getattr(runner.val_loop and runner.val_dataloader.dataset, 'metainfo', {})
        _check_same_videos(self._trained_on.get('expected_videos'), metainfo, 'trained')
        _check_same_videos(self._validated_on, validation, 'validated')
        _warn_of_exchanged(self._trained_on.get('clip_sizes'), metainfo)

    def before_train(self, runner: Runner) -> None:
        """Tell of weights to start from that have seen the method held out."""
        held_out = getattr(runner.train_dataloader.dataset, 'metainfo', {}).get('holdout')
        if held_out in self._started_from:
            seen = ', '.join(sorted(self._started_from))
            print_log(
                f'The weights of load_from were trained on {seen}, so {held_out} is no method that '
                'this detector will never have seen, and its test is refused: start from weights '
                'that have not seen it.',
                logger='current',
                level=logging.WARNING,
            )

    def before_test(self, runner: Runner) -> None:
        """Check that the method held out now was held out in training.

        Raises:
            MMFakeError: If the weights have seen it.
        """
        metainfo = getattr(runner.test_dataloader.dataset, 'metainfo', {})
        held_out = metainfo.get('holdout')
        seen = self._trained_on.get('multi_classes') or ()
        seen = [*seen, *sorted(self._started_from - set(map(str, seen)))]
        if held_out in seen:
            raise MMFakeError(
                f'the checkpoint was trained on {", ".join(seen)}, so {held_out} is no method it '
                'has never seen; test it with the config it was trained with, or set '
                'test_dataloader.dataset.holdout=None for a test on every method.'
            )
        for remark in (
            _other_heads(self._trained_by, self._parts, _parts_of(model_of(runner).state_dict())),
            _other_compression(self._trained_on, metainfo),
            told_of_crops(self._trained_on.get('crops'), metainfo.get('crops') or ()),
            _seen_methods(seen, metainfo),
            _leak(self._trained_on.get('expected_videos') or (), metainfo, 'training'),
            _leak(self._validated_on, metainfo, 'validation'),
        ):
            if remark:
                print_log(remark, logger='current', level=logging.WARNING)


def _check_same_videos(before: Any, metainfo: Dict[str, Any], done: str) -> None:
    """Refuse to resume on other videos: which the weights have seen would no longer be known."""
    now = metainfo.get('expected_videos')
    if not before or not now or set(before) == set(now):
        return
    parts = [
        f'{len(videos)} {word} ({sample_of(sorted(map(str, videos)), 2)})'
        for word, videos in (('gone', set(before) - set(now)), ('new', set(now) - set(before)))
        if videos
    ]
    raise MMFakeError(
        f'the checkpoint to resume from was {done} on other videos than those of this config: '
        f'{", ".join(parts)}; resume with the data it was trained on, or start a new run.'
    )


def _warn_of_exchanged(before: Any, metainfo: Dict[str, Any]) -> None:
    """Say that a run goes on with other files under the same names."""
    then = before if isinstance(before, dict) else {}
    told = told_of_exchanged(then, metainfo.get('clip_sizes') or {}, 'since the checkpoint')
    if told:
        print_log(
            f'{told}: the run goes on with other pictures than it began with; start a new one, '
            'unless that is meant.',
            logger='current',
            level=logging.WARNING,
        )


def _parts_of(state_dict: Iterable[str]) -> Set[str]:
    """The modules that hold tensors, two names deep: heads such as ``'multi.cls_head'``."""
    keys = (re.sub(r'^module\.', '', key) for key in state_dict)
    return {'.'.join(key.split('.')[:2]) for key in keys}


def _other_heads(config: str, trained: Set[str], tested: Set[str]) -> str:
    """Say which heads only the checkpoint has, or only the config: it is of another regime."""
    unused, absent = sorted(trained - tested), sorted(tested - trained)
    if not trained or not (unused or absent):
        return ''
    parts = [f'its {sample_of(unused)} is not used'] if unused else []
    parts += [f'it has no {sample_of(absent)}, which is left at random'] if absent else []
    return f'The checkpoint is not of this config but of {config}: {"; ".join(parts)}.'


def _other_compression(trained_on: Dict[str, Any], tested: Dict[str, Any]) -> str:
    """Say that a test has another compression than the training had."""

    def compressions(metainfo: Dict[str, Any]) -> Set[str]:
        ids = (video.split('/') for video in metainfo.get('expected_videos') or ())
        # the one of another dataset nobody knows
        return {parts[2] for parts in ids if len(parts) == 4} - {RELEASED}

    before, now = compressions(trained_on), compressions(tested)
    if not before or now <= before:
        return ''
    return (
        f'The checkpoint was trained on compression {" and ".join(sorted(before))} and is tested '
        f'on {" and ".join(sorted(now))}: the results tell how it carries over, not how good it '
        'is where it was trained.'
    )


def _seen_methods(trained: Iterable[str], tested: Dict[str, Any]) -> str:
    """Say which methods of a test the detector was trained on."""
    ids = (str(video).split('/') for video in tested.get('expected_videos') or ())
    now = list(dict.fromkeys(parts[1] for parts in ids if len(parts) == 4 and parts[1] != ORIGINAL))
    seen = [method for method in now if method in set(trained)]
    new = [method for method in now if method not in seen]
    if not seen:
        return ''
    told = f'and has never seen {", ".join(new)}' if new else 'and none of them is new to it'
    return f'Of the methods tested the detector was trained on {", ".join(seen)}, {told}.'


def told_of_crops(trained: Any, judged: Sequence[Any]) -> str:
    """Say that faces are cut out in another way than those of the training; empty if not.

    Args:
        trained (Sequence[tuple[str, float, int]]): Detector, margin and size of the training
            videos, as in ``VideoRecord.crop``; what else a stranger's file holds is not known.
        judged (Sequence[tuple[str, float, int]]): Those of the videos that are judged.
    """
    before, now = (
        {crop_in_words(crop) for crop in crops} for crops in (known_crops(trained), judged)
    )
    if not before or now <= before:
        return ''
    return (
        f'The detector was trained on faces cut out by {" and ".join(sorted(before))}, these are '
        f'cut out by {" and ".join(sorted(now))}: its scores and threshold are of other pictures.'
    )


_WITH_ORIGINALS_OF_FFPP = ('deeperforensics', 'df40')


def _leak(ids: Iterable[str], tested: Dict[str, Any], role: str) -> str:
    """Say which test videos are among those of a role, whatever their compression."""

    def known(video: str) -> Tuple[str, ...]:
        """Dataset, method and stem; an original of FF++ has its own in other datasets, too."""
        parts = video.split('/')
        dataset, is_original = parts[0], parts[1:2] == [ORIGINAL]
        if is_original and dataset in _WITH_ORIGINALS_OF_FFPP and re.fullmatch(r'\d{3}', parts[-1]):
            dataset = 'ffpp'
        return (dataset, *parts[1:2], parts[-1])

    def videos(ids: Iterable[str]) -> Set[Tuple[str, ...]]:
        return {known(str(video)) for video in ids}

    now = videos(tested.get('expected_videos') or ())
    both = sorted('/'.join(video) for video in videos(ids) & now)
    if not both:
        return ''
    means = dict(
        training='the results are not those of unseen videos',
        validation='epoch and threshold were chosen on them, and the results are better for it',
    )
    return (
        f'{len(both)} of the {len(now)} test videos were {role} videos of this checkpoint '
        f'({sample_of(both, 3)}): {means[role]}.'
    )


@HOOKS.register_module()
class ClipShapeHook(Hook):
    """Refuses to test a checkpoint with clips of another length or size than it was validated with.

    A network that pools its last feature map takes any clip, and gives other scores without a word:
    a forgotten ``--scale`` moves them away from the threshold that was chosen on validation. Each
    checkpoint holds the shape of the validation clips, or frames; one without it, such as another
    project's, passes. A training that starts from the weights of another (``load_from``) has no
    shape until it is validated.

    It also warns, once, of pictures that a ``Resize`` enlarges by more than 1.5: a detector of
    larger pictures than are stored sees no more in them; of a clip that has not as many frames
    as its index says; and of a training on other clips than it is validated with.

    Args:
        refuse (bool): Whether another shape ends the test. Defaults to True.
    """

    # (C, T, H, W) of a clip or (C, H, W) of a frame; (T, H, W) of a clip in older files
    META_KEY = CLIP_SHAPE

    def __init__(self, refuse: bool = True) -> None:
        self.refuse = refuse
        self._shape: Optional[Sequence[int]] = None
        self._trained: Optional[Sequence[int]] = None
        self._warned = self._warned_of_length = False

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Dict[str, Any]] = None
    ) -> None:
        """Remember the shape of the clips, and look whether their pictures were enlarged."""
        self._warn_of_enlarged(data_batch)
        if batch_idx == 0:
            self._trained = _shape_of(data_batch)

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Dict[str, Any]] = None
    ) -> None:
        """Remember the shape of the clips, and compare it with that of the training."""
        self._warn_of_enlarged(data_batch)
        self._shape, trained, self._trained = _shape_of(data_batch), self._trained, None
        if trained and trained != self._shape:
            print_log(
                f'The network is trained on {shape_in_words(trained)} and validated on '
                f'{shape_in_words(self._shape)}: epoch and threshold are chosen on other clips '
                'than it learns from.',
                logger='current',
                level=logging.WARNING,
            )

    def before_train(self, runner: Runner) -> None:
        """Forget the shape of weights that training only starts from."""
        if not runner._resume:
            self._shape = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Write the shape."""
        if self._shape is not None:
            checkpoint['meta'][self.META_KEY] = list(self._shape)

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Read the shape."""
        self._shape = checkpoint.get('meta', {}).get(self.META_KEY)

    def before_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Dict[str, Any]] = None
    ) -> None:
        """Compare the shape.

        Raises:
            MMFakeError: If the clips have another one.
        """
        self._warn_of_enlarged(data_batch)
        if batch_idx == 0 and self.refuse:
            check_clip_shape(
                self._shape,
                _shape_of(data_batch),
                'for a test with others set default_hooks.clip_shape.refuse=False',
            )

    def _warn_of_other_lengths(self, samples: Sequence[Any]) -> None:
        """Name the first video that is not the one of its index."""
        others = [sample for sample in samples if sample.get('other_length')]
        if not others or self._warned_of_length:
            return
        self._warned_of_length = True
        found, told = others[0].get('other_length')
        print_log(
            f'{others[0].get("video_id")} has {found} frames, and its index says {told}: the clip '
            'is not the one that was prepared; look for others with data_prep/check_index.py.',
            logger='current',
            level=logging.WARNING,
        )

    def _warn_of_enlarged(self, batch: Dict[str, Any]) -> None:
        """Say both sizes of the first pictures that were enlarged."""
        samples = batch.get('data_samples') or ()
        self._warn_of_other_lengths(samples)
        if self._warned:
            return
        sizes = [sample.get('enlarged') for sample in samples if sample.get('enlarged')]
        if not sizes:
            return
        self._warned = True
        (before, after), side = sizes[0], max(sizes[0][1])
        print_log(
            f'Resize enlarges pictures of {" x ".join(map(str, before))} px to '
            f'{" x ".join(map(str, after))}: the network sees no more than is stored. Prepare '
            f'larger crops (data_prep/prepare_ffpp.py --size {side + side % 2} or more), or take '
            'smaller pictures.',
            logger='current',
            level=logging.WARNING,
        )


def _shape_of(batch: Dict[str, Any]) -> Tuple[int, ...]:
    """(C, T, H, W) or (C, H, W) of a batch whose inputs are several of these, each or stacked."""
    return tuple(batch['inputs'][0].shape[1:])
