"""From scores of samples to one row per video of the protocol."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

import pandas as pd

from ..errors import MMFakeError, sample_of
from .sample_score import SampleScore

COLUMNS = ('video', 'method', 'label', 'score', 'clips', 'status', 'reason')
SCORED, NOT_SCORED = 'scored', 'not-scored'
NO_PREDICTION = 'no prediction'


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
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({'label': 'int64', 'score': 'float64', 'clips': 'int64'})


def scored_only(frame: pd.DataFrame) -> pd.DataFrame:
    """Select the videos that have a score.

    Args:
        frame (pandas.DataFrame): Rows as :func:`score_videos` makes them.

    Returns:
        pandas.DataFrame: Those with status ``scored``, in the same order.
    """
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
