"""Real batches of a real run are in tests/tools/test_train_and_test.py."""

import pytest
import torch

from mmfake import ClipShapeHook, MMFakeError


def batch(*shape):
    return dict(inputs=[torch.zeros(2, 3, *shape)])


def saved(hook):
    checkpoint = dict(meta={})
    hook.before_save_checkpoint(None, checkpoint)
    return checkpoint


@pytest.fixture
def tested():
    """A hook that has loaded a checkpoint of 8 x 64 x 48."""
    hook = ClipShapeHook()
    hook.before_val_iter(None, 0, batch(8, 64, 48))
    checkpoint = saved(hook)
    assert checkpoint['meta'] == {'clip_shape': [8, 64, 48]}
    other = ClipShapeHook()
    other.after_load_checkpoint(None, checkpoint)
    return other


def test_the_same_clips_pass_and_are_saved_again(tested):
    tested.before_test_iter(None, 0, batch(8, 64, 48))
    assert saved(tested)['meta'] == {'clip_shape': [8, 64, 48]}  # resumed, not yet validated


@pytest.mark.parametrize('shape', [(16, 64, 48), (8, 48, 64), (8, 64, 64)])
def test_others_are_refused_unless_told(tested, shape):
    with pytest.raises(MMFakeError, match='clips of 8 x 64 x 48.*makes them') as error:
        tested.before_test_iter(None, 0, batch(*shape))
    assert '\n' not in str(error.value)
    tested.refuse = False
    tested.before_test_iter(None, 0, batch(*shape))


@pytest.mark.parametrize('meta', [{}, {'clip_shape': None}, {'clip_shape': 7}])
def test_a_checkpoint_that_says_nothing_passes(meta):
    hook = ClipShapeHook()
    hook.after_load_checkpoint(None, dict(meta=meta))
    hook.before_test_iter(None, 0, batch(8, 64, 64))


def test_without_validation_nothing_is_saved():
    assert saved(ClipShapeHook()) == dict(meta={})
