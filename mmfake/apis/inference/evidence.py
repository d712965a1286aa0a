"""Pictures of what drove the verdict on a video."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple

import cv2
import numpy as np

from .decision import Decision
from .saliency import Saliency
from .video_tally import VideoTally

_TILE = 96  # px
_TILES = 8  # of a clip, evenly spread


class Strip(NamedTuple):
    """A clip in a few frames, above them what is seen and below what drove the score.

    Attributes:
        which (str): ``'highest'`` or ``'lowest'``.
        score (float): Of the clip.
        start (float): When it begins, s.
        end (float): When it ends, s.
        speaks_for (str): What the bright places speak for, ``'original'`` or ``'manipulated'``;
            empty if nothing does, and no places are shown.
        jpeg (bytes): The picture.
        person (int): Number of the person in the video. Defaults to 0.
    """

    which: str
    score: float
    start: float
    end: float
    speaks_for: str
    jpeg: bytes
    person: int = 0


def make_strips(tally: VideoTally, saliency: Saliency, decision: Decision) -> List[Strip]:
    """Picture the clips with the highest and the lowest score of a video.

    Args:
        tally (VideoTally): A complete video.
        saliency (Saliency): Finds what drove the score.
        decision (Decision): Says what the score of a clip speaks for.

    Returns:
        list[Strip]: The highest first; one if all scores are equal, none without a clip.
    """
    extremes: Dict[str, Any] = tally.extremes
    if extremes and extremes['highest'][0] == extremes['lowest'][0]:
        extremes = dict(highest=extremes['highest'])
    strips = []
    for which, (score, clip) in extremes.items():
        seen = clip.inputs.permute(1, 2, 3, 0).numpy()  # (T, H, W, 3)
        chosen = np.linspace(0, len(seen) - 1, min(_TILES, len(seen))).round().astype(int)
        verdict = decision.verdict(score)
        painted = saliency.paint(clip.inputs, int(verdict == 'manipulated'))
        rows = [seen[chosen]] if painted is None else [seen[chosen], painted[chosen]]
        speaks_for = '' if painted is None else verdict
        place = (clip.start, clip.end, speaks_for)
        strips.append(Strip(which, score, *place, _jpeg(rows), clip.person))
    return strips


def _jpeg(rows: List[np.ndarray]) -> bytes:
    """Tile pictures, (rows, columns, H, W, 3)."""
    tiled = [
        np.hstack([cv2.resize(p, (_TILE, _TILE), interpolation=cv2.INTER_AREA) for p in row])
        for row in rows
    ]
    picture = np.ascontiguousarray(np.vstack(tiled)[..., ::-1])
    return cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
