import pickle
import random

import numpy as np

from mmfake.datasets import FFPPDataset
from mmfake.datasets.seeded_index import SeededIndex, drawing_with


def test_is_an_int_that_survives_the_way_to_a_worker():
    index = pickle.loads(pickle.dumps(SeededIndex(7, 99)))
    assert (index, index.seed, [*range(10)][index]) == (7, 99, 7)
    assert isinstance(index, int)


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
