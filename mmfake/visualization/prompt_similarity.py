"""Correlation matrix of language prompts: cosines of their embeddings before and after training."""

from __future__ import annotations

from typing import Dict, Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import figure_style, hide_frame, letter, set_title, text_color

_LEGIBLE = 12  # prompts, whose cosines are also written into the cells


def draw_prompt_similarity(
    names: Sequence[str], cosines: Dict[str, np.ndarray], title: str
) -> Figure:
    """Draw the matrices side by side, on one scale of colours (Figure 5 of the paper).

    Args:
        names (Sequence[str]): Of the P prompts.
        cosines (dict[str, np.ndarray]): Title of a panel -> cosines, (P, P).
        title (str): Of the figure.

    Returns:
        Figure: 7.1 inches wide for two panels, or wider for more than ten prompts; above twelve the
            numbers are left out.
    """
    count, low = len(names), min(float(matrix.min()) for matrix in cosines.values())
    size = max(3.0, 0.3 * count)  # inches of a panel
    with figure_style():
        figure = Figure(figsize=(len(cosines) * size + 1.1, size + 0.9), layout='constrained')
        axes = figure.subplots(1, len(cosines), squeeze=False)[0]
        for place, (ax, (panel, matrix)) in enumerate(zip(axes, cosines.items())):
            image = ax.imshow(matrix, cmap='cividis', vmin=low, vmax=1)
            shown = matrix if count <= _LEGIBLE else matrix[:0]
            for (row, column), value in np.ndenumerate(shown):
                color = text_color(image.cmap(image.norm(value)))
                text = f'{value:.2f}'.replace('0.', '.', 1)
                ax.text(column, row, text, ha='center', va='center', fontsize=5.5, color=color)
            ax.set_xticks(range(count), names, rotation=45, ha='right', rotation_mode='anchor')
            ax.set_yticks(range(count), names if place == 0 else [])
            ax.set_title(f'{letter(place)} {panel}')
            hide_frame(ax)
        figure.colorbar(image, ax=axes.tolist(), label='cosine', shrink=0.8)
        set_title(figure, title)
    return figure
