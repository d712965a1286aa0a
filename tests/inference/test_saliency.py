"""What drove the score."""

import numpy as np
import pytest
import torch

from mmfake.inference.evidence import Saliency
from mmfake.inference.trained_model import TrainedModel


@pytest.fixture(scope='module')
def clip():
    torch.manual_seed(1)
    return torch.randint(0, 256, (3, 16, 64, 64), dtype=torch.uint8)


def test_gradcam_leaves_the_model_as_it_is(inferencer, clip):
    before = inferencer.model.score(clip[None]).logits
    saliency = Saliency(inferencer.model)
    assert 'Grad-CAM' in saliency.method
    painted = [saliency.paint(clip, label) for label in (0, 1)]
    assert all(p is None or (p.shape, p.dtype) == ((16, 64, 64, 3), np.uint8) for p in painted)
    assert any(p is not None for p in painted)
    assert torch.equal(inferencer.model.score(clip[None]).logits, before)
    assert all(p.grad is None for p in inferencer.model.model.parameters())
    assert inferencer.model.model.cls_head.average_clips == 'prob'


@pytest.mark.parametrize('label', [0, 1])
def test_behind_a_cut_gradient_it_is_gradcam_of_the_last_layer(config, checkpoint, clip, label):
    trained = TrainedModel(config('bin_con'), str(checkpoint('bin_con')))
    saliency = Saliency(trained)
    assert 'last feature map' in saliency.method
    found = saliency._last_map(clip, label)

    # Grad-CAM as in its paper: gradients at the feature map, averaged, weigh the map
    model = trained.model
    data = model.data_preprocessor(dict(inputs=[clip[None]], data_samples=None), False)
    features = model.backbone(data['inputs'][0]).detach().requires_grad_(True)
    logits = model.cls_head.layers(features.mean(dim=(2, 3, 4)))
    logits[0, label].backward()
    weights = features.grad.mean(dim=(2, 3, 4), keepdim=True)
    salient = torch.relu((weights * features).sum(dim=1, keepdim=True))
    salient = torch.nn.functional.interpolate(salient, (16, 64, 64), mode='trilinear')[0, 0]
    salient = (salient - salient.min()) / (salient.max() - salient.min()).clamp(min=1e-20)
    assert torch.allclose(found, salient, atol=1e-4)
    assert found.max() > 0
