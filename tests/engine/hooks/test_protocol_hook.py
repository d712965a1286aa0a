from types import SimpleNamespace

import pytest

from mmfake import MMFakeError, ProtocolHook

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
