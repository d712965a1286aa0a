import pytest

from mmfake.visualization.score_figures import draw_confusion


def cells(ax):
    found = {tuple(text.get_position()[::-1]): text.get_text() for text in ax.texts}
    names = [label.get_text() for label in ax.get_yticklabels()]
    return {name: (found[y, 0], found[y, 1]) for y, name in enumerate(names)}


def test_one_network_of_several_methods(make_run):
    run = make_run('a', 'overall', [0.1, 0.6, 0.3, 0.5], df=[0.9, 0.4], mine=[0.5])
    figure = draw_confusion([run], title='Mini', row_name=str.upper)
    (ax,) = figure.axes
    assert cells(ax) == {
        'Original': ('2 (50 %)', '2 (50 %)'),  # a score of exactly 0.5 is called manipulated
        'Deepfakes': ('1 (50 %)', '1 (50 %)'),
        'mine': ('0 (0 %)', '1 (100 %)'),
    }
    assert ax.get_title(loc='left') == '(a) A'
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        *('called\noriginal', 'called\nmanipulated'),
    ]
    assert figure.texts[0].get_text().startswith('Mini\nvideos by true method')
    assert ax.images[0].get_array().tolist() == [[0.5, 0.5], [0.5, 0.5], [0, 1]]


def test_hold_outs_have_their_own_originals_and_seeds_are_averaged(make_run):
    runs = [
        make_run('a', 'df', [0.1, 0.6], seed=0, df=[0.9]),
        make_run('a', 'df', [0.1, 0.2], seed=1, df=[0.2]),
        make_run('a', 'nt', [0.9, 0.8], nt=[0.7, 0.6]),
        make_run('b', 'nt', [0.1, 0.2], nt=[0.7, 0.6]),
    ]
    first, second = draw_confusion(runs).axes
    assert cells(first) == {
        'Original (beside DF)': ('1.5 (75 %)', '0.5 (25 %)'),
        'Deepfakes': ('0.5 (50 %)', '0.5 (50 %)'),
        'Original (beside NT)': ('0 (0 %)', '2 (100 %)'),
        'NeuralTextures': ('0 (0 %)', '2 (100 %)'),
    }
    assert cells(second)['Original'] == ('2 (100 %)', '0 (0 %)')


def test_threshold(make_run):
    figure = draw_confusion([make_run('a', 'df', [0.1, 0.6], df=[0.9])], threshold=0.7)
    assert cells(figure.axes[0])['Original'] == ('2 (100 %)', '0 (0 %)')
    assert figure.texts[0].get_text().endswith('at threshold 0.7')


@pytest.mark.parametrize('name', ['Binary Contrastive + Multi Contrastive', 'x'])
def test_long_names_are_folded(make_run, name):
    title = draw_confusion([make_run(name, 'df', [0.1], df=[0.9])]).axes[0].get_title(loc='left')
    assert title.replace('\n', ' ') == f'(a) {name}'
    assert max(map(len, title.split('\n'))) <= 26
