from types import SimpleNamespace

import pytest

from mmfake import MMFakeError, ProtocolHook
from mmfake.engine.hooks import checkpoint_facts

HELD_OUT_DF = dict(holdout='df', multi_classes=('original', 'f2f', 'fs', 'nt'))
HELD_OUT_FS = dict(holdout='fs', multi_classes=('original', 'df', 'f2f', 'nt'))


def runner(metainfo, resume=False):
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=metainfo))
    return SimpleNamespace(_resume=resume, train_dataloader=loader, test_dataloader=loader)


def checkpoint(metainfo, **kwargs):
    meta = dict(meta=dict(dataset_meta=metainfo), state_dict={}, optimizer={}, message_hub={})
    return {key: value for key, value in {**meta, **kwargs}.items() if value is not None}


def test_a_method_seen_in_training_is_not_tested_as_unseen():
    hook = ProtocolHook()
    hook.after_load_checkpoint(runner(HELD_OUT_FS), checkpoint(HELD_OUT_DF))
    with pytest.raises(MMFakeError, match='trained on original, f2f, fs, nt, so fs is no') as error:
        hook.before_test(runner(HELD_OUT_FS))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('trained', [HELD_OUT_DF, None, {}, dict(classes=('a', 'b'))])
@pytest.mark.parametrize('tested', [HELD_OUT_DF, dict(HELD_OUT_DF, holdout=None), {}])
def test_the_own_hold_out_no_hold_out_and_unknown_training_pass(trained, tested):
    hook = ProtocolHook()
    hook.after_load_checkpoint(runner(tested), checkpoint(trained))
    hook.before_test(runner(tested))


def test_resume_under_another_hold_out_is_refused():
    hook = ProtocolHook()
    with pytest.raises(MMFakeError, match='this config trains on original, df, f2f, nt'):
        hook.after_load_checkpoint(runner(HELD_OUT_FS, resume=True), checkpoint(HELD_OUT_DF))
    hook.after_load_checkpoint(runner(HELD_OUT_DF, resume=True), checkpoint(HELD_OUT_DF))


def test_published_weights_cannot_be_resumed():
    published = checkpoint(HELD_OUT_DF, optimizer=None, message_hub=None)
    with pytest.raises(MMFakeError, match='holds weights only.*load_from=CHECKPOINT'):
        ProtocolHook().after_load_checkpoint(runner(HELD_OUT_DF, resume=True), published)
    ProtocolHook().after_load_checkpoint(runner(HELD_OUT_DF), published)


def test_test_videos_of_the_training_are_told_before_the_test_and_after_it(monkeypatch):
    videos = [f'ffpp/original/c23/{number:03d}' for number in range(6)]
    trained = dict(HELD_OUT_DF, expected_videos=dict.fromkeys(videos[:4]))
    at_c40 = [video.replace('c23', 'c40') for video in videos[2:]]
    tested = dict(HELD_OUT_DF, expected_videos=dict.fromkeys(at_c40))
    hook = ProtocolHook()
    hook.after_load_checkpoint(runner(tested), checkpoint(trained))
    told = []
    monkeypatch.setattr(checkpoint_facts, 'print_log', lambda line, **kwargs: told.append(line))
    hook.before_test(runner(tested))
    hook.after_test(runner(tested))
    assert len(told) == 2
    assert told[0].startswith('2 of the 4 test videos were training videos of this checkpoint ')
    assert 'ffpp/original/002' in told[0]
