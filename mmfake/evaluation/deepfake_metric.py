"""DeepfakeMetric: video AUC, EER, AP and accuracy with intervals, for test and validation."""

from __future__ import annotations

import logging
import math
from itertools import chain
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmaction.registry import METRICS
from mmengine.dist import get_world_size
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from ..datasets.index import hash_of_sizes
from ..datasets.manipulations import altered_key
from ..engine.run_log import warnings_so_far
from ..errors import MMFakeError
from ..files import sha256_of
from .attribute_metrics import evaluate_attributes, format_attributes
from .calibration import calibration_table, temper, validation_calibration
from .scores import SampleScore, score_videos, scored_only
from .scores_file import GIVEN, VALIDATION, write_scores
from .statistics import best_threshold
from .tables import interval_text
from .video_metrics import OVERALL, evaluate_videos, format_summary, format_table, score_warnings


@METRICS.register_module()
class DeepfakeMetric(BaseMetric):
    """Judge a detector of manipulated videos, video by video.

    A video is its ``video_id``, ``'dataset/method/compression/stem'``: manipulations of one video
    share their stem, so nothing shorter names it. The samples of a video are averaged, a sample
    that arrives twice counts once, and the result does not depend on batch size, order or number
    of processes. Every video of the protocol (``expected_videos`` in the dataset's metainfo) is
    either scored or counted as not scored, with the reason.

    The results are floats: ``auc``, ``ap``, ``eer``, ``acc``, ``bacc`` (both at 0.5), each with
    its bootstrap interval ``x_low`` and ``x_high``; ``n_expected``, ``n_scored``, ``n_original``
    and ``n_manipulated``; the same for each manipulation against all originals, as ``f2f/auc``.
    Over all videos they include ``ece`` and ``brier`` of the scores as probabilities, each class
    counting half, with intervals; ``ece_calibrated`` and ``brier_calibrated`` with a temperature.
    Without a threshold they include, but in a test, ``threshold_bacc``, the one that maximises
    balanced accuracy on these videos, and what
    :func:`~mmfake.evaluation.calibration.validation_calibration` finds on them, for a validation
    run to keep. With a threshold they include ``threshold`` and
    ``acc_val``, the accuracy at it. Of a model with language prompts they include how well it tells
    each attribute that some of the videos have: ``eye_altered/auc`` with its interval, the counts
    ``n_altered`` and ``n_unaltered`` and, without a threshold, ``threshold_bacc``. The main process
    logs a table, and warns of equal scores, of an
    AUC wholly below 0.5 and of classes with a single video, which have no interval.

    Attributes:
        threshold (float | None): Threshold of ``acc_val``; may be set at any time before
            ``evaluate``, as a hook does that brings it from the validation to the test.
        scores_file (str | None): Where the scores of the videos go; may be set likewise.
        temperature (float | None): Temperature fitted on validation; may be set likewise.
        chooses (bool): Whether it finds a threshold where it has none, for a validation to keep; a
            hook sets it to False before a test, whose videos must not choose one.

    Args:
        threshold (float, optional): Threshold chosen on validation; a video counts as manipulated
            when its score is at least this. Defaults to None.
        n_bootstrap (int): Replicates behind the intervals; 0 leaves them out. Defaults to 1000.
        confidence (float): Level of the intervals. Defaults to 0.95.
        seed (int): Seed of the resampling. Defaults to 0.
        scores_file (str, optional): CSV file for the score of each video; a sidecar (``.json``)
            beside it says what they are of. One of other videos that is there is kept under another
            name. Defaults to None.
        facts (dict, optional): What the sidecar says beside threshold and videos, such as
            ``checkpoint`` (whose hash is added), ``config`` and ``averaging``. Defaults to None.
        collect_device (str): How ranks are gathered: ``'gpu'`` through the backend, which may be
            gloo, or ``'cpu'`` through files in the current folder, which all machines then have to
            share. Defaults to ``'gpu'``.
        prefix (str): Put before each result. Defaults to ``'deepfake'``.

    Raises:
        MMFakeError: An argument is out of range.

    Example:
        >>> metric = DeepfakeMetric(n_bootstrap=0)
        >>> sample = dict(method='original', label_bin=0, pred_score=[0.8, 0.2])
        >>> fake = dict(method='f2f', label_bin=1, pred_score=[0.4, 0.6])
        >>> metric.process(None, [dict(video_id='ffpp/original/c23/033', **sample),
        ...                       dict(video_id='ffpp/f2f/c23/033_097', **fake)])
        >>> metric.evaluate(size=2)['deepfake/f2f/auc']
        1.0
    """

    default_prefix = 'deepfake'

    def __init__(
        self,
        threshold: Optional[float] = None,
        n_bootstrap: int = 1000,
        confidence: float = 0.95,
        seed: int = 0,
        scores_file: Optional[str] = None,
        facts: Optional[Dict[str, Any]] = None,
        collect_device: str = 'gpu',
        prefix: str = 'deepfake',
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if n_bootstrap < 0:
            raise MMFakeError(
                f'DeepfakeMetric: n_bootstrap={n_bootstrap}; use 1000, or 0 for no intervals'
            )
        if not 0 < confidence < 1:
            raise MMFakeError(f'DeepfakeMetric: confidence={confidence}; use 0.95 for 95 %')
        self.threshold = threshold
        self._threshold_from = GIVEN  # as long as nobody sets another
        self.n_bootstrap = n_bootstrap
        self.confidence = confidence
        self.seed = seed
        self.scores_file = scores_file
        self.temperature: Optional[float] = None
        self.chooses = True
        self.facts = dict(facts or {})
        self.warnings: List[str] = []  # what makes all scores doubtful, for the sidecar
        self._has_begun = False

    @property
    def threshold(self) -> Optional[float]:
        """Threshold of ``acc_val``, between 0 and 1, or None."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: Optional[float]) -> None:
        if value is not None and not 0 <= value <= 1:
            raise MMFakeError(
                f'DeepfakeMetric: threshold={value}; use a score from 0 to 1, or None'
            )
        self._threshold = None if value is None else float(value)
        self._threshold_from = VALIDATION

    def process(self, data_batch: Any, data_samples: Sequence[Dict[str, Any]]) -> None:
        """Keep the scores of one batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): What the model returned, see
                :meth:`.SampleScore.from_data_sample`.

        Raises:
            MMFakeError: A sample lacks a key or its values are of the wrong form.
        """
        if not self._has_begun:  # what comes later is of single videos, or of the scores
            self._has_begun = True
            self.warnings += warnings_so_far()
        self.results.extend(SampleScore.from_data_sample(sample) for sample in data_samples)

    def evaluate(self, size: int) -> Dict[str, float]:
        """Gather the scores of all ranks and compute the metrics.

        Args:
            size (int): Length of the dataset. Not used: the parent class cuts the gathered list
                there and drops what one rank has more than another, either of which may lose a
                video. Repeated samples are recognised by their index instead.

        Returns:
            dict[str, float]: The results of :meth:`compute_metrics`, with the prefix, on each rank.
        """
        self.results = [self.results]  # one parcel per rank passes through uncut
        return super().evaluate(get_world_size())

    def compute_metrics(self, results: List[List[SampleScore]]) -> Dict[str, float]:
        """Compute, log and store what the class description lists.

        Args:
            results (list[list[SampleScore]]): The samples of each rank.

        Returns:
            dict[str, float]: The results, without prefix.

        Raises:
            MMFakeError: A video has two labels or is not in the protocol, or ``scores_file`` cannot
                be written.
        """
        expected = (self.dataset_meta or {}).get('expected_videos')
        samples = list(chain.from_iterable(results))
        frame = score_videos(samples, expected)
        rows = evaluate_videos(frame, self.threshold, self.n_bootstrap, self.confidence, self.seed)
        metrics = dict(rows.pop(OVERALL))
        table = format_table({OVERALL: metrics, **rows})
        scored = scored_only(frame).sort_values('video')
        arrays = scored['label'].to_numpy(), scored['score'].to_numpy()
        metrics.update(self._calibration(*arrays))
        if self.threshold is None and not self.chooses:
            threshold_note = 'threshold: none was chosen on validation'
        elif self.threshold is None:
            metrics['threshold_bacc'] = best_threshold(*arrays)
            metrics.update(validation_calibration(*arrays, metrics['threshold_bacc']))
            threshold_note = f'threshold of best balanced accuracy: {metrics["threshold_bacc"]:.4f}'
        else:
            metrics['threshold'] = self.threshold
            source = 'given' if self._threshold_from == GIVEN else 'from validation'
            threshold_note = f'threshold {source}: {self.threshold:.4f}'
        self._log(table, threshold_note, format_summary(frame), {OVERALL: metrics, **rows})
        if not math.isnan(metrics['ece']):
            print_log(_calibration_note(metrics), logger='current')
        for line in score_warnings(frame, self.n_bootstrap, self.confidence, self.seed):
            print_log(line, logger='current', level=logging.WARNING)
        altered = self._attributes(samples)
        for name, row in {**rows, **altered}.items():
            metrics.update({f'{name}/{key}': value for key, value in row.items()})
        if self.scores_file is not None:
            difference = write_scores(frame, self.scores_file, self._facts())
            if difference:
                print_log(difference, logger='current', level=logging.WARNING)
        return {'auc': metrics['auc'], **metrics}  # first: the one that save_best='auto' takes

    def _attributes(self, samples: List[SampleScore]) -> Dict[str, Dict[str, float]]:
        """Metrics of each attribute that the model tells, and that some of the videos have."""
        rows = evaluate_attributes(samples, self.n_bootstrap, self.confidence, self.seed)
        if rows:
            print_log(f'prompts per attribute\n{format_attributes(rows)}', logger='current')
        if self.threshold is not None or not self.chooses:
            rows = {
                name: {key: value for key, value in row.items() if key != 'threshold_bacc'}
                for name, row in rows.items()
            }
        return {altered_key(attribute): row for attribute, row in rows.items()}

    def _calibration(self, labels: np.ndarray, scores: np.ndarray) -> Dict[str, float]:
        """Errors of the scores as probabilities, and of what the temperature makes of them."""
        how = (self.n_bootstrap, self.confidence, self.seed)
        found = calibration_table(labels, scores, *how)
        if self.temperature is not None:
            tempered = calibration_table(labels, temper(scores, self.temperature), *how)
            for name, value in tempered.items():
                first, _, end = name.partition('_')
                found['_'.join(filter(None, [first, 'calibrated', end]))] = value
        return found

    def _facts(self) -> Dict[str, Any]:
        """What the sidecar of the scores says of them."""
        facts = dict(self.facts)
        if facts.get('checkpoint'):
            facts['checkpoint_sha256'] = sha256_of(facts['checkpoint'])
        threshold_from = None if self.threshold is None else self._threshold_from
        facts.update(threshold=self.threshold, threshold_from=threshold_from)
        if self.temperature is not None:
            facts['temperature'] = self.temperature
        sizes = (self.dataset_meta or {}).get('clip_sizes')
        if sizes:
            facts['clips_sha256'] = hash_of_sizes(sizes)
        if self.warnings:
            facts['warnings'] = self.warnings
        return facts

    def _log(
        self, table: str, threshold_note: str, summary: str, rows: Dict[str, Dict[str, float]]
    ) -> None:
        print_log(f'metrics per video\n{table}\n{threshold_note}', logger='current')
        complete = rows[OVERALL]['n_scored'] == rows[OVERALL]['n_expected']
        level = logging.INFO if complete else logging.WARNING
        print_log(summary, logger='current', level=level)
        if self.n_bootstrap:
            print_log(
                f'{100 * self.confidence:g} % stratified bootstrap, B={self.n_bootstrap}, '
                f'seed {self.seed}',
                logger='current',
            )
        undefined = [
            f'{name} ({row["n_original"]:.0f} originals, {row["n_manipulated"]:.0f} manipulated)'
            for name, row in rows.items()
            if math.isnan(row['auc'])
        ]
        if undefined:
            print_log(
                'AUC, AP, EER and balanced accuracy need scored videos of both classes; they are '
                f'NaN for {", ".join(undefined)}',
                logger='current',
                level=logging.WARNING,
            )


def _calibration_note(metrics: Dict[str, float]) -> str:
    """The calibration errors in a line, each with its interval if it has one."""
    parts = []
    for key, name in (('', 'scores as probabilities'), ('_calibrated', 'with the temperature')):
        shown = [
            f'{heading} {interval_text(metrics, metric + key)}'
            for metric, heading in (('ece', 'ECE'), ('brier', 'Brier score'))
            if metric + key in metrics
        ]
        if shown:
            parts.append(f'{name}: {", ".join(shown)}')
    return '; '.join(parts)
