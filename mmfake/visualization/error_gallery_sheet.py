"""A gallery as a picture."""

from __future__ import annotations

from typing import Dict

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .error_gallery_choice import Errors
from .error_gallery_videos import HEIGHT, GalleryItem
from .figure_style import figure_style
from .looks import method_name

# inches
_COLUMN, _GAP, _CAPTION, _HEAD, _MARGIN = 3.4, 0.15, 0.17, 0.55, 0.08
_GREY = '#d9d9d9'


def draw_gallery(errors: Errors, items: Dict[str, GalleryItem], title: str) -> Figure:
    """Draw false negatives on the left and false positives on the right.

    Args:
        errors (Errors): The mistakes.
        items (dict[str, GalleryItem]): Their pictures, by video id.
        title (str): Title of the sheet.

    Returns:
        Figure: 7.1 inches wide.
    """
    n_rows = max(1, *(len(one.shown) for one in errors.both))
    shapes = [item.strip.shape for item in items.values() if item.strip is not None]
    flattest = max((shape[1] / shape[0] for shape in shapes), default=6.0)
    tall = _COLUMN / flattest
    width = 2 * _COLUMN + _GAP + 2 * _MARGIN
    height = _HEAD + n_rows * (tall + _CAPTION) + _MARGIN
    with figure_style():
        figure = Figure(figsize=(width, height))
        head = f'{title}, called manipulated from a score of {errors.threshold:g} on'
        left = _MARGIN / width
        figure.text(left, 1 - 0.08 / height, head, va='top', fontweight='bold')
        for column, mistakes in enumerate(errors.both):
            x = (_MARGIN + column * (_COLUMN + _GAP)) / width
            text = f'{mistakes.heading}\nthe surest first'
            figure.text(x, 1 - 0.24 / height, text, va='top', fontsize=7)
            for place, (_, row) in enumerate(mistakes.shown.iterrows()):
                bottom = height - _HEAD - (place + 1) * (tall + _CAPTION)
                ax = figure.add_axes((x, bottom / height, _COLUMN / width, tall / height))
                _draw_tile(ax, items[row['video']])
                name = f'{row["score"]:.4f}  {method_name(row["method"])}  {row["video"]}'
                ax.set_title(name, fontsize=6, pad=2)
    return figure


def _draw_tile(ax: Axes, item: GalleryItem) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    if item.strip is None:
        ax.set_facecolor(_GREY)
        ax.text(0.5, 0.5, item.note, transform=ax.transAxes, ha='center', va='center', fontsize=7)
        return
    ax.imshow(item.strip, interpolation='antialiased')
    ax.set_ylim(HEIGHT - 0.5, -0.5)
    ax.set_anchor('W')
