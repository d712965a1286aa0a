import math

import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from mmfake.visualization.matrix_figures import draw_heat_map


def cell(regime, holdout, acc, auc, n_seeds=1, n=24):
    spread = 0.0125 if n_seeds > 1 else math.nan
    return dict(
        regime=regime,
        holdout=holdout,
        n_seeds=n_seeds,
        acc=acc,
        auc=auc,
        acc_sd_seeds=spread,
        auc_sd_seeds=spread,
        n_original=n,
        n_manipulated=n,
    )


@pytest.fixture
def table():
    return pd.DataFrame(
        [
            *(cell('a', 'df', 0.5, 0.6), cell('a', 'nt', 0.75, 1.0), cell('a', 'mean', 0.625, 0.8)),
            cell('b', 'nt', 1.0, math.nan),
        ]
    )


def test_numbers_names_and_holes(table):
    figure = draw_heat_map(table, 'Mini', {'a': 'First', 'b': 'Second'}.get)
    left, right = figure.axes
    found = {text.get_position(): text.get_text() for text in left.texts}
    assert found == {
        **{(0, 0): '50.0', (1, 0): '75.0', (2, 0): '62.5'},
        **{(0, 1): '–', (1, 1): '100.0', (2, 1): '–'},
    }
    assert [text.get_text() for text in right.texts] == ['0.600', '1.000', '0.800', '–', '–', '–']
    assert [label.get_text() for label in left.get_xticklabels()] == ['DF', 'NT', 'mean']
    assert [label.get_text() for label in left.get_yticklabels()] == ['First', 'Second']
    assert left.get_title(loc='left') == '(a) Accuracy at 0.5 (%)'
    assert right.get_xlabel() == 'Held-out manipulation'
    assert figure.texts[0].get_text() == 'Mini, n = 24 originals + 24 manipulated a cell'
    assert figure.get_figwidth() == 7


def test_colours_reach_from_chance_to_perfect(table):
    for ax, ends in zip(draw_heat_map(table).axes, ((50, 100), (0.5, 1))):
        assert ax.images[0].get_clim() == ends
    # the text of the darkest cell is white, that of the brightest black
    texts = {text.get_text(): text.get_color() for text in draw_heat_map(table).axes[0].texts}
    assert to_rgb(texts['50.0']) == (1, 1, 1)
    assert to_rgb(texts['100.0']) == (0, 0, 0)


def test_spread_over_seeds_is_below_the_number():
    table = pd.DataFrame(
        [cell('a', 'df', 0.5, 0.6, n_seeds=3), cell('b', 'df', 0.5, 0.6, n_seeds=2, n=23)]
    )
    figure = draw_heat_map(table)
    first = [text.get_text() for text in figure.axes[0].texts][:2]
    assert first == ['50.0', '± 1.2']
    assert [text.get_text() for text in figure.axes[1].texts][:2] == ['0.600', '± 0.013']
    assert figure.texts[0].get_text() == (
        'n = 23 to 24 originals + 23 to 24 manipulated a cell, mean ± SD of 2 to 3 seeds'
    )
