"""A picture of some originals beside their manipulations."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

import av
import cv2
import numpy as np

from mmfake.datasets.manipulations import get_manipulation
from mmfake.errors import MMFakeError

HEADER = 24
MARGIN = 84


def contact_sheet(rows: List[Tuple[str, Dict[str, np.ndarray]]]) -> np.ndarray:
    """Arrange pictures: a row per identity, a column per kind of video, both labelled."""
    keys = list(rows[0][1])
    side = rows[0][1][keys[0]].shape[0]
    sheet = np.full((HEADER + side * len(rows), MARGIN + side * len(keys), 3), 255, np.uint8)
    labels = [(get_manipulation(key).name, MARGIN + side * k + 6, 16) for k, key in enumerate(keys)]
    for row, (label, pictures) in enumerate(rows):
        top = HEADER + side * row
        labels.append((label, 8, top + side // 2))
        for column, key in enumerate(keys):
            left = MARGIN + side * column
            sheet[top : top + side, left : left + side] = pictures[key]
    for text, x, y in labels:
        font, grey = cv2.FONT_HERSHEY_SIMPLEX, (40, 40, 40)
        cv2.putText(sheet, text, (x, y), font, 0.45, grey, 1, cv2.LINE_AA)
    return sheet


def middle_frame(path: Path, side: int) -> np.ndarray:
    """Read the frame in the middle of a video."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    picture = frames[len(frames) // 2].to_ndarray(format='rgb24')
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)


def save_sheet(file: Path, rows: List[Tuple[str, Dict[str, Path]]], side: int = 176) -> None:
    """Write a contact sheet of videos."""
    pictures = [
        (label, {key: middle_frame(path, side) for key, path in videos.items()})
        for label, videos in rows
    ]
    try:
        good = cv2.imwrite(str(file), contact_sheet(pictures)[..., ::-1])
    except cv2.error:  # an ending that no encoder knows
        good = False
    if not good:
        raise MMFakeError(f'--sheet {file} cannot be written: is it a .png in an existing folder?')
