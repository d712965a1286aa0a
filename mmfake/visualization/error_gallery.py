"""Error gallery: the most confident mistakes of a detector as an HTML page and as a picture."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..datasets.manipulations import method_name
from ..evaluation.scores import scored_only
from .style import figure_style

HEIGHT = 112  # px, of a frame as it is shown


@dataclass(frozen=True)
class Mistakes:
    """The most confident mistakes of one kind.

    Args:
        name (str): ``'False negatives'`` or ``'False positives'``.
        kind (str): Of what they are, ``'manipulated videos'`` or ``'originals'``.
        shown (pandas.DataFrame): Rows of the scores, the most confident mistake first.
        total (int): How many there are in all.
        of (int): Scored videos of that class.
    """

    name: str
    kind: str
    shown: pd.DataFrame
    total: int
    of: int

    @property
    def heading(self) -> str:
        """str: Name and numbers, such as ``'False positives: 20 of 140 originals, 12 shown'``."""
        text = f'{self.name}: {self.total} of {self.of} {self.kind}'
        return text if len(self.shown) == self.total else f'{text}, {len(self.shown)} shown'


@dataclass(frozen=True)
class Errors:
    """What a gallery shows: a video whose score is at least the threshold is called manipulated."""

    negatives: Mistakes
    positives: Mistakes
    threshold: float

    @property
    def both(self) -> tuple:
        """tuple[Mistakes]: False negatives, false positives."""
        return self.negatives, self.positives


@dataclass(frozen=True)
class GalleryItem:
    """What there is to see of one video.

    Args:
        strip (np.ndarray, optional): Its frames side by side, (112, W, 3) uint8 RGB.
        note (str): Why there is no strip. Defaults to ``''``.
    """

    strip: Optional[np.ndarray]
    note: str = ''


def choose_errors(frame: pd.DataFrame, threshold: float = 0.5, top: int = 12) -> Errors:
    """Choose the videos that the detector is wrong about and surest of.

    Args:
        frame (pandas.DataFrame): Rows as
            :func:`~mmfake.evaluation.scores.score_videos` makes them.
        threshold (float): A video whose score is at least this is called manipulated.
            Defaults to 0.5.
        top (int): Videos of each kind. Defaults to 12.

    Returns:
        Errors: Equal scores in the order of their names.
    """
    scored = scored_only(frame)
    originals, fakes = scored[scored['label'] == 0], scored[scored['label'] == 1]
    missed = fakes[fakes['score'] < threshold].sort_values(['score', 'video'])
    accused = originals[originals['score'] >= threshold]
    accused = accused.sort_values(['score', 'video'], ascending=[False, True])
    kind = 'manipulated videos'
    return Errors(
        Mistakes('False negatives', kind, missed.head(top), len(missed), len(fakes)),
        Mistakes('False positives', 'originals', accused.head(top), len(accused), len(originals)),
        threshold,
    )


def gallery_page(
    errors: Errors, items: Dict[str, GalleryItem], title: str, notes: Sequence[str] = ()
) -> str:
    """Write the HTML page; its pictures are in it, and it loads nothing.

    Args:
        errors (Errors): The mistakes.
        items (dict[str, GalleryItem]): Their pictures, by video id.
        title (str): Title of the page.
        notes (Sequence[str]): What else is said of the scores. Defaults to ``()``.

    Returns:
        str: HTML, in which every name is escaped.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    sections = [
        dict(
            heading=one.heading,
            videos=[_video(row, items[row['video']]) for _, row in one.shown.iterrows()],
        )
        for one in errors.both
    ]
    template = environment.get_template('error_gallery.html.j2')
    return template.render(
        title=title, threshold=errors.threshold, sections=sections, notes=list(notes)
    )


def _video(row: pd.Series, item: GalleryItem) -> Dict[str, Any]:
    """What the page says of a video."""
    jpeg = ''
    if item.strip is not None:
        quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
        jpeg = base64.b64encode(cv2.imencode('.jpg', item.strip[..., ::-1], quality)[1]).decode()
    return dict(
        id=row['video'],
        method=method_name(row['method']),
        score=row['score'],
        jpeg=jpeg,
        note=item.note,
    )


# inches
_COLUMN, _GAP, _CAPTION, _HEAD, _MARGIN = 3.4, 0.15, 0.17, 0.55, 0.08


def draw_gallery(errors: Errors, items: Dict[str, GalleryItem], title: str) -> Figure:
    """Draw false negatives on the left and false positives on the right.

    Where one of the two has none, the other fills both columns.

    Args:
        errors (Errors): The mistakes.
        items (dict[str, GalleryItem]): Their pictures, by video id.
        title (str): Title of the sheet.

    Returns:
        Figure: 7.1 inches wide.
    """
    columns = _columns(errors)
    n_rows = max(len(rows) for _, rows in columns)
    shapes = [item.strip.shape for item in items.values() if item.strip is not None]
    flattest = max((shape[1] / shape[0] for shape in shapes), default=6.0)
    tall = _COLUMN / flattest
    width = 2 * _COLUMN + _GAP + 2 * _MARGIN
    height = _HEAD + n_rows * (tall + _CAPTION) + _MARGIN
    with figure_style():
        figure = Figure(figsize=(width, height))
        left = _MARGIN / width
        figure.text(left, 1 - 0.08 / height, title, va='top', fontweight='bold')
        for column, (text, rows) in enumerate(columns):
            x = (_MARGIN + column * (_COLUMN + _GAP)) / width
            figure.text(x, 1 - 0.24 / height, text, va='top', fontsize=7)
            for place, (_, row) in enumerate(rows.iterrows()):
                bottom = height - _HEAD - (place + 1) * (tall + _CAPTION)
                ax = figure.add_axes((x, bottom / height, _COLUMN / width, tall / height))
                _draw_tile(ax, items[row['video']])
                name = f'{row["score"]:.4f}  {method_name(row["method"])}  {row["video"]}'
                ax.set_title(name, fontsize=6, pad=2)
    return figure


def _columns(errors: Errors) -> List[Tuple[str, pd.DataFrame]]:
    """Heading and videos of both columns."""
    full = [one for one in errors.both if len(one.shown)]
    if len(full) != 1:
        return [(f'{one.heading}\nthe surest first', one.shown) for one in errors.both]
    shown = full[0].shown
    half = -(-len(shown) // 2)
    text = '\n'.join(one.heading for one in errors.both)
    return [(text, shown[:half]), ('\nthe surest first, left column first', shown[half:])]


def _draw_tile(ax: Axes, item: GalleryItem) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    if item.strip is None:
        ax.set_facecolor('#d9d9d9')
        ax.text(0.5, 0.5, item.note, transform=ax.transAxes, ha='center', va='center', fontsize=7)
        return
    ax.imshow(item.strip, interpolation='antialiased')
    ax.set_ylim(HEIGHT - 0.5, -0.5)
    ax.set_anchor('W')
