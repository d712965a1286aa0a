"""The common look of the figures, and how they are written."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Dict, Iterator, Union

import matplotlib
from matplotlib.figure import Figure

from ..atomic_file import atomic_file
from ..errors import MMFakeError

FORMATS = ('.pdf', '.png', '.svg')
"""tuple[str]: Endings of the files that a figure can be written to."""

# Okabe and Ito's palette, which colour-blind readers can tell apart, without its yellow: as a thin
# line or as text that is too pale on white. Black is kept for what matters most in a panel.
BLACK = '#000000'
GREY = '#767676'
BLUE = '#0072B2'
VERMILLION = '#D55E00'
CYCLE = ('#E69F00', '#56B4E9', '#009E73', '#CC79A7', VERMILLION, BLUE)
"""tuple[str]: Colours of a series of equals, in the order in which they are used up."""

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
