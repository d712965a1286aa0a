"""Carries the operating point chosen on validation to the test."""

from __future__ import annotations

import math
from typing import Any, Dict, Optional

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner


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
