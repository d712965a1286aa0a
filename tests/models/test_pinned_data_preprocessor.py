"""One upload a batch: the numbers of mmaction2's preprocessor, from clips or from a stack."""

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.dataset import pseudo_collate
from torch.utils.data import Dataset, default_collate

from mmfake import PinnedDataPreprocessor

SETTINGS = dict(mean=[120.0, 110.0, 100.0], std=[58.0, 57.0, 56.0], format_shape='NCTHW')
MIXUP = dict(type='MixupBlending', num_classes=2)


class Clips(Dataset):
    """Random clips, the last of them smaller where asked for."""

    def __init__(self, make_samples, ragged=False):
        generator = torch.Generator().manual_seed(0)
        shape = (4, 1, 3, 2, 6, 6)
        self.clips = list(torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator))
        if ragged:
            self.clips[-1] = self.clips[-1][..., :4, :4].clone()
        self.samples = make_samples([0, 1, 1, 0])

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        return dict(inputs=self.clips[index], data_samples=self.samples[index])


def stack_clips(items):
    """A collate function of a user."""
    batch = pseudo_collate(items)
    return dict(batch, inputs=default_collate(batch['inputs']))


@pytest.mark.parametrize(
    ('collate', 'ragged'), [(pseudo_collate, False), (pseudo_collate, True), (stack_clips, False)]
)
@pytest.mark.parametrize('blending', [None, MIXUP])
def test_gives_what_mmaction2_gives(collate, ragged, blending, make_samples):
    items = list(Clips(make_samples, ragged))
    results = []
    for kind, collated in (
        ('ActionDataPreprocessor', pseudo_collate),
        (PinnedDataPreprocessor, collate),
    ):
        model = MODELS.build(dict(type=kind, blending=blending, **SETTINGS))
        torch.manual_seed(1)
        results.append(model(collated(items), training=True))
    expected, found = results
    assert torch.equal(expected['inputs'], found['inputs'])
    for theirs, ours in zip(expected['data_samples'], found['data_samples']):
        assert torch.equal(theirs.gt_label, ours.gt_label)
        assert theirs.metainfo == ours.metainfo
    # the samples of the batch are nobody's to write into
    assert [item['data_samples'].gt_label.tolist() for item in items] == [[0], [1], [1], [0]]
