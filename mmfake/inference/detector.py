"""Detector interface: scores of clips, their average, and the facts that its file tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from mmengine.config import Config
from torch import Tensor, nn

from ..datasets.protocol import RENDERED, known_crops
from ..engine.hooks.preprocessing_hook import PreprocessingHook, facts_in, remarks_on_steps
from ..engine.hooks.validation_threshold_hook import (
    Calibration,
    Validation,
    ValidationThresholdHook,
)
from ..files import sha256_of
from ..models.trained_facts import (
    CLIP_SHAPE,
    PREPROCESSING,
    check_clip_shape,
    check_preprocessing,
)
from ..version import __version__
from .clip_pipeline import ClipPipeline
from .precision import Precision


class ClipScores(NamedTuple):
    """What the model says of some clips.

    Attributes:
        logits (Tensor): Of the scoring head, (N, 2).
        family (Tensor, optional): Probabilities of the head that tells methods apart, (N, K).
        prompts (Tensor, optional): Logits of the labels of language prompts, (N, L).
    """

    logits: Tensor
    family: Optional[Tensor] = None
    prompts: Optional[Tensor] = None


def unit_of(facts: Dict[str, Any]) -> str:
    """What a detector with these ``facts`` judges at a time: ``'clip'`` or ``'frame'``."""
    shape = facts.get('clip_shape') or [0, 0, 0]
    return 'frame' if len(shape) == 2 or shape[0] == 1 else 'clip'


class Detector:
    """What judges clips, and what the file it was read from says of it.

    A subclass reads the file and hands its ``meta`` on; that of a checkpoint and that of an
    exported model have the same entries.

    Args:
        cfg (Config): Config it was trained with.
        file (str): The file.
        meta (dict): What the file tells: the entries of our hooks, and ``dataset_meta``.
        pipeline (ClipPipeline): Shapes its clips, as the test of the config does.
        preprocessing (dict): What of the config decides a score, see
            :func:`mmfake.models.trained_facts.preprocessing_of`.
        head (nn.Module): The scoring head, as far as it averages.
        labels (Sequence[str]): What its language prompts tell, the score first; none for most.

    Attributes:
        pipeline (ClipPipeline): As given.
        preprocessing (dict): As given.
        methods (tuple[str, ...]): Methods it was trained on, the original first, if known.
        classes (tuple[str, ...]): Methods that a further classifier tells apart, the original
            first; empty without such a classifier or its weights.
        val_threshold (float, optional): The threshold chosen on validation; None also where
            validation was no better than chance.
        validation (Validation, optional): How good it was on validation, if the file says.
        prompts (dict[str, Validation | None]): What each label of a head with language prompts was
            worth on validation, None where that could not judge it; empty for another head.
        calibration (Calibration, optional): What makes calibrated probabilities of its scores, if
            the file says; None also where validation was no better than chance.
        precision (Precision): What it computes in, and why.
        crops (list[tuple]): How the faces of its training were cut out, as in
            ``VideoRecord.crop``; empty if the file does not say.
        steps (list[str], optional): Steps of the test pipeline of its training, if the file says.
        facts (dict): Version, file and training, for a report.
        warnings (list[str]): What makes every score of it doubtful, a line each.

    Raises:
        MMFakeError: If the config does not fit the file.
    """

    classes: Tuple[str, ...] = ()
    precision = Precision('fp32')

    def __init__(
        self,
        cfg: Config,
        file: str,
        meta: Dict[str, Any],
        pipeline: ClipPipeline,
        preprocessing: Dict[str, Any],
        head: nn.Module,
        labels: Sequence[str],
    ) -> None:
        self.pipeline, self.preprocessing, self._head = pipeline, preprocessing, head
        # 1. config and file have to fit
        clip_shape = pipeline.clip_shape
        check_clip_shape(meta.get(CLIP_SHAPE), (3, *clip_shape))
        check_preprocessing(facts_in(meta), preprocessing)
        # 2. what it was trained on
        trained_on = meta.get('dataset_meta') or {}
        self.methods: Tuple[str, ...] = tuple(trained_on.get('multi_classes') or ())
        self.crops = known_crops(trained_on.get('crops'))
        # a video is DATASET/method/compression/stem; an exported model has no list of them
        videos = trained_on.get('expected_videos') or trained_on.get('datasets') or ()
        datasets = sorted({str(video).split('/')[0] for video in videos})
        # 3. how good it was on validation
        self.val_threshold: Optional[float] = meta.get(ValidationThresholdHook.META_KEY)
        self.validation = Validation.from_dict(meta.get(ValidationThresholdHook.VALIDATION_KEY))
        judged = meta.get(ValidationThresholdHook.PROMPTS_KEY)
        judged = judged if isinstance(judged, dict) else {}
        self.prompts: Dict[str, Optional[Validation]] = {
            label: Validation.from_dict(judged.get(label)) for label in labels
        }
        if labels:
            self.prompts[labels[0]] = self.validation  # its score
        stored = meta.get(ValidationThresholdHook.CALIBRATION_KEY)
        self.calibration = Calibration.from_dict(stored)
        # 4. what makes its scores doubtful
        steps = meta.get(PreprocessingHook.STEPS_KEY)
        self.steps: Optional[List[str]] = steps if isinstance(steps, list) else None
        self.warnings = remarks_on_steps(steps, cfg)
        if self.validation is not None and self.validation.is_chance:
            self.val_threshold = self.calibration = None
            self.warnings.append(self.validation.warning)
        if RENDERED in datasets:
            self.warnings.append(
                f'This detector was trained on rendered faces ({RENDERED}): it says nothing about '
                'real videos.'
            )
        self.facts: Dict[str, Any] = dict(
            mmfake=__version__,
            config=Path(cfg.filename).name if cfg.filename else None,
            checkpoint=Path(file).name,
            checkpoint_sha256=sha256_of(file) or None,  # of a URL
            epoch=meta.get('epoch'),
            clip_shape=list(clip_shape),
            trained_on=[method for method in self.methods if method != 'original'],
            held_out=trained_on.get('holdout'),
            datasets=datasets,
            validation=None if self.validation is None else self.validation._asdict(),
        )
        if self.prompts:
            self.facts['prompts'] = {
                label: None if found is None else found._asdict()
                for label, found in self.prompts.items()
            }
        if self.calibration is not None:
            self.facts['calibration'] = dict(temperature=self.calibration.temperature)

    def meta(self) -> Dict[str, Any]:
        """What is known of it, in plain data: a ``meta`` of which another reads the same."""
        facts = self.facts
        return {
            'epoch': facts['epoch'],
            'dataset_meta': dict(
                holdout=facts['held_out'],
                multi_classes=self.methods,
                datasets=facts['datasets'],
                crops=self.crops,
            ),
            CLIP_SHAPE: [3, *facts['clip_shape']],
            PREPROCESSING: self.preprocessing,
            PreprocessingHook.STEPS_KEY: self.steps,
            ValidationThresholdHook.META_KEY: self.val_threshold,
            ValidationThresholdHook.VALIDATION_KEY: facts['validation'],
            ValidationThresholdHook.PROMPTS_KEY: facts.get('prompts'),
            ValidationThresholdHook.CALIBRATION_KEY: (
                None if self.calibration is None else self.calibration._asdict()
            ),
        }

    def score(self, clips: Tensor) -> ClipScores:
        """Judge clips or frames.

        Args:
            clips (Tensor): (N, C, T, H, W) or (N, C, H, W), as the test pipeline makes them.

        Returns:
            ClipScores: On the CPU, in the order of the clips.
        """
        raise NotImplementedError

    def average(self, logits: Tensor) -> float:
        """Probability of being manipulated of clips with logits (N, 2), averaged as in the test."""
        if self._head.average_clips is None:
            return float(logits.softmax(dim=1).mean(dim=0)[1])
        return float(self._head.average_clip(logits, num_segs=len(logits))[0, 1])

    def prompt_probabilities(self, logits: Tensor) -> Dict[str, float]:
        """Probability of each label of clips with logits (N, L), averaged as in the test."""
        mean = self._head.average_prompts(logits, len(logits))[0]
        return dict(zip(self.prompts, mean.tolist()))
