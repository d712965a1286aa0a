"""Names of lines beside their ends."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from sklearn.isotonic import isotonic_regression


def label_lines(ax: Axes, lines: Sequence[Line2D]) -> None:
    """Write the label of each line right of the axes, in the colour of the line.

    Labels keep the order of the line ends and move apart as far as their height needs; a thin
    connector leads from the end of the line to a label. Limits of the axes must be final.

    Args:
        ax (Axes): The axes.
        lines (Sequence[Line2D]): Lines of these axes. One ends at its last finite point and stays
            without a label if it has none.
    """
    points = [line.get_xydata() for line in lines]  # (n, 2) each
    points = [xy[np.isfinite(xy[:, 1])] for xy in points]
    lines = [line for line, xy in zip(lines, points) if len(xy)]
    ends = [xy[-1] for xy in points if len(xy)]
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
    """Move numbers as little as possible so that they are apart and keep their order.

    The sum of the squared moves is least: without the gaps this is an isotonic regression.

    Args:
        places (Sequence[float]): Wanted places, between 0 and 1.
        gap (float): Smallest distance between two of them.

    Returns:
        list[float]: The places, in the order given, between 0 and 1 as long as there is room; equal
        ones end in this order from below.
    """
    order = np.argsort(places, kind='stable')
    gaps = gap * np.arange(len(places))  # (n,)
    highest = max(0.0, 1.0 - gap * (len(places) - 1))
    moved = np.empty(len(places))
    moved[order] = gaps + isotonic_regression(
        np.asarray(places)[order] - gaps, y_min=0.0, y_max=highest
    )
    return moved.tolist()
