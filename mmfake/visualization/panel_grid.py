"""Figures of several equal panels."""

from __future__ import annotations

from typing import List, Tuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLUMN_WIDTH, PAGE_WIDTH = 3.3, 7.0
"""float: Widths in inches of a column and of a page of a two-column paper."""


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
    """Number a panel.

    Args:
        place (int): Its place from 0.

    Returns:
        str: ``'(a)'``, ``'(b)'`` ... ``'(z)'``, ``'(27)'``.
    """
    return f'({chr(ord("a") + place)})' if place < 26 else f'({place + 1})'
