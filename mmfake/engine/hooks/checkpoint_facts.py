"""Checkpoint facts: hooks for protocol, clip shape and preprocessing in the meta."""

from __future__ import annotations

import logging
import re
from typing import Any, Dict, Iterable, Optional, Sequence, Set, Tuple

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from ...datasets.ffpp_tree import RELEASED
from ...errors import MMFakeError, sample_of


@HOOKS.register_module()
class ProtocolHook(Hook):
    """Refuses to test or resume a checkpoint under another hold-out than it was trained with.

    The six regimes and four hold-outs share most of their weights' names, so that a checkpoint
    loads under a config that is not its own, and a method it was trained on would be reported as
    never seen. Each checkpoint holds the ``metainfo`` of its training set; this hook compares the
    methods in it. A test without a hold-out (``holdout=None``) and weights of unknown training,
    such as another project's, pass. Told before a test are heads that only one of checkpoint and
    config has, another compression, and test videos that training has seen, say after new split
    files.
    """

    def __init__(self) -> None:
        self._trained_on: Dict[str, Any] = {}
        self._trained_by, self._parts = '', set()  # name of the config, modules with weights

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Read what the weights were trained on, and check it if the run is being resumed.

        Raises:
            MMFakeError: If the checkpoint cannot be resumed, or not by this config.
        """
        meta = checkpoint.get('meta', {})
        self._trained_on = meta.get('dataset_meta') or {}
        # mmengine's name of a run: that of its config, and when it began
        run = re.fullmatch(r'([\w.-]+)_\d{8}_\d{6}', str(meta.get('experiment_name')))
        self._trained_by = run[1] if run else 'another one'
        self._parts = _parts_of(checkpoint.get('state_dict', ()))
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

    def before_test(self, runner: Runner) -> None:
        """Check that the method held out now was held out in training.

        Raises:
            MMFakeError: If the weights have seen it.
        """
        metainfo = getattr(runner.test_dataloader.dataset, 'metainfo', {})
        held_out = metainfo.get('holdout')
        seen = self._trained_on.get('multi_classes') or ()
        if held_out in seen:
            raise MMFakeError(
                f'the checkpoint was trained on {", ".join(seen)}, so {held_out} is no method it '
                'has never seen; test it with the config it was trained with, or set '
                'test_dataloader.dataset.holdout=None for a test on every method.'
            )
        for remark in (
            _other_heads(self._trained_by, self._parts, _parts_of(_model_of(runner).state_dict())),
            _other_compression(self._trained_on, metainfo),
            _leak(self._trained_on, metainfo),
        ):
            if remark:
                print_log(remark, logger='current', level=logging.WARNING)


def _model_of(runner: Runner) -> nn.Module:
    """The recognizer, without a DistributedDataParallel around it."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


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


def _leak(trained_on: Dict[str, Any], tested: Dict[str, Any]) -> str:
    """Say which test videos are among those of the training, whatever their compression."""

    def videos(metainfo: Dict[str, Any]) -> Set[Tuple[str, ...]]:
        ids = (video.split('/') for video in metainfo.get('expected_videos') or ())
        return {(*parts[:2], parts[-1]) for parts in ids}  # dataset, method, stem

    now = videos(tested)
    both = sorted('/'.join(video) for video in videos(trained_on) & now)
    if not both:
        return ''
    return (
        f'{len(both)} of the {len(now)} test videos were training videos of this checkpoint '
        f'({sample_of(both, 3)}): the results are not those of unseen videos.'
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
    larger pictures than are stored sees no more in them.

    Args:
        refuse (bool): Whether another shape ends the test. Defaults to True.
    """

    # (C, T, H, W) of a clip or (C, H, W) of a frame; (T, H, W) of a clip in older files
    META_KEY = 'clip_shape'

    def __init__(self, refuse: bool = True) -> None:
        self.refuse = refuse
        self._shape: Optional[Sequence[int]] = None
        self._warned = False

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Dict[str, Any]] = None
    ) -> None:
        """Look whether the pictures were enlarged."""
        self._warn_of_enlarged(data_batch)

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Dict[str, Any]] = None
    ) -> None:
        """Remember the shape of the clips."""
        self._warn_of_enlarged(data_batch)
        self._shape = _shape_of(data_batch)

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

    def _warn_of_enlarged(self, batch: Dict[str, Any]) -> None:
        """Say both sizes of the first pictures that were enlarged."""
        if self._warned:
            return
        samples = batch.get('data_samples') or ()
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


def check_clip_shape(expected: Any, found: Sequence[int], otherwise: str = '') -> None:
    """Compare the clips or frames of a config with those of a checkpoint.

    Args:
        expected (Sequence[int]): Shape in the checkpoint, see ``ClipShapeHook.META_KEY``; what is
            no list passes.
        found (Sequence[int]): (C, T, H, W) or (C, H, W) of the config.
        otherwise (str): What else to do, for the message. Defaults to ''.

    Raises:
        MMFakeError: If they differ.
    """
    if not isinstance(expected, (list, tuple)):
        return
    expected, found = tuple(expected), tuple(found)
    if len(expected) == 3 and len(found) == 4 and expected[0] != found[0]:  # of older files
        expected = (found[0], *expected)
    if expected != found:
        now = _size(found) if len(found) == len(expected) else _in_words(found)
        raise MMFakeError(
            f'the checkpoint was validated with {_in_words(expected)}, this config makes them '
            f'{now}: take the config and the --scale it was trained with'
            + (f'; {otherwise}' if otherwise else '')
        )


def _in_words(shape: Tuple[int, ...]) -> str:
    """Such as ``'clips of 8 x 64 x 64 (frames x px)'`` or ``'frames of 64 x 64 px'``."""
    size = _size(shape)
    if len(shape) == 4:
        return f'clips of {size}' if shape[1] == 1 else f'clips of {size} (frames x px)'
    return f'frames of {size} px'


def _size(shape: Tuple[int, ...]) -> str:
    numbers = ' x '.join(map(str, shape[1:]))
    return f'1 frame{numbers[1:]} px' if len(shape) == 4 and shape[1] == 1 else numbers


def _shape_of(batch: Dict[str, Any]) -> Tuple[int, ...]:
    """(C, T, H, W) or (C, H, W) of a batch whose inputs are several of these, each or stacked."""
    return tuple(batch['inputs'][0].shape[1:])


@HOOKS.register_module()
class PreprocessingHook(Hook):
    """Refuses to test or resume a checkpoint with another preprocessing than it was trained with.

    Normalisation, the ``eps`` of norm layers, the step between frames and the layout of classes
    decide a score and are no tensors, so that a state dict fits a config that is not its own. Each
    checkpoint holds them as :func:`preprocessing_of` gives them; one without, such as another
    project's, passes. A training that starts from the weights of another (``load_from``) has its
    own.

    Args:
        refuse (bool): Whether a difference ends the test. Defaults to True.
    """

    META_KEY = 'preprocessing'

    def __init__(self, refuse: bool = True) -> None:
        self.refuse = refuse
        self._expected: Any = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Write the facts of the model and the validation pipeline."""
        checkpoint['meta'][self.META_KEY] = _facts_of(runner, runner.val_loop)

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Read the facts, and compare them if the run is being resumed.

        Raises:
            MMFakeError: If a run is resumed with others.
        """
        self._expected = checkpoint.get('meta', {}).get(self.META_KEY)
        if runner._resume:
            check_preprocessing(self._expected, _facts_of(runner, runner.val_loop))

    def before_test(self, runner: Runner) -> None:
        """Compare the facts.

        Raises:
            MMFakeError: If they differ.
        """
        if self.refuse:
            check_preprocessing(
                self._expected,
                _facts_of(runner, runner.test_loop),
                'for a test with others set default_hooks.preprocessing.refuse=False',
            )


def _facts_of(runner: Runner, loop: Any) -> Dict[str, Any]:
    """Facts of the model of a run and of the pipeline of a loop, which may be None."""
    dataset = None if loop is None else loop.dataloader.dataset
    while hasattr(dataset, 'dataset') or hasattr(dataset, 'datasets'):
        # a RepeatDataset, or a ConcatDataset, whose first stands for all
        dataset = dataset.dataset if hasattr(dataset, 'dataset') else dataset.datasets[0]
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', [])
    sampler = next((step for step in transforms if hasattr(step, 'frame_interval')), None)
    return preprocessing_of(_model_of(runner), sampler)


def preprocessing_of(model: nn.Module, sampler: Any = None) -> Dict[str, Any]:
    """Ask a model and a ``SampleFrames`` what of them decides a score and is no tensor.

    Args:
        model (nn.Module): A recognizer.
        sampler (Any): Transform that chooses the frames of a clip. Defaults to None, not known.

    Returns:
        dict[str, Any]: Name as in a config, e.g. ``'data_preprocessor.mean'`` -> plain data.
    """
    facts: Dict[str, Any] = {}
    # normalisation and layout of the inputs
    normalise = getattr(model, 'data_preprocessor', None)
    for name in ('mean', 'std', 'to_rgb', 'format_shape'):
        value = getattr(normalise, name, None)
        if value is not None:
            plain = value.flatten().tolist() if hasattr(value, 'tolist') else value
            facts[f'data_preprocessor.{name}'] = plain
    # frames of a clip
    if sampler is not None:
        facts['frame_interval'] = sampler.frame_interval
    # layers
    for name, module in model.named_modules():
        if 'norm' in type(module).__name__.lower() and hasattr(module, 'eps'):
            facts[f'{name}.eps'] = module.eps
        # what a module of ours tells of itself
        for key, value in getattr(module, 'facts', {}).items():
            facts[f'{name}.{key}'] = value
    # classes
    heads = getattr(model, 'classifiers', None) or dict(model=getattr(model, 'cls_head', None))
    for name, head in heads.items():
        for key in ('num_classes', 'label_key'):
            if hasattr(head, key):
                facts[f'{name}.cls_head.{key}'] = getattr(head, key)
    return facts


def check_preprocessing(expected: Any, found: Dict[str, Any], otherwise: str = '') -> None:
    """Compare the facts of a config with those of a checkpoint, as far as both have them.

    Args:
        expected (dict[str, Any]): In the checkpoint; what is no dict passes.
        found (dict[str, Any]): Of the config, see :func:`preprocessing_of`.
        otherwise (str): What else to do, for the message. Defaults to ''.

    Raises:
        MMFakeError: If they differ; it names the first difference.
    """
    if not isinstance(expected, dict):
        return
    for name, value in found.items():
        # as text: a stranger's file may hold anything, a tensor for a number
        if name in expected and str(expected[name]) != str(value):
            raise MMFakeError(
                f'the checkpoint was trained with {name} {_plain(expected[name])}, this config has '
                f'{_plain(value)}: take the config it was trained with'
                + (f'; {otherwise}' if otherwise else '')
            )


def _plain(value: Any) -> str:
    """A number or a list of numbers without the digits of float32."""
    if isinstance(value, list) and all(isinstance(number, float) for number in value):
        return f'[{", ".join(map(_plain, value))}]'
    return f'{value:.6g}' if isinstance(value, float) else str(value)
