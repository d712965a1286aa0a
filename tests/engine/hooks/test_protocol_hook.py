from types import SimpleNamespace

import pytest
from mmengine.logging import MMLogger
from torch import nn

from mmfake import MMFakeError, ProtocolHook
from mmfake.engine.hooks.checkpoint_facts import told_of_crops
from mmfake.engine.run_log import BriefLog, repeat_warnings

HELD_OUT_DF = dict(holdout='df', multi_classes=('original', 'f2f', 'fs', 'nt'))
HELD_OUT_FS = dict(holdout='fs', multi_classes=('original', 'df', 'f2f', 'nt'))


def runner(metainfo, resume=False, model=None):
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=metainfo))
    loaders = dict(train_dataloader=loader, test_dataloader=loader)
    return SimpleNamespace(_resume=resume, model=model or nn.Module(), val_loop=None, **loaders)


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


def test_a_run_is_not_resumed_on_other_videos():
    videos = [f'ffpp/original/c23/{number:03d}' for number in range(6)]
    trained = checkpoint(dict(HELD_OUT_DF, expected_videos=dict.fromkeys(videos[:4])))
    same = runner(dict(HELD_OUT_DF, expected_videos=dict.fromkeys(videos[3::-1])), resume=True)
    ProtocolHook().after_load_checkpoint(same, trained)
    others = dict(HELD_OUT_DF, expected_videos=dict.fromkeys(videos[1:]))
    told = 'trained on other videos .*: 1 gone .*/000.*, 2 new .*/004, .*/005'
    with pytest.raises(MMFakeError, match=told):
        ProtocolHook().after_load_checkpoint(runner(others, resume=True), trained)
    # weights that a training or a test starts from may be of any videos
    ProtocolHook().after_load_checkpoint(runner(others), trained)


@pytest.mark.parametrize(
    ('then', 'told'),
    [
        (None, None),  # of an earlier version
        ("a stranger's", None),
        (dict(a=10, b=20), None),
        (
            dict(a=10, b=2000),
            '1 of 2 clips were exchanged since the checkpoint (b has 20 by',
        ),
        (dict(a=10, gone=20), None),  # videos that are gone are told otherwise
    ],
)
def test_a_run_that_goes_on_with_other_files_is_told(caplog, then, told):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    now = dict(HELD_OUT_DF, clip_sizes=dict(a=10, b=20))
    trained = checkpoint(dict(HELD_OUT_DF, clip_sizes=then))
    ProtocolHook().after_load_checkpoint(runner(now, resume=True), trained)
    logger.removeHandler(caplog.handler)
    assert [told in record.getMessage() for record in caplog.records] == [True] * bool(told)


def test_a_run_is_not_resumed_with_other_validation_videos():
    videos = [f'ffpp/original/c23/{number:03d}' for number in range(4)]
    resumed, saved = runner(HELD_OUT_DF, resume=True), checkpoint(HELD_OUT_DF)
    metainfo = dict(HELD_OUT_DF, expected_videos=dict.fromkeys(videos))
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=metainfo))
    resumed.val_loop, resumed.val_dataloader = SimpleNamespace(dataloader=loader), loader
    ProtocolHook().before_save_checkpoint(resumed, saved)
    ProtocolHook().after_load_checkpoint(resumed, saved)
    saved['meta'][ProtocolHook.VALIDATION_KEY].append('ffpp/original/c23/009')
    with pytest.raises(MMFakeError, match='validated on other videos .*: 1 gone .*/009'):
        ProtocolHook().after_load_checkpoint(resumed, saved)


@pytest.fixture
def warnings(tmp_path):
    """What a test logs, with the warnings that come last again."""
    path = tmp_path / 'log'
    logger = MMLogger.get_instance(str(tmp_path), log_file=str(path))
    logger.addFilter(BriefLog(''))

    def told(trained, tested, model=None):
        hook, test = ProtocolHook(), runner(tested, model=model)
        hook.after_load_checkpoint(test, trained)
        hook.before_test(test)
        hook.after_test(test)
        repeat_warnings(logger, 'To bear in mind')
        lines = path.read_text().splitlines()
        assert all(' - WARNING - ' in line for line in lines)
        return [line.split(' - ')[-1] for line in lines]

    yield told
    del MMLogger._instance_dict[str(tmp_path)]


@pytest.mark.parametrize(
    ('tested', 'told'),
    [
        ('df fs', 'trained on fs, and has never seen df.'),
        ('fs nt', 'trained on fs, nt, and none of them is new to it.'),
        ('df', ''),
        ('cdf', ''),
    ],
)
def test_the_methods_of_a_test_that_were_trained_on_are_told(warnings, tested, told):
    methods = ['original', *tested.split()]
    videos = dict.fromkeys(f'ffpp/{method}/c23/000' for method in methods)
    lines = warnings(checkpoint(HELD_OUT_DF), dict(holdout=None, expected_videos=videos))
    assert all(told and line.endswith(f'tested the detector was {told}') for line in lines)
    assert bool(lines) == bool(told)


def test_test_videos_of_the_training_are_told_before_the_test_and_after_it(warnings):
    videos = [f'ffpp/original/c23/{number:03d}' for number in range(6)]
    trained = dict(HELD_OUT_DF, expected_videos=dict.fromkeys(videos[:4]))
    at_c40 = [video.replace('c23', 'c40') for video in videos[2:]]
    tested = dict(HELD_OUT_DF, expected_videos=dict.fromkeys(at_c40))
    _, told, _, again = warnings(checkpoint(trained), tested)
    assert told.startswith('2 of the 4 test videos were training videos of this checkpoint ')
    assert 'ffpp/original/002' in told
    assert again == f'To bear in mind: {told}'


@pytest.mark.parametrize(
    ('dataset', 'stems', 'seen'),
    [
        ('deeperforensics', ('001', '002', '700'), '2 of the 3'),
        ('df40', ('001', 'id0_0001', '00001'), '1 of the 3'),  # others are of Celeb-DF
        ('celebdf2', ('001', '002'), ''),
    ],
)
def test_originals_of_ffpp_in_other_datasets_are_told(warnings, dataset, stems, seen):
    trained = dict(HELD_OUT_DF, expected_videos=['ffpp/original/c23/001', 'ffpp/original/c23/002'])
    ids = [f'{dataset}/original/released/{stem}' for stem in stems]
    told = warnings(checkpoint(trained), dict(HELD_OUT_DF, expected_videos=ids))
    leaks = [
        line.split(' test videos were training')[0] for line in told if 'were training' in line
    ]
    assert leaks[:1] == ([seen] if seen else [])


def test_test_videos_of_the_validation_are_told(warnings):
    """Those that the checkpoint was saved with."""
    ids = [f'ffpp/original/c23/{number:03d}' for number in range(6)]
    validated = SimpleNamespace(metainfo=dict(expected_videos=dict.fromkeys(ids[:4])))
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=validated))
    saved = checkpoint(HELD_OUT_DF)
    ProtocolHook().before_save_checkpoint(SimpleNamespace(val_loop=loop), saved)
    tested = dict(HELD_OUT_DF, expected_videos=dict.fromkeys(ids[3:]))
    told, _ = warnings(saved, tested)
    assert told.startswith('1 of the 3 test videos were validation videos of this checkpoint ')
    assert 'epoch and threshold were chosen on them' in told
    unknown = checkpoint(HELD_OUT_DF)
    ProtocolHook().before_save_checkpoint(SimpleNamespace(val_loop=None), unknown)
    assert unknown['meta']['validation_videos'] == []


A, B, WIDE = ('centerface', 1.3, 160), ('centerface', 1.3, 400), ('centerface', 1.8, 160)


def test_faces_that_are_cut_out_otherwise_are_told(warnings):
    trained = checkpoint(dict(HELD_OUT_DF, crops=[A]))
    told, _ = warnings(trained, dict(HELD_OUT_DF, crops=[WIDE]))
    assert 'cut out by centerface with margin 1.3, these are cut out by centerface with' in told


@pytest.mark.parametrize(
    ('trained', 'judged'),
    [([A, WIDE], [WIDE]), ([A], [B]), (None, [A]), ([A], []), (5, [A]), (['a'], [A])],
)
def test_faces_that_are_cut_out_alike_or_nobody_knows_how_pass(trained, judged):
    assert told_of_crops(trained, judged) == ''


def videos(stem, *compressions):
    return dict(expected_videos={f'ffpp/df/{c}/{stem}': {} for c in compressions})


@pytest.mark.parametrize(
    ('trained', 'tested', 'said'),
    [
        (videos('1', 'c23'), videos('2', 'c40'), 'compression c23 and is tested on c40'),
        (videos('1', 'c23', 'c40'), videos('2', 'c40'), None),
        (videos('1', 'c23'), videos('2', 'released'), None),
        ({}, videos('2', 'c40'), None),
        (videos('1', 'c23'), {}, None),
    ],
)
def test_another_compression_is_said(trained, tested, said, warnings):
    lines = warnings(checkpoint(trained), tested)
    assert len(lines) == (2 if said else 0)
    assert all(said in line for line in lines)


def weights(*heads, prefix=''):
    return {f'{prefix}{name}.weight': 0 for name in ('backbone.conv', *heads)}


BIN, MULTI = 'binary.cls_head', 'multi.cls_head'


@pytest.mark.parametrize(
    ('trained', 'tested', 'run', 'said'),
    [
        ([BIN], [BIN], 'bin_ce_20260101_123456', None),
        ([BIN, MULTI], [BIN], None, 'of another one: its multi.cls_head is not used.'),
        (
            [BIN, MULTI],
            [BIN],
            'bin_multi_ce_holdout_df_20260101_123456',
            'of bin_multi_ce_holdout_df: its multi.cls_head is not used.',
        ),
        (
            [BIN],
            [BIN, 'binary.contrastive_head'],
            'bin_ce_20260101_123456',
            'of bin_ce: it has no binary.contrastive_head, which is left at random.',
        ),
    ],
)
def test_a_checkpoint_of_another_regime_is_told(trained, tested, run, said, warnings):
    saved = dict(meta=dict(experiment_name=run), state_dict=weights(*trained))
    model = SimpleNamespace(state_dict=lambda: weights(*tested))
    lines = warnings(saved, {}, model)
    expected = [f'The checkpoint is not of this config but {said}'] if said else []
    assert lines == expected + [f'To bear in mind: {line}' for line in expected]


def test_weights_of_a_wrapped_model_are_the_same(warnings):
    model = SimpleNamespace(state_dict=lambda: weights(BIN))
    assert warnings(dict(state_dict=weights(BIN, prefix='module.')), {}, model) == []


def started_from(weights_of, own):
    """What a training on ``own`` saves that starts from weights trained on others."""
    hook, saved = ProtocolHook(), dict(meta=dict(dataset_meta=own))
    hook.after_load_checkpoint(runner(own), checkpoint(weights_of))
    hook.before_train(runner(own))
    hook.before_save_checkpoint(runner(own), saved)
    return saved


def test_weights_to_start_from_have_seen_what_they_have_seen(caplog):
    """Two trainings on: the method is not unseen to weights that began with it."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    saved = started_from(HELD_OUT_DF, HELD_OUT_FS)
    again = ProtocolHook()
    again.after_load_checkpoint(runner(HELD_OUT_DF), saved)
    again.before_train(runner(dict(holdout=None)))
    logger.removeHandler(caplog.handler)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith('The weights of load_from were trained on f2f, fs, nt, original, so fs')
    tested = ProtocolHook()
    tested.after_load_checkpoint(runner(HELD_OUT_FS), saved)
    with pytest.raises(MMFakeError, match='trained on original, df, f2f, nt, fs, so fs is no'):
        tested.before_test(runner(HELD_OUT_FS))


def test_a_run_that_starts_from_its_own_hold_out_is_tested():
    tested = ProtocolHook()
    tested.after_load_checkpoint(runner(HELD_OUT_DF), started_from(HELD_OUT_DF, HELD_OUT_DF))
    tested.before_test(runner(HELD_OUT_DF))
