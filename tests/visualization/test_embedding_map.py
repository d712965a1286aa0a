import numpy as np
import pytest

from mmfake.errors import MMFakeError
from mmfake.visualization.embedding_map import draw_embedding_map

METHODS = np.repeat(['nt', 'original', 'mine'], 8)


@pytest.fixture
def embeddings():
    rng = np.random.default_rng(0)
    return rng.normal(size=(24, 6)) + 30 * np.repeat(np.eye(3, 6), 8, axis=0)


def places(figure):
    return {line.get_label(): line.get_xydata() for line in figure.axes[0].lines}


def test_groups_stay_together(embeddings):
    figure = draw_embedding_map(embeddings, METHODS, 'Binary CE', seed=3)
    found = places(figure)
    assert list(found) == ['Original (8)', 'NeuralTextures (8)', 'mine (8)']  # the table's order
    centres = np.array([xy.mean(axis=0) for xy in found.values()])
    for group, xy in enumerate(found.values()):
        distances = np.linalg.norm(xy[:, None] - centres[None], axis=2)  # (8, 3)
        assert (distances.argmin(axis=1) == group).all()
    ax = figure.axes[0]
    assert ax.get_title(loc='left') == 'Binary CE\nn = 24 videos, seed 3'
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines}) == 3
    assert figure.get_figwidth() == 3.3


def test_seed(embeddings):
    noise = np.random.default_rng(1).normal(size=(24, 6))
    first, again = (places(draw_embedding_map(noise, METHODS, seed=0)) for _ in range(2))
    assert all((first[name] == again[name]).all() for name in first)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda x, m: (x[:4], m[:4]), '4 videos are too few; give 5 or more'),
        (lambda x, m: (x, m[:-1]), r'shape \(24, 6\) with 23 methods; give one row and one method'),
        (lambda x, m: (x[:, 0], m), r'shape \(24,\) with 24 methods'),
        (lambda x, m: (np.where(x == x[5, 2], np.nan, x), m), '1 rows hold .* the first one row 5'),
    ],
)
def test_mistakes(embeddings, change, message):
    with pytest.raises(MMFakeError, match=f'map of embeddings: {message}'):
        draw_embedding_map(*change(embeddings, METHODS))
