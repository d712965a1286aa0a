import pytest
import torch

from mmfake.errors import MMFakeError
from mmfake.models.recognizers.pooling import GlobalPool, last_map

CLIP, PICTURE = torch.randn(2, 6, 3, 4, 5), torch.randn(2, 6, 4, 5)
TOKENS, POOLED = torch.randn(2, 7, 6), torch.randn(2, 6)


def mean(tensor, *dims):
    for dim in sorted(dims, reverse=True):
        tensor = sum(tensor.unbind(dim)) / tensor.shape[dim]
    return tensor


@pytest.mark.parametrize('tokens', [None, 'cls', 'mean'])
def test_maps_are_averaged_and_pooled_features_stay(tokens):
    pool = GlobalPool(tokens)
    torch.testing.assert_close(pool(CLIP), mean(CLIP, 2, 3, 4))
    torch.testing.assert_close(pool(PICTURE), mean(PICTURE, 2, 3))
    assert pool(POOLED) is POOLED


@pytest.mark.parametrize('tokens', [None, 'cls', 'mean'])
def test_tokens(tokens):
    expected = TOKENS[:, 0] if tokens == 'cls' else mean(TOKENS, 1)
    torch.testing.assert_close(GlobalPool(tokens)(TOKENS), expected)


@pytest.mark.parametrize('tokens', [None, 'cls', 'mean'])
@pytest.mark.parametrize('nested', [tuple, list])
def test_a_class_token_beside_its_map(tokens, nested):
    """As MViT gives it: one pair for each stage."""
    expected = mean(CLIP, 2, 3, 4) if tokens == 'mean' else POOLED
    pair = nested([CLIP, POOLED])
    torch.testing.assert_close(GlobalPool(tokens)(pair), expected)
    torch.testing.assert_close(GlobalPool(tokens)((pair,)), expected)
    both = GlobalPool(tokens)((pair, pair))
    torch.testing.assert_close(both, torch.cat([expected, expected], dim=1))


def test_several_pathways_are_concatenated():
    """As SlowFast gives them."""
    slow, fast = CLIP, torch.randn(2, 3, 9, 4, 5)
    expected = torch.cat([mean(slow, 2, 3, 4), mean(fast, 2, 3, 4)], dim=1)
    torch.testing.assert_close(GlobalPool()((slow, fast)), expected)


def test_what_cannot_be_pooled_is_told():
    with pytest.raises(MMFakeError, match=r'gives a tensor of shape \(2,\)'):
        GlobalPool()(torch.zeros(2))
    with pytest.raises(MMFakeError, match="tokens='max' is unknown"):
        GlobalPool('max')


def test_the_last_map_of_what_a_backbone_gives():
    assert last_map(CLIP) is CLIP
    assert last_map((PICTURE, CLIP)) is CLIP
    assert last_map(([CLIP, POOLED],)) is CLIP
    assert last_map(TOKENS) is None
    assert last_map((POOLED, TOKENS)) is None
