"""Checkpoint facts: hooks for protocol, clip shape and validation threshold in the meta."""

from __future__ import annotations

import math
from typing import Any, Dict, Optional, Sequence, Tuple

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...errors import MMFakeError
from ..loaders import warn_of_other_compression


@HOOKS.register_module()
class ProtocolHook(Hook):
    """Refuses to test or resume a checkpoint under another hold-out than it was trained with.

    The six regimes and four hold-outs share most of their weights' names, so that a checkpoint
    loads under a config that is not its own, and a method it was trained on would be reported as
    never seen. Each checkpoint holds the ``metainfo`` of its training set; this hook compares the
    methods in it. A test without a hold-out (``holdout=None``) and weights of unknown training,
    such as another project's, pass.
    """

    def __init__(self) -> None:
        self._trained_on: Dict[str, Any] = {}

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Read what the weights were trained on, and check it if the run is being resumed.

        Raises:
            MMFakeError: If the checkpoint cannot be resumed, or not by this config.
        """
        self._trained_on = checkpoint.get('meta', {}).get('dataset_meta') or {}
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
        warn_of_other_compression(self._trained_on, metainfo)
        held_out = metainfo.get('holdout')
        seen = self._trained_on.get('multi_classes') or ()
        if held_out in seen:
            raise MMFakeError(
                f'the checkpoint was trained on {", ".join(seen)}, so {held_out} is no method it '
                'has never seen; test it with the config it was trained with, or set '
                'test_dataloader.dataset.holdout=None for a test on every method.'
            )


@HOOKS.register_module()
class ClipShapeHook(Hook):
    """Refuses to test a checkpoint with clips of another length or size than it was validated with.

    A network that pools its last feature map takes any clip, and gives other scores without a word:
    a forgotten ``--scale`` moves them away from the threshold that was chosen on validation. Each
    checkpoint holds the shape of the validation clips, or frames; one without it, such as another
    project's, passes. A training that starts from the weights of another (``load_from``) has no
    shape until it is validated.

    Args:
        refuse (bool): Whether another shape ends the test. Defaults to True.
    """

    # (C, T, H, W) of a clip or (C, H, W) of a frame; (T, H, W) of a clip in older files
    META_KEY = 'clip_shape'

    def __init__(self, refuse: bool = True) -> None:
        self.refuse = refuse
        self._shape: Optional[Sequence[int]] = None

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Dict[str, Any]] = None
    ) -> None:
        """Remember the shape of the clips."""
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
        if batch_idx == 0 and self.refuse:
            check_clip_shape(
                self._shape,
                _shape_of(data_batch),
                'for a test with others set default_hooks.clip_shape.refuse=False',
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
    """``'clips of 8 x 64 x 64 (frames x px)'`` or ``'frames of 64 x 64 px'``."""
    size = _size(shape)
    return f'clips of {size} (frames x px)' if len(shape) == 4 else f'frames of {size} px'


def _size(shape: Tuple[int, ...]) -> str:
    return ' x '.join(map(str, shape[1:]))


def _shape_of(batch: Dict[str, Any]) -> Tuple[int, ...]:
    """(C, T, H, W) or (C, H, W) of a batch whose inputs are several of these, each or stacked."""
    return tuple(batch['inputs'][0].shape[1:])


@HOOKS.register_module()
class ValidationThresholdHook(Hook):
    """Carries the decision threshold chosen on validation through the checkpoint to the test.

    Accuracy at 0.5 after training on three manipulations per original measures the threshold as
    much as the detector. :class:`mmfake.DeepfakeMetric` finds the best threshold on validation
    (methods seen in training only); this hook writes it to the ``meta`` of a checkpoint saved with
    exactly these weights (the best one, which ``CheckpointHook`` saves after validation), where
    published checkpoints keep it too. Before a test it sets ``threshold`` of every metric that has
    one unset.

    Args:
        metric_key (str): Name of the threshold among the validation metrics.
            Defaults to 'deepfake/threshold_bacc'.
    """

    META_KEY = 'val_threshold'

    def __init__(self, metric_key: str = 'deepfake/threshold_bacc') -> None:
        self.metric_key = metric_key
        self._chosen: Optional[float] = None
        self._chosen_at: Optional[int] = None
        self._loaded: Optional[float] = None

    def after_val_epoch(self, runner: Runner, metrics: Optional[Dict[str, float]] = None) -> None:
        """Remember the threshold and the iteration whose weights it belongs to."""
        threshold = (metrics or {}).get(self.metric_key, math.nan)
        if not math.isnan(threshold):  # NaN where validation held one class only
            self._chosen, self._chosen_at = float(threshold), runner.iter

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Write the threshold if it was chosen with the weights that are being saved."""
        if self._chosen is not None and self._chosen_at == runner.iter:
            checkpoint['meta'][self.META_KEY] = self._chosen

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Read the threshold of the loaded weights."""
        self._loaded = checkpoint.get('meta', {}).get(self.META_KEY)

    def before_test(self, runner: Runner) -> None:
        """Set it where the config has not set one."""
        if self._loaded is None:
            return
        for metric in runner.test_evaluator.metrics:
            if getattr(metric, 'threshold', 0.0) is None:
                metric.threshold = self._loaded
                print_log(
                    f'Threshold chosen on validation, from the checkpoint: {self._loaded:.4f}.',
                    logger='current',
                )
