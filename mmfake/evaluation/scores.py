"""Video scores: from samples to videos, and the runs that tables are made of."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import pandas as pd

from ..datasets.manipulations import ORIGINAL, canonical_method, manipulation_keys
from ..errors import MMFakeError, sample_of

COLUMNS = ('video', 'method', 'label', 'score', 'clips', 'status', 'reason')
"""tuple[str]: Columns of a frame of video scores, and of ``scores.csv``."""

SCORED, NOT_SCORED = 'scored', 'not-scored'
NO_PREDICTION = 'no prediction'

# a softmax in half precision may miss 1 by this much; raw logits miss it by far more
_SUM_TOLERANCE = 1e-2


# --- methods and their labels ---------------------------------------------------------------------


def label_of(method: str) -> Optional[int]:
    """Give the label of a method: 0 for originals, 1 for a known manipulation, else None.

    A method that the table of manipulations lacks may be a set of originals.
    """
    key = canonical_method(method)
    if key == ORIGINAL:
        return 0
    return 1 if key in manipulation_keys(everything=True) else None


def id_parts(video: str, method: str) -> List[str]:
    """Give dataset, method, compression and stem of an id of ours, nothing of any other name."""
    parts = video.split('/')
    return parts if len(parts) == 4 and parts[1] == method else []


# --- samples: what the recognizer returned --------------------------------------------------------


@dataclass(frozen=True)
class SampleScore:
    """Score of one sample, that is of one or several clips of one video.

    Args:
        video (str): Identity of the video, ``'dataset/method/compression/stem'``.
        method (str): Key of the manipulation, or ``'original'``.
        label (int): 0 original, 1 manipulated.
        score (float): Probability of being manipulated; NaN where the sample has no score.
        clips (int): How many clips the score is the mean of; 0 where there is no score.
        sample_idx (int, optional): Position in the dataset. Defaults to None (unknown).
        reason (str): Why there is no score. Defaults to ``''``.
        prompts (Mapping[str, float]): Probability of each label, as a model with language
            prompts gives them beside the score. Defaults to nothing.
        attributes (Sequence[int], optional): 1 for each of ``ATTRIBUTES`` that is altered, else 0.
            Defaults to None (not known).
    """

    video: str
    method: str
    label: int
    score: float
    clips: int
    sample_idx: Optional[int] = None
    reason: str = ''
    prompts: Mapping[str, float] = field(default_factory=dict)
    attributes: Optional[Tuple[int, ...]] = None

    @classmethod
    def from_data_sample(cls, sample: Dict[str, Any]) -> SampleScore:
        """Read one element of what the recognizer returned.

        Args:
            sample (dict): A data sample as a dict, with ``video_id``, ``method``, ``label_bin``,
                ``pred_score`` (``[p_original, p_manipulated]`` or one such row per clip) and
                possibly ``num_clips``, ``sample_idx``, ``unreadable`` (a reason), ``pred_prompts``
                and ``attributes``.

        Returns:
            SampleScore: The sample; an unreadable one or one with a NaN has no score but a reason.

        Raises:
            MMFakeError: A key is missing, the label is not 0 or 1, or ``pred_score`` does not hold
                one pair of probabilities per clip.
        """
        missing = [key for key in ('video_id', 'method', 'label_bin') if key not in sample]
        if missing:
            raise MMFakeError(
                f'DeepfakeMetric: a data sample lacks {", ".join(missing)}; '
                'add them to the keys of PackActionInputs in the test pipeline'
            )
        video, label = str(sample['video_id']), _label(sample)
        index = sample.get('sample_idx')
        # the reason ends up in a table and in one line of a log
        reason = ' '.join(str(sample.get('unreadable') or '').split())
        score, clips = math.nan, 0
        if not reason:
            score, clips = _score_and_clips(sample)
            reason = '' if clips else 'the score is not a number'
        index = None if index is None else int(index)
        altered = sample.get('attributes')
        return cls(
            *(video, str(sample['method']), label, score, clips, index, reason),
            prompts=dict(sample.get('pred_prompts') or {}),
            attributes=None if altered is None else tuple(int(value) for value in altered),
        )


def _label(sample: Dict[str, Any]) -> int:
    values = np.asarray(sample['label_bin']).reshape(-1)
    if values.size != 1 or values[0] not in (0, 1):
        raise MMFakeError(
            f"DeepfakeMetric: video '{sample['video_id']}' has label_bin {values.tolist()}; "
            'it must be one number, 0 original or 1 manipulated'
        )
    return int(values[0])


def _score_and_clips(sample: Dict[str, Any]) -> Tuple[float, int]:
    """Mean probability of being manipulated and the clips behind it, or (NaN, 0)."""
    where = f"DeepfakeMetric: pred_score of video '{sample['video_id']}'"
    try:
        import torch  # here: a file of scores is read without it

        pred = torch.as_tensor(sample.get('pred_score'), dtype=torch.float64).detach().cpu().numpy()
    except (TypeError, ValueError, RuntimeError):
        raise MMFakeError(
            f'{where} is a {type(sample.get("pred_score")).__name__}, not a tensor of two '
            'probabilities; does the model return its binary stream?'
        ) from None
    if pred.ndim not in (1, 2) or pred.shape[-1] != 2 or pred.size == 0:
        raise MMFakeError(
            f'{where} has shape {pred.shape}, expected (2,) or (clips, 2); '
            'the binary head must have num_classes=2'
        )
    clips = int(sample.get('num_clips', 1)) if pred.ndim == 1 else len(pred)
    if clips < 1:
        raise MMFakeError(f'{where} comes with num_clips={clips}; a sample has at least one clip')

    if not np.isfinite(pred).all():
        return math.nan, 0
    pred = pred.reshape(-1, 2)  # (2,) or (clips, 2) -> (rows, 2)
    if pred.min() < 0 or pred.max() > 1 or abs(pred.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        raise MMFakeError(
            f'{where} holds {pred[0].tolist()}, not two probabilities that add up to 1; '
            "set average_clips='prob' in the binary head"
        )
    return math.fsum(pred[:, 1]) / len(pred), clips


# --- videos: the mean over their samples ----------------------------------------------------------


def score_videos(
    samples: Iterable[SampleScore],
    expected: Optional[Mapping[str, Mapping[str, Any]]] = None,
) -> pd.DataFrame:
    """Average the samples of each video.

    The score of a video is the mean over all its clips, however these were dealt out to samples.
    A sample that arrives twice (same ``sample_idx``), as a distributed sampler's padding does,
    counts once; samples without ``sample_idx`` all count. A video with some samples without score
    is scored from the others, and its reason says so.

    Args:
        samples (Iterable[SampleScore]): Scores of samples in any order.
        expected (Mapping[str, Mapping], optional): For each video of the protocol its ``method``
            and ``label``; those without a sample become not scored, with their ``reason`` if they
            have one, else ``no prediction``. Defaults to None (the protocol is what arrived).

    Returns:
        pandas.DataFrame: :data:`COLUMNS`, one row per video, sorted by video. ``score`` is NaN and
        ``clips`` 0 where ``status`` is ``not-scored``.

    Raises:
        MMFakeError: A video has two labels or two methods, or is not in the protocol.
    """
    by_video: Dict[str, List[SampleScore]] = defaultdict(list)
    for sample in samples:
        by_video[sample.video].append(sample)

    # every video of the protocol gets a row, and no other
    if expected is not None:
        unknown = sorted(set(by_video) - set(expected))
        if unknown:
            raise MMFakeError(
                f'{len(unknown)} tested videos are not in the protocol (metainfo '
                f"'expected_videos' of the dataset): {sample_of(unknown)}; "
                'test one dataset at a time'
            )
        for video in expected:
            by_video.setdefault(video, [])

    rows = []
    for video in sorted(by_video):
        claims = {(sample.label, sample.method) for sample in by_video[video]}
        if expected is not None:
            claims.add((int(expected[video]['label']), str(expected[video]['method'])))
        if len(claims) > 1:
            said = ' and '.join(f'label {label} ({method})' for label, method in sorted(claims))
            raise MMFakeError(
                f"video '{video}' has contradicting labels: {said}; "
                'mend the index so that one video_id names one video'
            )
        ((label, method),) = claims
        # the dataset knows why it has no sample: the file is missing, or the index says so
        absent = (expected or {}).get(video, {}).get('reason', NO_PREDICTION)
        rows.append((video, method, label, *_judge(_distinct(by_video[video]), absent)))
    return frame_of(rows)


def frame_of(rows: Iterable[tuple]) -> pd.DataFrame:
    """Make a frame of video scores, sorted by video, from rows of :data:`COLUMNS`."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame = frame.astype({'label': 'int64', 'score': 'float64', 'clips': 'int64'})
    return frame.sort_values('video', ignore_index=True)


def scored_only(frame: pd.DataFrame) -> pd.DataFrame:
    """Select the videos that have a score, in the same order."""
    return frame[frame['status'] == SCORED]


def _distinct(samples: List[SampleScore]) -> List[SampleScore]:
    """Drop repeated deliveries of one sample."""
    # two ranks may score one clip differently in the last digit: sorting makes the choice the same
    samples = sorted(samples, key=lambda sample: (sample.reason, sample.score))
    unique: Dict[Any, SampleScore] = {}
    for position, sample in enumerate(samples):
        known = sample.sample_idx is not None
        unique.setdefault((known, sample.sample_idx if known else position), sample)
    return list(unique.values())


def _judge(samples: List[SampleScore], absent: str) -> Tuple[float, int, str, str]:
    """Score, clips, status and reason of one video; ``absent`` is the reason without samples."""
    clips = sum(sample.clips for sample in samples)
    reason = '; '.join(sorted({sample.reason for sample in samples if sample.reason}))
    if not samples:
        return math.nan, 0, NOT_SCORED, absent
    if not clips:
        return math.nan, 0, NOT_SCORED, reason
    if reason:
        lost = sum(not sample.clips for sample in samples)
        reason = f'{lost} of {len(samples)} samples not used: {reason}'
    # fsum is exact, so the order in which samples arrived cannot show in the last digit
    total = math.fsum(sample.score * sample.clips for sample in samples if sample.clips)
    return total / clips, clips, SCORED, reason


# --- runs: a trained network on its test set ------------------------------------------------------


@dataclass(frozen=True)
class RunScores:
    """The video scores of one trained network on one test set, a cell of a table with its seed.

    Args:
        regime (str): Row of the table: how it was trained, e.g. ``'bin_ce'``.
        holdout (str): Column of the table: the method it was tested on and has not seen.
        seed (int): Seed of the training.
        frame (pandas.DataFrame): Rows as :func:`~mmfake.evaluation.scores.score_videos` makes them.
        threshold (float, optional): Threshold chosen on validation. Defaults to None.
        dataset (str): Name of the dataset, e.g. ``'ffpp'``. Defaults to ``''``, unknown.
        info (Mapping): What else ``table.json`` says of the run: config, checkpoint, versions;
            anything JSON can hold. Defaults to nothing.
        test_order (Sequence[str], optional): The videos in the order of the test, for
            :func:`~mmfake.evaluation.paper.paper_compat`. Defaults to None, its own default.
    """

    regime: str
    holdout: str
    seed: int
    frame: pd.DataFrame
    threshold: Optional[float] = None
    dataset: str = ''
    info: Mapping[str, Any] = field(default_factory=dict)
    test_order: Optional[Sequence[str]] = None

    @property
    def scored(self) -> pd.DataFrame:
        """pandas.DataFrame: The videos that have a score, sorted by video."""
        return scored_only(self.frame).sort_values('video', ignore_index=True)

    def counts(self) -> Dict[str, int]:
        """Count the videos: expected, scored, and originals and manipulated among the scored."""
        labels = self.scored['label'].to_numpy()
        return dict(
            n_expected=len(self.frame),
            n_scored=len(labels),
            n_original=int(np.sum(labels == 0)),
            n_manipulated=int(np.sum(labels == 1)),
        )

    def check_holdout(self, where: str) -> None:
        """Refuse scores whose manipulated videos are not those of the held-out method."""
        methods = set(self.frame.loc[self.frame['label'] == 1, 'method'])
        if methods != {self.holdout}:
            found = ', '.join(sorted(methods)) or 'no'
            raise MMFakeError(
                f'{where}: holds {found} manipulated videos in a run that tests {self.holdout!r}; '
                'give the scores of the test on the held-out method'
            )
