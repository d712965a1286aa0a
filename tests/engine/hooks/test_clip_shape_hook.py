"""Real batches of a real run are in tests/tools/test_train_and_test.py."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger

from mmfake import ClipShapeHook, MMFakeError


def batch(*shape):
    return dict(inputs=[torch.zeros(2, *shape)])  # two clips, or frames


def saved(hook):
    checkpoint = dict(meta={})
    hook.before_save_checkpoint(None, checkpoint)
    return checkpoint


def loaded(meta, resume=False):
    """A hook that has loaded a checkpoint."""
    hook = ClipShapeHook()
    hook.after_load_checkpoint(SimpleNamespace(_resume=resume), dict(meta=meta))
    return hook


CLIP, FRAME = (3, 8, 64, 48), (3, 64, 48)
SINGLE = (3, 1, 64, 48)  # a clip of one frame


@pytest.mark.parametrize('shape', [CLIP, FRAME])
def test_the_same_shape_passes_and_is_saved_again(shape):
    hook = ClipShapeHook()
    hook.before_val_iter(None, 0, batch(*shape))
    assert saved(hook)['meta'] == {'clip_shape': list(shape)}
    other = loaded(saved(hook)['meta'], resume=True)
    other.before_test_iter(None, 0, batch(*shape))
    other.before_train(SimpleNamespace(_resume=True))
    assert saved(other)['meta'] == {'clip_shape': list(shape)}  # resumed, not yet validated


@pytest.mark.parametrize(
    ('expected', 'found', 'told'),
    [
        (CLIP, (3, 16, 64, 48), 'clips of 8 x 64 x 48 .*makes them 16 x 64 x 48: '),
        (CLIP, (3, 8, 48, 64), 'clips of 8 x 64 x 48 .*makes them 8 x 48 x 64: '),
        (CLIP[1:], (3, 8, 64, 64), 'clips of 8 x 64 x 48 .*makes them 8 x 64 x 64: '),
        (FRAME, (3, 64, 64), 'frames of 64 x 48 px, .*makes them 64 x 64: '),
        (FRAME, CLIP, 'frames of 64 x 48 px.*makes them clips of 8 x 64 x 48 '),
        (CLIP, FRAME, 'clips of 8 x 64 x 48 .*makes them frames of 64 x 48 px'),
        (
            SINGLE,
            (3, 1, 64, 64),
            'clips of 1 frame x 64 x 48 px, .*makes them 1 frame x 64 x 64 px:',
        ),
        (SINGLE, CLIP, 'clips of 1 frame x 64 x 48 px, .*makes them 8 x 64 x 48: '),
    ],
)
def test_others_are_refused_unless_told(expected, found, told):
    hook = loaded({'clip_shape': list(expected)})
    with pytest.raises(MMFakeError, match=told) as error:
        hook.before_test_iter(None, 0, batch(*found))
    assert '\n' not in str(error.value)
    hook.refuse = False
    hook.before_test_iter(None, 0, batch(*found))


@pytest.mark.parametrize('meta', [{}, {'clip_shape': None}, {'clip_shape': 7}])
def test_a_checkpoint_that_says_nothing_passes(meta):
    loaded(meta).before_test_iter(None, 0, batch(*CLIP))


def test_an_older_file_says_it_without_the_channels():
    loaded({'clip_shape': list(CLIP[1:])}).before_test_iter(None, 0, batch(*CLIP))


def test_without_validation_nothing_is_saved():
    assert saved(ClipShapeHook()) == dict(meta={})


@pytest.mark.parametrize('how', ['resume', 'load_from'])
def test_a_training_from_the_weights_of_another_has_no_shape_yet(train, tmp_path, how):
    """Its clips may be of another size; a run that goes on has the shape of before."""
    hooks = [dict(type='mmfake.ClipShapeHook')]
    train(1, hooks)
    path = tmp_path / 'work' / 'epoch_1.pth'
    content = torch.load(path, weights_only=False)
    torch.save(dict(content, meta=dict(content['meta'], clip_shape=[3, 8, 64, 64])), path)
    train(2, hooks, work_dir='new', load_from=str(path), resume=how == 'resume')
    content = torch.load(tmp_path / 'new' / 'epoch_2.pth', weights_only=False)
    assert content['meta'].get('clip_shape') == ([3, 8, 64, 64] if how == 'resume' else None)


def test_pictures_that_are_enlarged_are_warned_of_once(make_samples, caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    hook, samples = ClipShapeHook(), make_samples([0, 1, 1])
    hook.before_train_iter(None, 0, dict(batch(*SINGLE), data_samples=samples))
    assert not caplog.records
    samples[1].set_metainfo(dict(enlarged=((160, 150), (381, 380))))
    enlarged = dict(batch(*SINGLE), data_samples=samples)
    hook.before_train_iter(None, 1, enlarged)
    hook.before_val_iter(None, 0, enlarged)
    hook.before_test_iter(None, 0, enlarged)
    logger.removeHandler(caplog.handler)
    (record,) = caplog.records
    assert record.levelname == 'WARNING'
    assert 'enlarges pictures of 160 x 150 px to 381 x 380: ' in record.getMessage()
    assert '--size 382 or more' in record.getMessage()


def test_a_clip_that_is_not_the_one_of_its_index_is_warned_of_once(make_samples, caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    hook, samples = ClipShapeHook(), make_samples([0, 1, 1])
    samples[2].set_metainfo(dict(other_length=(20, 40), video_id='ffpp/f2f/c23/000_001'))
    for place in range(2):
        hook.before_train_iter(None, place, dict(batch(*SINGLE), data_samples=samples))
    logger.removeHandler(caplog.handler)
    (record,) = caplog.records
    assert record.getMessage().startswith('ffpp/f2f/c23/000_001 has 20 frames, and its index says')


@pytest.mark.parametrize(('trained', 'told'), [(CLIP, False), ((3, 16, 64, 48), True)])
def test_a_training_on_other_clips_than_are_validated_is_told_once_an_epoch(trained, told, caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    hook = ClipShapeHook()
    hook.before_train_iter(None, 0, batch(*trained))
    for place in range(2):
        hook.before_val_iter(None, place, batch(*CLIP))
    logger.removeHandler(caplog.handler)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == told
    assert all('trained on clips of 16 x 64 x 48 (frames x px) and validated' in x for x in said)
