"""Samples of the dataset: the pipeline around them, and which of them comes when."""

from collections import Counter

import pytest
from mmengine.dataset import Compose

from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.guarded_pipeline import GuardedPipeline


def read(tree, split='train', holdout='f2f', **kwargs):
    return FFPPDataset([], split=split, holdout=holdout, data_root=str(tree.root), **kwargs)


def test_pipeline_is_guarded_even_if_it_is_exchanged(small_tree):
    dataset = read(small_tree)
    assert isinstance(dataset.pipeline, GuardedPipeline)
    transform = str
    dataset.pipeline = Compose([transform])  # what mmengine's PipelineSwitchHook does
    assert isinstance(dataset.pipeline, GuardedPipeline)
    assert dataset.pipeline.transforms == [transform]
    assert isinstance(dataset[0], str)


class Recorder(Compose):
    """What mmaction2's browse_dataset.py assigns: it keeps the pictures after each transform."""

    def __call__(self, data):
        data = super().__call__(data)
        self.seen = len(self.transforms)
        return data


def test_assigned_pipeline_of_another_class_runs(small_tree):
    dataset = read(small_tree)
    dataset.pipeline = Recorder([lambda data: dict(data, seen=True)])
    assert dataset[0]['seen']
    assert dataset.pipeline.seen == 1


@pytest.mark.parametrize('test_mode', [True, False])
def test_sample_is_never_replaced_by_another(small_tree, test_mode):
    root = str(small_tree.root)
    dataset = FFPPDataset([lambda results: None], data_root=root, test_mode=test_mode)
    with pytest.raises(RuntimeError, match='returned None for .*ffpp/original/c23/000'):
        dataset[0]


def test_lazy_dataset_loads_at_the_first_sample(small_tree):
    dataset = read(small_tree, lazy_init=True)
    assert dataset[3]['video_id'] == 'ffpp/nt/c23/000_001'


def test_first_samples_are_a_balanced_miniature(small_tree):
    dataset = read(small_tree, indices=8)
    methods = [dataset.get_data_info(number)['method'] for number in range(8)]
    assert Counter(methods) == dict(original=2, df=2, fs=2, nt=2)
