"""What drove the score."""

import copy
import warnings

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmaction.utils import GradCAM

from mmfake.inference.clip_pipeline import Clip
from mmfake.inference.evidence import Saliency
from mmfake.inference.trained_model import TrainedModel


@pytest.fixture(scope='module')
def clip():
    torch.manual_seed(1)
    inputs = torch.randint(0, 256, (3, 16, 64, 64), dtype=torch.uint8)
    return Clip(0, 0, 0, 15, 0.0, 0.64, inputs, list(inputs.permute(1, 2, 3, 0).numpy()))


def test_it_leaves_the_model_as_it_is(inferencer, clip, monkeypatch):
    before = inferencer.model.score(clip.inputs[None]).logits
    monkeypatch.setattr(copy, 'deepcopy', lambda *args: pytest.fail('twice the memory'))
    saliency = Saliency(inferencer.model)
    assert saliency.method == 'Grad-CAM at layer Mixed_4f'
    painted = [saliency.paint(clip, label) for label in (0, 1)]
    assert all(p is None or (p.shape, p.dtype) == ((16, 64, 64, 3), np.uint8) for p in painted)
    assert any(p is not None for p in painted)
    assert torch.equal(inferencer.model.score(clip.inputs[None]).logits, before)
    model = inferencer.model.model
    assert all(p.grad is None for p in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize('label', [0, 1])
@pytest.mark.parametrize('frozen', [False, True])
def test_with_a_layer_it_is_the_gradcam_of_mmaction2(config, checkpoint, clip, label, frozen):
    trained = TrainedModel(config(), str(checkpoint()))
    watched = copy.deepcopy(trained.model)
    with torch.no_grad():  # the probability that it derives must not be saturated
        for model in (watched, trained.model):
            model.cls_head.layers[-1].weight.div_(40)
    trained.model.requires_grad_(not frozen)
    sample = ActionDataSample().set_gt_label(label)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', FutureWarning)
        painted, _ = GradCAM(watched, 'backbone/Mixed_4f')(
            dict(inputs=[clip.inputs[None]], data_samples=[sample]), use_labels=True
        )
    found = Saliency(trained).paint(clip, label).astype(int)
    expected = (255 * painted[0].detach().numpy()).round().astype(int)
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize('label', [0, 1])
def test_behind_a_cut_gradient_it_is_gradcam_of_the_last_layer(config, checkpoint, clip, label):
    trained = TrainedModel(config('bin_con'), str(checkpoint('bin_con')))
    saliency = Saliency(trained)
    assert 'last feature map' in saliency.method
    found = saliency.find(clip.inputs, label)

    # Grad-CAM as in its paper: gradients at the feature map, averaged, weigh the map
    model = trained.model
    data = model.data_preprocessor(dict(inputs=[clip.inputs[None]], data_samples=None), False)
    features = model.backbone(data['inputs'][0]).detach().requires_grad_(True)
    logits = model.cls_head.layers(features.mean(dim=(2, 3, 4)))
    logits[0, label].backward()
    weights = features.grad.sum(dim=(2, 3, 4), keepdim=True)
    salient = torch.relu((weights * features).sum(dim=1, keepdim=True))
    torch.testing.assert_close(found, salient.detach())
    assert found.max() > 0
