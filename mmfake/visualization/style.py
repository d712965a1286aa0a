"""Figure style: colours, markers, dashes, saving as png and svg, panel grids, line labels."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Union

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..datasets.manipulations import ORIGINAL, manipulation_keys
from ..errors import MMFakeError
from ..files import atomic_file

FORMATS = ('.pdf', '.png', '.svg')
"""tuple[str]: Endings of the files that a figure can be written to."""

COLUMN_WIDTH, PAGE_WIDTH = 3.3, 7.0
"""float: Widths in inches of a column and of a page of a two-column paper."""

# Okabe and Ito's palette, which colour-blind readers can tell apart, without its yellow: as a thin
# line or as text that is too pale on white. Black is kept for what matters most in a panel.
BLACK = '#000000'
GREY = '#767676'
BLUE = '#0072B2'
VERMILLION = '#D55E00'
CYCLE = ('#E69F00', '#56B4E9', '#009E73', '#CC79A7', VERMILLION, BLUE)
"""tuple[str]: Colours of a series of equals, in the order in which they are used up."""

_DASHES = ('-', '--', '-.', (0, (1, 1)), (0, (4, 1, 1, 1, 1, 1)), (0, (6, 2)))
_MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X')

_STYLE: Dict[str, Any] = {
    'font.size': 8,  # points, at the full width of a two-column page
    'axes.titlesize': 8,
    'axes.titlelocation': 'left',
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.linewidth': 0.6,
    'xtick.major.width': 0.6,
    'ytick.major.width': 0.6,
    'lines.linewidth': 1.2,
    'lines.markersize': 3,
    'text.parse_math': False,  # names of files and methods may hold a $
    'svg.hashsalt': 'mmfake',  # the same figure is the same file
}


@contextlib.contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the common look; matplotlib's own settings come back afterwards."""
    with matplotlib.rc_context(_STYLE):
        yield


def save_figure(figure: Figure, path: Union[str, Path]) -> None:
    """Write a figure so that a reader never sees half a file.

    Args:
        figure (Figure): The figure.
        path (str | Path): The file, replaced if it exists, in the format that its ending names.
            Missing folders are made. A PNG has 200 dots per inch.

    Raises:
        MMFakeError: The ending names no known format, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise MMFakeError(f'{path}: no such format of a figure; use {", ".join(FORMATS)}')
    # a file says neither when nor by which version it was made, so that equal figures stay equal
    unwanted = {'.png': 'Software', '.svg': 'Date', '.pdf': 'CreationDate'}[suffix]
    with atomic_file(path, 'the figure') as temporary, figure_style():
        figure.savefig(temporary, format=suffix[1:], dpi=200, metadata={unwanted: None})


def save_png_and_svg(figure: Figure, stem: Union[str, Path]) -> List[Path]:
    """Write ``STEM.png`` and ``STEM.svg`` and say which files these are."""
    files = [Path(f'{stem}{ending}') for ending in ('.png', '.svg')]
    with figure_style():
        figure.draw_without_rendering()  # lays out
    figure.set_layout_engine('none')  # which takes as long as drawing: not for each file anew
    for file in files:
        save_figure(figure, file)
    return files


def series_look(place: int) -> Dict[str, Any]:
    """Give ``color`` and ``linestyle`` of one of several equals; the first 36 all differ."""
    rounds = place // len(CYCLE)  # the second time around a colour has another dash
    return dict(color=CYCLE[place % len(CYCLE)], linestyle=_DASHES[(place + rounds) % len(_DASHES)])


def method_look(method: str, others: Dict[str, int]) -> Dict[str, Any]:
    """Give ``color``, ``linestyle`` and ``marker`` of a method, the same in every figure.

    ``others`` holds the places of methods that the table of manipulations lacks; a new one is
    added. Originals are black circles.
    """
    if method == ORIGINAL:
        return dict(color=BLACK, linestyle='-', marker='o')
    keys = manipulation_keys(everything=True)
    if method in keys:
        place = keys.index(method)
    else:
        place = others.setdefault(method, len(keys) + len(others))
    return dict(series_look(place), marker=_MARKERS[(1 + place) % len(_MARKERS)])


def text_color(background: Sequence[float]) -> str:
    """Choose black or white by the contrast ratio of WCAG 2 on a colour (RGB from 0 to 1)."""
    rgb = np.asarray(background[:3], dtype=float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return 'black' if (luminance + 0.05) ** 2 > 1.05 * 0.05 else 'white'


def panel_grid(
    n: int, height: float, n_columns: int = 4, width: float = PAGE_WIDTH, **options: bool
) -> Tuple[Figure, List[Axes]]:
    """Make a figure of equal panels, drawn without pyplot.

    Args:
        n (int): Number of panels.
        height (float): Height of a row of panels in inches.
        n_columns (int): Most panels in a row. Defaults to 4.
        width (float): Width of the figure in inches. Defaults to 7.0.
        **options (bool): ``sharex`` and ``sharey`` of ``Figure.subplots``.

    Returns:
        tuple[Figure, list[Axes]]: The figure and its n panels, row by row.
    """
    n_columns = min(n, n_columns)
    n_rows = -(-n // n_columns)
    if n_columns == 1:
        width = min(width, 1.3 * COLUMN_WIDTH)
    figure = Figure(figsize=(width, n_rows * height + 0.45), layout='constrained')
    axes = figure.subplots(n_rows, n_columns, squeeze=False, **options).ravel().tolist()
    for ax in axes[n:]:
        ax.remove()
    return figure, axes[:n]


def letter(place: int) -> str:
    """Number a panel by its place from 0: ``'(a)'``, ``'(b)'`` ... ``'(z)'``, ``'(27)'``."""
    return f'({chr(ord("a") + place)})' if place < 26 else f'({place + 1})'


def set_title(figure: Figure, *lines: str) -> None:
    """Write the lines of a figure's title that are not empty."""
    text = '\n'.join(filter(None, lines))
    if text:
        figure.suptitle(text, fontsize=8)


def hide_frame(ax: Axes) -> None:
    """Leave the frame and the tick marks of a table-like panel away."""
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def label_lines(ax: Axes, lines: Sequence[Line2D]) -> None:
    """Write the label of each line right of the axes, in the colour of the line.

    Labels keep the order of the line ends and move apart as far as their height needs; a thin
    connector leads from the last finite point of a line to its label. Limits of the axes must be
    final.
    """
    points = [line.get_xydata() for line in lines]  # (n, 2) each
    points = [xy[np.isfinite(xy[:, 1])] for xy in points]
    lines = [line for line, xy in zip(lines, points) if len(xy)]
    ends = [xy[-1] for xy in points if len(xy)]

    # heights as shares of the axes, apart by the height of a text
    low, high = ax.get_ylim()
    size = 8.0  # points
    height = ax.get_window_extent().height / ax.figure.dpi * 72  # points
    places = spread([(y - low) / (high - low) for _, y in ends], 1.25 * size / height)
    for line, end, place in zip(lines, ends, places):
        ax.annotate(
            line.get_label(),
            xy=end,
            xytext=(1.05, place),
            textcoords='axes fraction',
            va='center',
            fontsize=size,
            # thin strokes look paler than a line: text is a little darker
            color=0.75 * np.array(to_rgb(line.get_color())),
            annotation_clip=False,
            arrowprops=dict(
                arrowstyle='-',
                relpos=(0, 0.5),  # from the middle of the left edge of the text
                lw=0.5,
                color=line.get_color(),
                shrinkA=1,
                shrinkB=1,
            ),
        )


def spread(places: Sequence[float], gap: float) -> List[float]:
    """Move places from 0 to 1 as little as possible so that they are a gap apart, in their order.

    The sum of the squared moves is least: without the gaps this is an isotonic regression. Equal
    places end in the order given from below.
    """
    from sklearn.isotonic import isotonic_regression  # a second of imports, for this alone

    order = np.argsort(places, kind='stable')
    gaps = gap * np.arange(len(places))  # (n,)
    highest = max(0.0, 1.0 - gap * (len(places) - 1))
    moved = np.empty(len(places))
    moved[order] = gaps + isotonic_regression(
        np.asarray(places)[order] - gaps, y_min=0.0, y_max=highest
    )
    return moved.tolist()
