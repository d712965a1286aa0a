"""Trained detector: weights, decision threshold and what they were trained on."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple, Union

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch import Tensor, nn

from ..datasets.protocol import RENDERED, known_crops
from ..engine.hooks.checkpoint_facts import ClipShapeHook, check_clip_shape
from ..engine.hooks.preprocessing_hook import (
    PreprocessingHook,
    check_preprocessing,
    preprocessing_of,
    remarks_on_steps,
)
from ..engine.hooks.validation_threshold_hook import (
    Calibration,
    Validation,
    ValidationThresholdHook,
)
from ..errors import MMFakeError
from ..files import sha256_of
from ..version import __version__
from .clip_pipeline import ClipPipeline
from .precision import set_precision

ABSTAIN = 'abstain'
"""str: The verdict on a video without a score."""


class Decision(NamedTuple):
    """A threshold and where it came from, and from which confidence on a video is judged.

    Attributes:
        threshold (float): A score of at least this counts as manipulated.
        source (str): ``'validation'``, ``'user'`` or ``'default'``.
        calibration (Calibration, optional): Makes calibrated probabilities of scores. Defaults to
            None, not known.
        least (float, optional): Calibrated probability that the verdict on a video must have.
            Defaults to None, any.
    """

    threshold: float
    source: str
    calibration: Optional[Calibration] = None
    least: Optional[float] = None

    def verdict(self, score: Optional[float]) -> str:
        """``'original'``, ``'manipulated'``, or ``'abstain'`` for a video without a score."""
        if score is None:
            return ABSTAIN
        return 'manipulated' if score >= self.threshold else 'original'

    def calibrated(self, score: Optional[float]) -> Optional[float]:
        """The calibrated probability of being manipulated; None where it is not known."""
        if score is None or self.calibration is None:
            return None
        return self.calibration.probability(score)

    def doubt(self, score: Optional[float]) -> str:
        """Why the verdict on a video with a score is not given; empty if it is."""
        probability, verdict = self.calibrated(score), self.verdict(score)
        if self.least is None or probability is None:
            return ''
        confidence = probability if verdict == 'manipulated' else 1 - probability
        if confidence >= self.least:
            return ''
        return (
            f'not confident enough: {verdict} with a calibrated probability of {confidence:.3f}, '
            f'and {self.least:.3f} is asked for'
        )


def choose_threshold(asked: Union[None, str, float], from_validation: Optional[float]) -> Decision:
    """Choose the threshold.

    Args:
        asked (float | str, optional): A number; ``'val'`` for the one chosen on validation; None
            for that one or, if the checkpoint has none, 0.5.
        from_validation (float, optional): What the checkpoint holds.

    Returns:
        Decision: Threshold and source.

    Raises:
        MMFakeError: If it is no probability, or is asked from a checkpoint that has none.
    """
    if asked is None:
        if from_validation is None:
            return Decision(0.5, 'default')
        return Decision(float(from_validation), 'validation')
    if asked == 'val':
        if from_validation is None:
            raise MMFakeError(
                'threshold val: the checkpoint holds none; use best_deepfake_auc_epoch_<N>.pth, '
                'which is saved with it unless validation was no better than chance, or give a '
                'number'
            )
        return Decision(float(from_validation), 'validation')
    try:
        value = math.nan if isinstance(asked, bool) else float(asked)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= 1:
        raise MMFakeError(f'threshold {asked!r} is neither val nor a number from 0 to 1')
    return Decision(value, 'user')


def least_confidence(
    asked: Union[None, str, float], known: Optional[Calibration]
) -> Optional[float]:
    """Read from which confidence on a video is to be judged.

    Args:
        asked (float | str, optional): A calibrated probability from 0.5 to 1, or ``'90%'``: as
            confident as 90 % of the validation videos were judged. None for any confidence.
        known (Calibration, optional): What the checkpoint holds.

    Returns:
        float, optional: The calibrated probability, None for any.

    Raises:
        MMFakeError: If it is neither, or the checkpoint is not calibrated.
    """
    if asked is None:
        return None
    text = str(asked).strip()
    try:
        value = math.nan if isinstance(asked, bool) else float(text.rstrip('%'))
    except ValueError:
        value = math.nan
    is_coverage = text.endswith('%')
    if not (0 < value <= 100 if is_coverage else 0.5 <= value <= 1):
        raise MMFakeError(
            f'abstain_below {text}: give a calibrated probability from 0.5 to 1, or how many of '
            'the videos are to be judged, such as 90%'
        )
    if known is None:
        raise MMFakeError(
            f'abstain_below {text}: the checkpoint is not calibrated, so that its scores are no '
            'probabilities; use one that this version has trained and validated better than chance'
        )
    if not is_coverage:
        return value
    found = known.confidence_for(value)
    if found is None:
        shown = sorted(known.confidences)
        ends = f'from {shown[0]} to {shown[-1]} %' if shown else 'for no coverage'
        raise MMFakeError(f'abstain_below {text}: the checkpoint knows it {ends}')
    return found


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


class TrainedModel:
    """A detector with its weights.

    The weights are read by mmfake's loader, which runs nothing that is in the file; the model is
    that of the config, never of the checkpoint: a :class:`mmfake.DualStreamRecognizer`, or another
    recognizer with ``backbone``, ``cls_head``, ``classifiers``, ``classify`` and ``saliency_layer``
    as described there.

    Args:
        cfg (Config): Config it was trained with.
        checkpoint (str): Checkpoint file.
        device (str, optional): Where it runs. Defaults to None: a GPU if there is one.
        precision (str): What it computes in, as :func:`set_precision` says. Defaults to 'fp32'.

    Attributes:
        model (nn.Module): The recognizer, which judges in eval mode.
        pipeline (ClipPipeline): Shapes its clips, as the test of the config does.
        device (torch.device): Where it is.
        val_threshold (float, optional): The threshold chosen on validation; None also where
            validation was no better than chance.
        validation (Validation, optional): How good it was on validation, if the checkpoint says.
        prompts (dict[str, Validation | None]): What each label of a head with language prompts was
            worth on validation, None where that could not judge it; empty for another head.
        calibration (Calibration, optional): What makes calibrated probabilities of its scores, if
            the checkpoint says; None also where validation was no better than chance.
        classes (tuple[str, ...]): Methods that a further classifier tells apart, the original
            first; empty without such a classifier or its weights.
        precision (Precision): What it computes in, and why.
        crops (list[tuple]): How the faces of its training were cut out, as in
            ``VideoRecord.crop``; empty if the checkpoint does not say.
        facts (dict): Version, checkpoint and training, for a report.
        warnings (list[str]): What makes every score of it doubtful, a line each.

    Raises:
        MMFakeError: If config, checkpoint or device will not do.
    """

    def __init__(
        self,
        cfg: Config,
        checkpoint: str,
        device: Optional[str] = None,
        precision: str = 'fp32',
    ) -> None:
        init_default_scope(cfg.get('default_scope', 'mmaction'))
        self.device = _device(device)
        self.model = _build(cfg)
        self.pipeline = ClipPipeline(cfg)
        loaded = load_checkpoint(self.model, checkpoint, map_location='cpu', logger='silent')
        self.model.to(self.device).eval()
        meta = loaded.get('meta') or {}
        clip_shape = self.pipeline.clip_shape
        check_clip_shape(meta.get(ClipShapeHook.META_KEY), (3, *clip_shape))
        own = preprocessing_of(self.model, self.pipeline.sampler)
        check_preprocessing(meta.get(PreprocessingHook.META_KEY), own)
        trained_on = meta.get('dataset_meta') or {}
        self.methods: Tuple[str, ...] = tuple(trained_on.get('multi_classes') or ())
        self.crops = known_crops(trained_on.get('crops'))
        self._family = self._family_of(loaded.get('state_dict', loaded))
        self.classes = self.methods if self._family else ()
        self.val_threshold: Optional[float] = meta.get(ValidationThresholdHook.META_KEY)
        self.validation = Validation.from_dict(meta.get(ValidationThresholdHook.VALIDATION_KEY))
        labels = getattr(self.model.cls_head, 'labels', ())
        judged = meta.get(ValidationThresholdHook.PROMPTS_KEY)
        judged = judged if isinstance(judged, dict) else {}
        self.prompts: Dict[str, Optional[Validation]] = {
            label: Validation.from_dict(judged.get(label)) for label in labels
        }
        if labels:
            self.prompts[labels[0]] = self.validation  # its score
        stored = meta.get(ValidationThresholdHook.CALIBRATION_KEY)
        self.calibration = Calibration.from_dict(stored)
        # a video is DATASET/method/compression/stem
        videos = trained_on.get('expected_videos') or ()
        datasets = sorted({str(video).split('/')[0] for video in videos})
        self.warnings = remarks_on_steps(meta.get(PreprocessingHook.STEPS_KEY), cfg)
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
            checkpoint=Path(checkpoint).name,
            checkpoint_sha256=sha256_of(checkpoint) or None,  # of a URL
            epoch=meta.get('epoch'),
            clip_shape=list(clip_shape),
            trained_on=[method for method in self.methods if method != 'original'],
            held_out=trained_on.get('holdout'),
            datasets=datasets,
            validation=None if self.validation is None else self.validation._asdict(),
            device=str(self.device),
        )
        if self.prompts:
            self.facts['prompts'] = {
                label: None if found is None else found._asdict()
                for label, found in self.prompts.items()
            }
        if self.calibration is not None:
            self.facts['calibration'] = dict(temperature=self.calibration.temperature)
        self.precision = set_precision(self, precision)
        self.facts['precision'] = self.precision.name

    def _family_of(self, weights: Dict[str, Tensor]) -> Optional[str]:
        """Name of the stream that tells the methods of the training apart, if it was trained."""
        for name, head in self.model.classifiers.items():
            stored = any(key.startswith(f'{name}.cls_head.') for key in weights)
            fits = head.num_classes == len(self.methods)
            if head is not self.model.cls_head and stored and fits:
                return name
        return None

    def preprocess(self, clips: Tensor) -> Tensor:
        """Normalise clips or frames of the test pipeline, (N, ...) -> (N, 1, ...), and judge."""
        self.model.eval()  # whatever its owner has done with it meanwhile
        data = dict(inputs=[clip[None] for clip in clips], data_samples=None)
        return self.model.data_preprocessor(data, False)['inputs']

    @torch.no_grad()
    def score(self, clips: Tensor) -> ClipScores:
        """Judge clips or frames.

        Args:
            clips (Tensor): (N, C, T, H, W) or (N, C, H, W), as the test pipeline makes them.

        Returns:
            ClipScores: On the CPU, in the order of the clips.
        """
        logits = self.model.classify(self.preprocess(clips))
        family = prompts = None
        if self._family:
            family = logits[self._family].float().softmax(dim=1).cpu()
        if self.prompts:
            prompts = logits[self.model.PROMPTS].float().cpu()
        scores = next(iter(logits.values()))  # the scoring head comes first
        return ClipScores(scores.float().cpu(), family, prompts)

    def average(self, logits: Tensor) -> float:
        """Probability of being manipulated of clips with logits (N, 2), averaged as in the test."""
        head = self.model.cls_head
        if head.average_clips is None:
            return float(logits.softmax(dim=1).mean(dim=0)[1])
        return float(head.average_clip(logits, num_segs=len(logits))[0, 1])

    def prompt_probabilities(self, logits: Tensor) -> Dict[str, float]:
        """Probability of each label of clips with logits (N, L), averaged as in the test."""
        mean = self.model.cls_head.average_prompts(logits, len(logits))[0]
        return dict(zip(self.prompts, mean.tolist()))


_ASKED_OF_A_MODEL = ('backbone', 'cls_head', 'classifiers', 'classify', 'saliency_layer')


def _build(cfg: Config) -> nn.Module:
    """Build the model, without looking for weights to start a training from."""
    if 'model' not in cfg:
        raise MMFakeError('the config has no model; use one of configs/mtl')
    try:
        model = MODELS.build(copy.deepcopy(cfg.model))
    except (TypeError, KeyError) as error:  # an unknown argument, an unknown type
        raise MMFakeError(f'model of the config: {str(error).splitlines()[0]}') from None
    lacking = [name for name in _ASKED_OF_A_MODEL if not hasattr(model, name)]
    if lacking or model.cls_head.num_classes != 2:
        told = f'without {", ".join(lacking)}' if lacking else 'whose cls_head has other classes'
        raise MMFakeError(
            f'model of the config is a {type(model).__name__} {told}; it has to be an '
            'mmfake.DualStreamRecognizer, or offer what that does, and score with num_classes=2'
        )
    return model


def _device(name: Optional[str]) -> torch.device:
    name = name or ('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        torch.zeros(1, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise MMFakeError(
            f'device {name!r} cannot be used here ({reason}); use --device cpu'
        ) from None
