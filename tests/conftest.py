"""Fixtures shared by the whole suite."""

import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

import mmfake  # noqa: F401 - makes the host importable and registers every component

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _default_scope():
    """What the Runner and init_recognizer do before they build anything."""
    init_default_scope('mmaction')


@pytest.fixture
def make_samples():
    """A factory of data samples as the pipeline packs them."""

    def make(label_bin, label_multi=None, unreadable=()):
        samples = []
        for index, label in enumerate(label_bin):
            sample = ActionDataSample().set_gt_label(label)
            sample.set_field(label, 'label_bin')
            sample.set_field(label if label_multi is None else label_multi[index], 'label_multi')
            sample.set_field(index, 'sample_idx')
            meta = dict(video_id=f'ffpp/x/c23/{index:03d}', method='x', filename=f'{index}.mp4')
            if index in unreadable:
                meta['unreadable'] = 'no frame'
            sample.set_metainfo(meta)
            samples.append(sample)
        return samples

    return make
