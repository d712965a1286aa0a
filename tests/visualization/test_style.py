import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from scipy.optimize import minimize

from mmfake.datasets.manipulations import manipulation_keys
from mmfake.errors import MMFakeError
from mmfake.visualization.style import (
    figure_style,
    label_lines,
    letter,
    method_look,
    panel_grid,
    save_figure,
    save_png_and_svg,
    series_look,
    spread,
    text_color,
)

START = {'.png': b'\x89PNG', '.svg': b'<?xml', '.pdf': b'%PDF'}


@pytest.fixture
def figure():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [1, 0])
    return figure


def test_settings_come_back():
    before = dict(matplotlib.rcParams)
    with figure_style():
        assert matplotlib.rcParams['axes.titlelocation'] == 'left'
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize('suffix', sorted(START))
def test_names_are_no_formulas(tmp_path, suffix):
    name = 'x$\\frac$ $_{'
    with figure_style():
        figure = Figure(figsize=(2, 1))
        ax = figure.subplots()
        ax.plot([0, 1], [1, 0], label=name)
        ax.set_title(name)
        ax.set_yticks([0, 1], [name, name])
        ax.legend()
        figure.suptitle(name)
    save_figure(figure, tmp_path / f'a{suffix}')
    assert not any(text.get_parse_math() for text in ax.get_yticklabels())


@pytest.mark.parametrize('suffix', sorted(START))
def test_equal_figures_are_equal_files(figure, tmp_path, suffix):
    one, two = tmp_path / 'new' / f'a{suffix}', tmp_path / f'b{suffix.upper()}'
    save_figure(figure, one)
    save_figure(figure, two)
    assert one.read_bytes().startswith(START[suffix])
    assert one.read_bytes() == two.read_bytes()


def test_png_and_svg_of_one_name(figure, tmp_path):
    files = save_png_and_svg(figure, tmp_path / 'run_0.5')
    assert [file.name for file in files] == ['run_0.5.png', 'run_0.5.svg']
    assert sorted(tmp_path.iterdir()) == files
    with Image.open(files[0]) as image:
        assert image.size == (400, 200)  # 200 dots per inch
        assert image.info['dpi'] == pytest.approx((200, 200), abs=0.1)


def test_a_failure_while_drawing_leaves_the_old_file(figure, tmp_path, monkeypatch):
    (tmp_path / 'a.png').write_text('old')

    def fail(file, **kwargs):
        file.write_text('half a')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(figure, 'savefig', fail)
    with pytest.raises(MMFakeError, match='the figure cannot be written .No space left'):
        save_figure(figure, tmp_path / 'a.png')
    assert [path.read_text() for path in tmp_path.iterdir()] == ['old']
    with pytest.raises(MMFakeError, match=r'a\.jpg: no such format .* \.pdf, \.png, \.svg'):
        save_figure(figure, tmp_path / 'a.jpg')


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


@pytest.mark.parametrize(('n', 'rows', 'width'), [(1, 1, 4.29), (3, 1, 7), (4, 2, 7), (7, 3, 7)])
def test_as_many_panels_as_asked_for(n, rows, width):
    figure, axes = panel_grid(n, 2.0, 3)
    assert len(axes) == len(figure.axes) == n
    assert figure.get_size_inches() == pytest.approx([width, 2.0 * rows + 0.45])
    assert [letter(place) for place in (0, 25, 26)] == ['(a)', '(z)', '(27)']


@pytest.mark.parametrize(
    'places',
    [[0.5], [0.1, 0.9], [0.5, 0.5, 0.5], [0.97, 0.99, 0.2, 0.98], [0.02, 0.0, 0.4, 0.45]],
)
def test_labels_move_as_little_as_the_gap_between_them_asks(places):
    gap, n = 0.1, len(places)
    order = np.argsort(places, kind='stable')
    rules = [
        dict(type='ineq', fun=lambda x, i=i, j=j: x[j] - x[i] - gap)
        for i, j in zip(order, order[1:])
    ]
    wanted = minimize(
        lambda x: ((x - places) ** 2).sum(), np.full(n, 0.5), bounds=[(0, 1)] * n, constraints=rules
    )
    np.testing.assert_allclose(spread(places, gap), wanted.x, atol=1e-4)


def test_too_many_labels_for_the_axes_still_do_not_overlap():
    np.testing.assert_allclose(np.diff(sorted(spread([0.5] * 5, 0.3))), 0.3)


def test_labels_stand_beside_the_last_finite_points_and_do_not_overlap():
    figure = Figure(layout='constrained')
    ax = figure.subplots()
    lines = []
    for name, end in (('low', 0.5), ('high', 0.51), ('gap', np.nan)):
        lines += ax.plot([0, 1, 2], [0.1, 0.4, end], label=name)
    lines += ax.plot([0, 1], [np.nan, np.nan], label='never')
    ax.set_ylim(0, 1)
    label_lines(ax, lines)
    figure.draw_without_rendering()
    labels = {text.get_text(): text for text in ax.texts}
    assert set(labels) == {'low', 'high', 'gap'}
    assert (tuple(labels['gap'].xy), tuple(labels['high'].xy)) == ((1, 0.4), (2, 0.51))
    assert labels['gap'].xyann[1] < labels['low'].xyann[1] < labels['high'].xyann[1]
    boxes = [super(type(text), text).get_window_extent() for text in labels.values()]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(box.x0 > ax.get_window_extent().x1 for box in boxes)
