import pickle
import random

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset

from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.samplers import SeededIndex, drawing_with


def test_is_an_int_that_survives_the_way_to_a_worker():
    index = pickle.loads(pickle.dumps(SeededIndex(7, 99)))
    assert (index, index.seed, [*range(10)][index]) == (7, 99, 7)
    assert isinstance(index, int)


def test_arithmetic_of_indices_keeps_the_seed():
    index = SeededIndex(7, 99)
    for result, expected in ((index % 5, 2), (index - 3, 4), (index + 1, 8), (1 + index, 8)):
        assert (result, result.seed) == (expected, 99)
    assert index - 0.5 == 6.5
    with pytest.raises(TypeError):
        index + 'a'


def test_drawing_is_repeatable_and_leaves_the_generators_alone():
    def draw():
        return random.random(), np.random.rand()

    random.seed(1)
    np.random.seed(1)
    expected = draw(), draw()
    random.seed(1)
    np.random.seed(1)
    first = draw()
    with drawing_with(5):
        inside = draw()
    with drawing_with(5):
        assert draw() == inside
    with drawing_with(6):
        assert draw() != inside
    assert (first, draw()) == expected


class Draw:
    """A random transform."""

    def __call__(self, results):
        return dict(results, drawn=(random.random(), np.random.rand()))


def test_the_dataset_draws_with_the_seed_of_the_index(small_tree):
    dataset = FFPPDataset([Draw()], data_root=str(small_tree.root))
    first, again, other = (dataset[SeededIndex(0, seed)] for seed in (3, 3, 4))
    assert first == again
    assert first['drawn'] != other['drawn']
    assert dataset[SeededIndex(1, 3)]['drawn'] == first['drawn']
    assert type(first['sample_idx']) is int
    assert dataset[0]['drawn'] != dataset[0]['drawn']


def test_wrapped_datasets_draw_with_it_too(small_tree):
    """Both halves of a repeated one and both parts of a joined one, whatever was drawn before."""
    dataset = FFPPDataset([Draw()], data_root=str(small_tree.root))
    expected = {index: dataset[SeededIndex(index, 3)] for index in range(len(dataset))}
    for wrapper in (RepeatDataset(dataset, times=2), ConcatDataset([dataset, dataset])):
        for index in range(-1, len(wrapper)):
            assert wrapper[SeededIndex(index, 3)] == expected[index % len(dataset)]
