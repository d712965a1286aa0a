"""Keeps what a checkpoint was trained on apart from what it is tested on."""

from __future__ import annotations

from typing import Any, Dict

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...errors import MMFakeError


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
        held_out = getattr(runner.test_dataloader.dataset, 'metainfo', {}).get('holdout')
        seen = self._trained_on.get('multi_classes') or ()
        if held_out in seen:
            raise MMFakeError(
                f'the checkpoint was trained on {", ".join(seen)}, so {held_out} is no method it '
                'has never seen; test it with the config it was trained with, or set '
                'test_dataloader.dataset.holdout=None for a test on every method.'
            )
