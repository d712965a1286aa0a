import matplotlib
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mmfake.errors import MMFakeError
from mmfake.visualization.style import figure_style, save_figure

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
    left = sorted(path.name for path in tmp_path.rglob('*') if path.is_file())
    assert left == sorted([one.name, two.name])  # nothing temporary


def test_a_png_has_200_dots_per_inch(figure, tmp_path):
    save_figure(figure, tmp_path / 'a.png')
    with Image.open(tmp_path / 'a.png') as image:
        assert image.size == (400, 200)
        assert image.info['dpi'] == pytest.approx((200, 200), abs=0.1)


def test_an_unknown_format(figure, tmp_path):
    with pytest.raises(MMFakeError, match=r'a\.jpg: no such format .* \.pdf, \.png, \.svg'):
        save_figure(figure, tmp_path / 'a.jpg')


def test_a_file_that_cannot_be_written_keeps_the_old_one(figure, tmp_path):
    (tmp_path / 'file').write_text('x')
    with pytest.raises(MMFakeError, match='the figure cannot be written .* choose another place'):
        save_figure(figure, tmp_path / 'file' / 'a.png')
    assert (tmp_path / 'file').read_text() == 'x'


def test_a_failure_while_drawing_leaves_the_old_file(figure, tmp_path, monkeypatch):
    (tmp_path / 'a.png').write_text('old')

    def fail(file, **kwargs):
        file.write_text('half a')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(figure, 'savefig', fail)
    with pytest.raises(MMFakeError, match='No space left on device'):
        save_figure(figure, tmp_path / 'a.png')
    assert [path.read_text() for path in tmp_path.iterdir()] == ['old']
