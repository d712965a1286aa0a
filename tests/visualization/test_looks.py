import pytest

from mmfake.datasets.protocol import manipulation_keys
from mmfake.visualization.style import method_look, series_look, text_color


def test_every_method_looks_different_and_always_the_same():
    keys = ['original', *manipulation_keys(everything=True)]
    others = {}
    names = [*keys, 'mine', 'yours']
    looks = [method_look(name, others) for name in names]
    assert len({(look['color'], str(look['linestyle'])) for look in looks}) == len(names)
    assert len({(look['color'], look['marker']) for look in looks}) == len(names)
    assert method_look('mine', others) == looks[-2]
    # what else is in the figure does not matter
    assert method_look('fs', {}) == looks[keys.index('fs')]


def test_series_of_many_are_told_apart():
    looks = [series_look(place) for place in range(36)]
    assert len({(look['color'], str(look['linestyle'])) for look in looks}) == 36


@pytest.mark.parametrize(
    ('color', 'text'),
    [
        *(((0, 0, 0), 'white'), ((1, 1, 1, 1), 'black'), ((0, 0, 1), 'white')),
        *(((0, 1, 0), 'black'), ((0.45, 0.45, 0.45), 'white'), ((0.47, 0.47, 0.47), 'black')),
    ],
)
def test_text_is_legible(color, text):
    # grey 0.4602 has the same contrast, 4.58, with black as with white
    assert text_color(color) == text
