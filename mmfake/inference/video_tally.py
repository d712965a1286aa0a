"""Tally of the scores of one video: from clips to people to its prediction."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np
import torch
from torch import Tensor

from ..datasets.manipulations import ORIGINAL
from .clip_pipeline import Clip, Segment
from .decision import ABSTAIN, Decision
from .detector import Detector
from .video_scan import VideoScan


class ScoredClip(NamedTuple):
    """A clip and what the model says of it.

    Attributes:
        clip (Clip): Without its pictures.
        logits (Tensor): Of the scoring head, (2,).
        family (Tensor, optional): Probabilities of the methods, (K,).
        prompts (Tensor, optional): Logits of the labels of language prompts, (L,).
    """

    clip: Clip
    logits: Tensor
    family: Optional[Tensor] = None
    prompts: Optional[Tensor] = None

    @property
    def score(self) -> float:
        """Probability of being manipulated."""
        return float(self.logits.softmax(dim=0)[1])


class VideoTally:
    """Collects the scores of a video.

    Args:
        scan (VideoScan): The video.

    Attributes:
        waiting (int): Clips that are on their way to the model.
        cut (bool): Whether no more clips will come.
        extremes (dict[str, tuple[float, Clip]]): ``highest`` and ``lowest``: score and clip, with
            its pictures.
        model_seconds (float): What the model took for its clips, s.
    """

    def __init__(self, scan: VideoScan) -> None:
        self.scan = scan
        self.waiting, self.cut = 0, False
        self.extremes: Dict[str, Any] = {}
        self.model_seconds = 0.0
        self._scored: List[ScoredClip] = []

    @property
    def complete(self) -> bool:
        """Whether every clip has its score."""
        return self.cut and not self.waiting

    def add(self, clip: Clip, *said: Optional[Tensor]) -> None:
        """Take what the model says of a clip: see :class:`ScoredClip`."""
        self.waiting -= 1
        scored = ScoredClip(clip._replace(inputs=None, pictures=[]), *said)
        self._scored.append(scored)
        for name, sign in (('highest', 1), ('lowest', -1)):
            if name not in self.extremes or sign * (scored.score - self.extremes[name][0]) > 0:
                self.extremes[name] = (scored.score, clip)

    def result(self, model: Detector, decision: Decision) -> Dict[str, Any]:
        """The prediction of this video, as the schema of results.json says."""
        scan = self.scan
        status, reason = scan.status, scan.reason
        if any(not bool(torch.isfinite(scored.logits).all()) for scored in self._scored):
            status, reason = 'not-a-number', 'the score is not a number; the weights are broken'
        people = self._people(model, decision) if status == 'scored' else []
        best = max(people, key=lambda person: person['probability'], default=None)
        probability = None if best is None else best['probability']
        warnings = list(scan.warnings)
        if scan.damage:
            told = '; the score is of the frames before' if people else ''
            warnings.append(f'{scan.damage}{told}')
        doubt = decision.doubt(probability)
        warnings += [doubt] if doubt else []
        seconds = dict(scan.watch.seconds, model=self.model_seconds)
        prediction = dict(
            video=scan.name,
            verdict=ABSTAIN if doubt else decision.verdict(probability),
            probability=probability,
            calibrated=decision.calibrated(probability),
            status=status,
            reason=reason,
            warnings=warnings,
            family=None if best is None else best['family'],
            people=people,
            skipped=[_rounded(place) for place in scan.skipped],
            metadata=_rounded(scan.facts),
            seconds=_rounded(seconds),
        )
        if best is not None and model.prompts:
            prediction['prompts'] = best['prompts']
        return prediction

    def _people(self, model: Detector, decision: Decision) -> List[Dict[str, Any]]:
        everybody: Dict[int, List[ScoredClip]] = defaultdict(list)
        for scored in self._scored:
            everybody[scored.clip.person].append(scored)
        return [
            self._person(number, everybody[number], model, decision) for number in sorted(everybody)
        ]

    def _person(
        self, number: int, clips: List[ScoredClip], model: Detector, decision: Decision
    ) -> Dict[str, Any]:
        clips = sorted(clips, key=lambda scored: (scored.clip.start_frame, scored.clip.segment))
        segments: Dict[int, List[Tensor]] = defaultdict(list)
        for scored in clips:
            segments[scored.clip.segment].append(scored.logits)
        means = [(model.average(torch.stack(own)), len(own)) for own in segments.values()]
        total = sum(count for _, count in means)
        probability = math.fsum(mean * count for mean, count in means) / total
        verdict = decision.verdict(probability)
        judged = dict(
            person=number,
            verdict=verdict,
            probability=probability,
            face_px=_mean_side([self.scan.segments[place] for place in segments]),
            family=_family(clips, model, verdict),
            clips=[
                dict(
                    start=round(scored.clip.start, 3),
                    end=round(scored.clip.end, 3),
                    start_frame=scored.clip.start_frame,
                    end_frame=scored.clip.end_frame,
                    segment=scored.clip.segment,
                    score=scored.score,
                )
                for scored in clips
            ],
        )
        if model.prompts:
            logits = torch.stack([scored.prompts for scored in clips])
            judged['prompts'] = model.prompt_probabilities(logits)
            for told, own in zip(judged['clips'], logits):
                told['prompts'] = model.prompt_probabilities(own[None])
        return judged


def _mean_side(segments: List[Segment]) -> Optional[int]:
    """Mean side of the squares that were cut out for the clips, px; None for whole pictures."""
    cut_out = [one.squares[one.frames] for one in segments if one.squares is not None]
    if not cut_out:
        return None
    squares = np.concatenate(cut_out)
    return round(float((squares[..., 2] - squares[..., 0]).mean()))


def _family(clips: List[ScoredClip], model: Detector, verdict: str) -> Optional[Dict[str, Any]]:
    """What the multi-class stream says, which serves training and was never chosen for this."""
    if not model.classes:
        return None
    mean = torch.stack([scored.family for scored in clips]).double().mean(dim=0)
    shares = dict(zip(model.classes, mean.tolist()))
    methods = [method for method in model.classes if method != ORIGINAL]
    likely = max(methods, key=shares.__getitem__)
    if verdict != 'manipulated' or shares[likely] < shares.get(ORIGINAL, 0):
        likely = None
    return dict(likely=likely, probabilities=shares, training_auxiliary=True)


def _rounded(values: Dict[str, Any]) -> Dict[str, Any]:
    return {key: round(v, 3) if isinstance(v, float) else v for key, v in values.items()}
