"""Validation threshold hook: AUC, threshold and temperature of validation, in the checkpoint."""

from __future__ import annotations

import logging
import math
import sys
from typing import Any, Dict, NamedTuple, Optional, Sequence

import numpy as np
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...datasets.manipulations import ATTRIBUTES, altered_key

_ENDS = (sys.float_info.min, 1 - 2.0**-53)  # nearest to 0 and 1, which have no logit


class Validation(NamedTuple):
    """How good a detector was on its validation videos; ``None`` is not known.

    Attributes:
        auc (float): Of the videos.
        low (float, optional): Lower end of its interval.
        high (float, optional): Upper end.
        n_original (int): Originals among the videos.
        n_manipulated (int): Manipulated ones.
        threshold (float, optional): Of the best balanced accuracy; None if it is no better than
            chance.
        confidence (float): Level of the interval; older checkpoints do not say it. Defaults to
            0.95.
    """

    auc: float
    low: Optional[float]
    high: Optional[float]
    n_original: int
    n_manipulated: int
    threshold: Optional[float]
    confidence: float = 0.95

    @classmethod
    def from_dict(cls, values: Any) -> Optional[Validation]:
        """Read an entry of a checkpoint; None if there is none, or one that cannot be read."""
        try:
            auc, low, high, threshold = (
                None if values[name] is None else float(values[name])
                for name in ('auc', 'low', 'high', 'threshold')
            )
            counts = int(values['n_original']), int(values['n_manipulated'])
            confidence = float(values['confidence']) if 'confidence' in values else 0.95
        except (IndexError, KeyError, OverflowError, RuntimeError, TypeError, ValueError):
            return None
        if auc is None or (low is None) != (high is None):
            return None
        numbers = [number for number in (auc, low, high, threshold) if number is not None]
        is_share = all(0 <= number <= 1 for number in numbers) and 0 < confidence < 1
        return cls(auc, low, high, *counts, threshold, confidence) if is_share else None

    @property
    def is_chance(self) -> bool:
        """Whether nothing says that the detector is better than a coin.

        With an AUC above 0.5 some threshold has a balanced accuracy above 0.5.
        """
        return (self.auc if self.low is None else self.low) <= 0.5

    @property
    def sentence(self) -> str:
        """``'On its 64 validation videos this detector had AUC 0.951 [0.897, 0.994].'``."""
        return f'On its {self._videos} this detector had {self._interval}.'

    @property
    def warning(self) -> str:
        """What to say of a detector at chance."""
        return (
            f'{self._interval} on {self._videos} is no better than chance (0.5): the scores of '
            'this detector mean nothing, and no threshold is taken from them.'
        )

    @property
    def worth(self) -> str:
        """``'validation AUC 0.951 [0.897, 0.994], n = 32 with it and 48 without'``."""
        counts = f'n = {self.n_manipulated} with it and {self.n_original} without'
        return f'validation {self._interval}, {counts}'

    @property
    def _videos(self) -> str:
        return f'{self.n_original + self.n_manipulated} validation videos'

    @property
    def _interval(self) -> str:
        if self.low is None:
            return f'AUC {self.auc:.3f}'
        level = '' if self.confidence == 0.95 else f'{100 * self.confidence:g} % interval: '
        return f'AUC {self.auc:.3f} [{level}{self.low:.3f}, {self.high:.3f}]'


class Calibration(NamedTuple):
    """What makes a calibrated probability of a score, as found on the validation videos.

    Attributes:
        temperature (float): By which the logit of a score is divided.
        confidences (dict[int, float]): Per cent of the validation videos -> how confident at least
            so many were judged.
    """

    temperature: float
    confidences: Dict[int, float]

    @classmethod
    def from_dict(cls, values: Any) -> Optional[Calibration]:
        """Read an entry of a checkpoint; None if there is none, or one that cannot be read."""
        try:
            temperature = float(values['temperature'])
            known = {int(key): float(one) for key, one in dict(values['confidences']).items()}
        except (IndexError, KeyError, OverflowError, RuntimeError, TypeError, ValueError):
            return None
        good = math.isfinite(temperature) and temperature > 0
        good = good and all(0 < key < 100 and 0 <= one <= 1 for key, one in known.items())
        return cls(temperature, known) if good else None

    def probability(self, score: float) -> float:
        """The calibrated probability of being manipulated, if half of all videos were."""
        score = min(max(score, _ENDS[0]), _ENDS[1])
        # the logistic function, which does not overflow this way
        return (1 + math.tanh(math.log(score / (1 - score)) / self.temperature / 2)) / 2

    def confidence_for(self, percent: float) -> Optional[float]:
        """How confident to be for so many per cent of videos like those; None if not known."""
        known = sorted(self.confidences)
        if not known or not known[0] <= percent <= known[-1]:
            return None
        return float(np.interp(percent, known, [self.confidences[key] for key in known]))


@HOOKS.register_module()
class ValidationThresholdHook(Hook):
    """Carries validation AUC, threshold and temperature through the checkpoint to the test.

    Accuracy at 0.5 after training on three manipulations per original measures the threshold as
    much as the detector. :class:`mmfake.DeepfakeMetric` finds the best threshold on validation
    (methods seen in training only); this hook writes it, and the AUC with interval and counts, to
    the ``meta`` of a checkpoint saved with exactly these weights (the best one, which
    ``CheckpointHook`` saves after validation), where published checkpoints keep them too. Before a
    test it sets ``threshold`` of every metric that has one unset. Beside it goes the temperature
    that makes calibrated probabilities of the scores, and how confident the videos were judged.

    The threshold of a detector whose interval of AUC contains 0.5 is chance, and neither it nor the
    temperature is handed on: training and test warn. The same is kept for each attribute that a
    detector with language prompts tells, as far as validation has videos with and without it.

    Args:
        metric_key (str): Name of the threshold among the validation metrics.
            Defaults to 'deepfake/threshold_bacc'.
    """

    META_KEY = 'val_threshold'
    VALIDATION_KEY = 'validation'
    PROMPTS_KEY = 'validation_prompts'  # attribute -> Validation, videos with it being manipulated
    CALIBRATION_KEY = 'calibration'

    def __init__(self, metric_key: str = 'deepfake/threshold_bacc') -> None:
        self.metric_key = metric_key
        self._chosen: Optional[Validation] = None
        self._prompts: Dict[str, Validation] = {}
        self._calibration: Optional[Calibration] = None
        self._chosen_at: Optional[int] = None
        self._warning = ''  # of the last validation, with its epoch
        self._loaded: Dict[str, Any] = {}
        self._source = ''

    def after_val_epoch(self, runner: Runner, metrics: Optional[Dict[str, float]] = None) -> None:
        """Remember AUC and threshold, and the iteration whose weights they belong to."""
        prefix, _, key = self.metric_key.rpartition('/')
        level = next(
            (
                metric.confidence
                for metric in runner.val_evaluator.metrics
                if getattr(metric, 'prefix', None) == prefix and hasattr(metric, 'confidence')
            ),
            0.95,
        )
        chosen = _read(metrics or {}, prefix, key, ('n_original', 'n_manipulated'), level)
        if chosen is None:  # where validation held one class only
            return
        self._chosen, self._chosen_at = chosen, runner.iter
        judged = {
            name: _read(
                metrics or {},
                f'{prefix}/{altered_key(name)}',
                key,
                ('n_unaltered', 'n_altered'),
                level,
            )
            for name in ATTRIBUTES
        }
        self._prompts = {name: found for name, found in judged.items() if found is not None}
        start = f'{prefix}/confidence_at_'
        known = {key[len(start) :]: one for key, one in metrics.items() if key.startswith(start)}
        found = dict(temperature=metrics.get(f'{prefix}/temperature'), confidences=known)
        self._calibration = None if self._chosen.is_chance else Calibration.from_dict(found)
        self._warning = ''
        if self._chosen.is_chance:
            # it need not be the epoch of the best checkpoint
            self._warning = f'epoch {runner.epoch}: {self._chosen.warning}'
            print_log(self._warning, logger='current', level=logging.WARNING)

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Write them if they were found with the weights that are being saved."""
        if self._chosen is None or self._chosen_at != runner.iter:
            return
        checkpoint['meta'][self.VALIDATION_KEY] = self._chosen._asdict()
        if self._chosen.threshold is not None:
            checkpoint['meta'][self.META_KEY] = self._chosen.threshold
        if self._prompts:
            judged = {name: found._asdict() for name, found in self._prompts.items()}
            checkpoint['meta'][self.PROMPTS_KEY] = judged
        if self._calibration is not None:
            checkpoint['meta'][self.CALIBRATION_KEY] = self._calibration._asdict()

    def after_train(self, runner: Runner) -> None:
        """Say it once more where it is read, in other words: mmengine drops a repeated warning."""
        if self._warning:
            line = f'To bear in mind: {self._warning}'
            print_log(line, logger='current', level=logging.WARNING)

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Read what belongs to the loaded weights."""
        self._loaded = checkpoint.get('meta', {})

    def before_test(self, runner: Runner) -> None:
        """Set the threshold where the config has not set one."""
        threshold, self._source = self._loaded.get(self.META_KEY), ''
        calibration = Calibration.from_dict(self._loaded.get(self.CALIBRATION_KEY))
        validation = Validation.from_dict(self._loaded.get(self.VALIDATION_KEY))
        for metric in runner.test_evaluator.metrics:
            if validation is not None and validation.is_chance and hasattr(metric, 'warnings'):
                metric.warnings.append(validation.warning)
            if calibration is not None and hasattr(metric, 'temperature'):
                metric.temperature = calibration.temperature
            if hasattr(metric, 'chooses'):
                metric.chooses = False
            if not hasattr(metric, 'threshold'):
                continue
            if metric.threshold is not None:
                self._source = f'Threshold as given: {metric.threshold:.4f}.'
            elif threshold is None:
                self._source = 'No threshold from validation in the checkpoint: 0.5 is used.'
            else:
                metric.threshold = threshold
                self._source = (
                    f'Threshold chosen on validation, from the checkpoint: {threshold:.4f}.'
                )

    def after_test_epoch(self, runner: Runner, metrics: Optional[Dict[str, float]] = None) -> None:
        """Say below the results which threshold they have, and how good validation was."""
        if self._source:
            print_log(self._source, logger='current')
        validation = Validation.from_dict(self._loaded.get(self.VALIDATION_KEY))
        if validation is None:
            return
        if validation.is_chance:
            print_log(validation.warning, logger='current', level=logging.WARNING)
        else:
            print_log(validation.sentence, logger='current')


def _read(
    metrics: Dict[str, float], prefix: str, threshold: str, counts: Sequence[str], confidence: float
) -> Optional[Validation]:
    """Find how good validation was among its metrics; None where they do not say."""
    names = (threshold, 'auc', 'auc_low', 'auc_high', *counts)
    found = (metrics.get(f'{prefix}/{name}', math.nan) for name in names)
    best, auc, low, high, *videos = (None if math.isnan(v) else float(v) for v in found)
    if best is None or auc is None:
        return None
    validation = Validation(auc, low, high, *map(int, videos), best, confidence)
    return validation._replace(threshold=None) if validation.is_chance else validation
