"""Embedding map: a t-SNE map of the embeddings of videos, coloured by method."""

from __future__ import annotations

from typing import Dict, Sequence

import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from ..datasets.manipulations import ORIGINAL, manipulation_keys, method_name
from ..errors import MMFakeError
from .style import COLUMN_WIDTH, figure_style, method_look


def draw_embedding_map(
    embeddings: np.ndarray,
    methods: Sequence[str],
    title: str = '',
    perplexity: float = 30.0,
    seed: int = 0,
) -> Figure:
    """Draw a two-dimensional t-SNE map of embeddings, coloured by method.

    Neighbours on the map are neighbours among the embeddings; distances between groups, their sizes
    and the axes mean nothing.

    Args:
        embeddings (np.ndarray): One row a video, shape (N, D).
        methods (Sequence[str]): Its method, ``'original'`` or the key of a manipulation; N of them.
        title (str): Title of the figure; the number of videos follows. Defaults to ``''``.
        perplexity (float): About how many neighbours a video keeps; at most a third of the videos
            are used. Defaults to 30.0.
        seed (int): Seed of the map. Defaults to 0.

    Returns:
        Figure: 3.3 inches wide.

    Raises:
        MMFakeError: Fewer than five videos, an embedding that is not finite, or shapes that do not
            fit.
    """
    embeddings = np.asarray(embeddings, dtype=np.float64)
    if embeddings.ndim != 2 or len(embeddings) != len(methods):
        raise MMFakeError(
            f'map of embeddings: shape {embeddings.shape} with {len(methods)} methods; give one '
            'row and one method for each video'
        )
    if len(embeddings) < 5:
        raise MMFakeError(
            f'map of embeddings: {len(embeddings)} videos are too few; give 5 or more'
        )
    lost = np.flatnonzero(~np.isfinite(embeddings).all(axis=1))
    if len(lost):
        raise MMFakeError(
            f'map of embeddings: {len(lost)} rows hold a number that is not finite, the first one '
            f'row {lost[0]}; leave these videos out'
        )

    # where each video lies
    tsne = TSNE(
        perplexity=min(perplexity, (len(embeddings) - 1) / 3),
        init='pca',
        learning_rate='auto',
        random_state=seed,
    )
    places = tsne.fit_transform(embeddings)  # (N, 2)

    # methods in the order of the table of manipulations, others after them
    methods = np.asarray(methods)
    known = [ORIGINAL, *manipulation_keys(everything=True)]
    found = [name for name in known if name in methods]
    found += sorted(set(methods) - set(known))
    others: Dict[str, int] = {}
    with figure_style():
        figure = Figure(figsize=(COLUMN_WIDTH, 3.5), layout='constrained')
        ax = figure.subplots()
        for method in found:
            mine, look = methods == method, method_look(method, others)
            ax.plot(
                *places[mine].T,
                linestyle='',
                marker=look['marker'],
                color=look['color'],
                ms=3,
                mew=0,
                alpha=0.75,
                label=f'{method_name(method)} ({mine.sum()})',
            )
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_xlabel('t-SNE 1 (no unit)')
        ax.set_ylabel('t-SNE 2 (no unit)')
        facts = f'n = {len(embeddings)} videos, seed {seed}'
        ax.set_title('\n'.join(filter(None, [title, facts])))
        figure.legend(
            loc='outside lower center', ncols=3, fontsize=6.5, frameon=False, handletextpad=0.1
        )
    return figure
