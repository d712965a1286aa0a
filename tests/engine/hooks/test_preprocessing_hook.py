"""What decides a score and is no tensor; the detector's side is in tests/inference."""

from types import SimpleNamespace

import pytest
import torch
from mmaction.datasets.transforms import DenseSampleFrames, SampleFrames, UniformSample
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.runner import get_state_dict, load_checkpoint
from torch import nn

from mmfake import MMFakeError, PreprocessingHook
from mmfake.engine.hooks.preprocessing_hook import (
    check_preprocessing,
    preprocessing_of,
    remarks_on_steps,
    remarks_on_validation,
)


def runner(model, sampler=None, resume=False, steps=()):
    pipeline = SimpleNamespace(transforms=[sampler or SampleFrames(clip_len=2)])
    joined = SimpleNamespace(datasets=[SimpleNamespace(pipeline=pipeline)])  # a ConcatDataset
    wrapped = SimpleNamespace(dataset=joined)  # a RepeatDataset
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=wrapped))
    dataset = dict(pipeline=[dict(type='DecordDecode'), *steps, dict(type='PackActionInputs')])
    cfg = Config(dict(test_dataloader=dict(dataset=dict(type='RepeatDataset', dataset=dataset))))
    return SimpleNamespace(model=model, val_loop=loop, test_loop=loop, _resume=resume, cfg=cfg)


CROP = (dict(type='Resize', scale=(-1, 64)), dict(type='CenterCrop', crop_size=64))


@pytest.fixture
def build(tiny_model):
    def make(eps=1e-5, **preprocessor):
        cfg = tiny_model()
        cfg['data_preprocessor'].update(preprocessor)
        model = MODELS.build(cfg)
        model.backbone.norm.eps = eps
        return model

    return make


@pytest.fixture
def saved(build):
    checkpoint = dict(meta={})
    PreprocessingHook().before_save_checkpoint(runner(build()), checkpoint)
    return checkpoint


def test_the_facts_of_a_model(build):
    model = build(mean=[1, 2, 3], std=[4.5, 5, 6])
    assert preprocessing_of(model, SampleFrames(clip_len=2, frame_interval=3)) == {
        'data_preprocessor.mean': [1.0, 2.0, 3.0],
        'data_preprocessor.std': [4.5, 5.0, 6.0],
        'data_preprocessor.to_rgb': False,
        'data_preprocessor.format_shape': 'NCTHW',
        'frame_interval': 3,
        'target_fps': None,
        'backbone.norm.eps': 1e-5,
        'binary.cls_head.num_classes': 2,
        'binary.cls_head.label_key': 'gt_label',
    }
    assert preprocessing_of(nn.Linear(1, 1)) == {}
    assert preprocessing_of(nn.Linear(1, 1), SampleFrames(clip_len=1, target_fps=5)) == {}


@pytest.mark.parametrize(
    ('changes', 'sampler', 'told'),
    [
        (dict(eps=1e-3), None, 'backbone.norm.eps 1e-05, this config has 0.001'),
        (dict(to_rgb=True), None, 'data_preprocessor.to_rgb False, this config has True'),
        (dict(format_shape='NCHW'), None, 'format_shape NCTHW, this config has NCHW'),
        ({}, SampleFrames(2, frame_interval=2), 'frame_interval 1, this config has 2'),
        ({}, SampleFrames(2, target_fps=5), 'target_fps None, this config has 5'),
        ({}, UniformSample(2), r'frame_interval 1, this config has none \(UniformSample\)'),
    ],
)
def test_another_one_is_refused_in_test_and_resume(build, saved, changes, sampler, told):
    hook, other = PreprocessingHook(), build(**changes)
    hook.after_load_checkpoint(runner(other, sampler), saved)
    with pytest.raises(MMFakeError, match=f'{told}: take .*refuse=False') as error:
        hook.before_test(runner(other, sampler))
    assert '\n' not in str(error.value)
    with pytest.raises(MMFakeError, match=told):
        hook.after_load_checkpoint(runner(other, sampler, resume=True), saved)
    hook.refuse = False
    hook.before_test(runner(other, sampler))


@pytest.mark.parametrize('entry', ['own', None, 5, {'frame_interval': 1}])
def test_the_own_and_unknown_ones_pass(build, saved, entry):
    checkpoint = saved if entry == 'own' else dict(meta=dict(preprocessing=entry))
    hook = PreprocessingHook()
    hook.after_load_checkpoint(runner(build(), resume=True), checkpoint)
    hook.before_test(runner(build()))


@pytest.mark.parametrize(
    'sampler', [SampleFrames(2, num_clips=4), DenseSampleFrames(2, target_fps=5), SampleFrames(2)]
)
def test_where_the_clips_begin_may_differ(build, saved, sampler):
    """``DenseSampleFrames`` takes ``target_fps`` and ignores it."""
    hook = PreprocessingHook()
    hook.after_load_checkpoint(runner(build(), sampler), saved)
    hook.before_test(runner(build(), sampler))


OLD_CFG = 'val_dataloader = dict(dataset=dict(pipeline=[dict(type={}, clip_len=2, {})]))'


@pytest.mark.parametrize(
    ('cfg', 'stored', 'sampler', 'refused'),
    [
        (OLD_CFG.format("'SampleFrames'", ''), 1, SampleFrames(2), ''),
        (OLD_CFG.format("'SampleFrames'", ''), 1, SampleFrames(2, target_fps=5), 'target_fps None'),
        (OLD_CFG.format("'SampleFrames'", 'target_fps=5'), 1, SampleFrames(2, target_fps=5), ''),
        (OLD_CFG.format("'SampleFrames'", 'target_fps=5'), 1, SampleFrames(2), 'target_fps 5'),
        (OLD_CFG.format("'UniformSample'", ''), None, UniformSample(2), ''),
        (OLD_CFG.format("'UniformSample'", ''), None, SampleFrames(2), 'none .UniformSample.'),
        # in which it cannot be read
        ('val_dataloader = None', 1, SampleFrames(2, target_fps=5), ''),
        ('val_dataloader = open("x")', 1, SampleFrames(2, target_fps=5), ''),
        ('no Python', 1, SampleFrames(2, target_fps=5), ''),
        (None, 1, SampleFrames(2, target_fps=5), ''),
    ],
)
def test_an_older_checkpoint_has_the_sampler_of_its_config(build, cfg, stored, sampler, refused):
    """They say ``frame_interval`` alone, and nothing of ``UniformSample``."""
    facts = preprocessing_of(build())
    if stored is not None:
        facts['frame_interval'] = stored
    hook = PreprocessingHook()
    checkpoint = dict(meta=dict(preprocessing=facts, cfg=cfg))
    hook.after_load_checkpoint(runner(build(), sampler), checkpoint)
    if not refused:
        hook.before_test(runner(build(), sampler))
        return
    with pytest.raises(MMFakeError, match=f'trained with (frame_interval )?{refused}'):
        hook.before_test(runner(build(), sampler))


@pytest.mark.parametrize(
    ('steps', 'told'),
    [
        (CROP, []),
        ([dict(type='mmaction.Resize', scale=[-1, 64]), CROP[1]], []),
        (
            [dict(type='Resize', scale=(-1, 128)), CROP[1]],  # a zoom: clips of the same shape
            ['it has Resize(scale=[-1, 128]) for Resize(scale=[-1, 64])'],
        ),
        (
            [*CROP, dict(type='Flip', flip_ratio=0.5)],
            ['it has Flip(flip_ratio=0.5) for nothing', 'draws at random (Flip(flip_ratio=0.5))'],
        ),
        ([*CROP, dict(type='Flip', flip_ratio=0)], ['it has Flip(flip_ratio=0) for nothing']),
    ],
)
def test_other_steps_of_the_test_pipeline_are_told(build, steps, told):
    checkpoint = dict(meta={})
    PreprocessingHook().before_save_checkpoint(runner(build(), steps=CROP), checkpoint)
    remarks = remarks_on_steps(checkpoint['meta']['test_steps'], runner(None, steps=steps).cfg)
    assert len(remarks) == len(told)
    assert all(part in remark for part, remark in zip(told, remarks))


@pytest.mark.parametrize('trained', [None, 5, []])
def test_steps_that_are_not_known_pass(trained):
    assert remarks_on_steps(trained, runner(None, steps=CROP).cfg) == []
    assert remarks_on_steps(trained, Config(dict(test_dataloader=None))) == []


def test_clips_that_are_drawn_at_random_are_told():
    def remarks(**step):
        return remarks_on_steps(None, runner(None, steps=[dict(step, clip_len=8)]).cfg)

    for name in ('SampleFrames', 'DenseSampleFrames', 'UniformSample'):
        (told,) = remarks(type=name)
        assert f'draws at random ({name} without test_mode=True): another run gives other' in told
        assert remarks(type=name, test_mode=True) == []
    jittery = dict(type='SampleFrames', test_mode=True, temporal_jitter=True)
    (told,) = remarks(**jittery, frame_interval=2)
    assert 'draws at random (SampleFrames with temporal_jitter=True): another run' in told
    assert remarks(**jittery) == []  # it draws from the frames of a step, which is one


PERTURB = dict(type='mmfake.Perturb', kind='noise', level=1)
DRAWS = 'draws at random (Perturb('


@pytest.mark.parametrize(
    ('val', 'test', 'told'),
    [
        (CROP, CROP, []),
        ((PERTURB, *CROP), CROP, ['has Perturb(kind=noise, level=1) where', DRAWS]),
        (CROP, (PERTURB, *CROP), ['has nothing where that of the test has Perturb(kind=noise']),
        (
            (dict(PERTURB, seed=0), *CROP),
            CROP,
            ['epoch and threshold are chosen on other pict'],
        ),
        ((PERTURB,), (PERTURB,), [DRAWS]),
        ((dict(PERTURB, seed=0),), (dict(PERTURB, seed=0),), []),
        ((), CROP, []),  # whose pipeline is not known
    ],
)
def test_a_validation_of_other_pictures_than_the_test_s_is_told(val, test, told):
    def loader(steps):
        return dict(dataset=dict(pipeline=[dict(type='DecordDecode'), *steps]))

    remarks = remarks_on_validation(
        Config(dict(val_dataloader=loader(val), test_dataloader=loader(test)))
    )
    assert len(remarks) == len(told)
    assert all(part in remark for part, remark in zip(told, remarks))


def test_what_only_one_of_them_has_is_not_compared(build):
    """Other regimes have other heads, and give the same scores."""
    facts = preprocessing_of(build())
    check_preprocessing(dict(facts, **{'multi.cls_head.num_classes': 4}), facts)


def test_a_stranger_s_tensor_is_no_crash(build):
    facts = preprocessing_of(build())
    with pytest.raises(MMFakeError, match='norm.eps tensor'):
        check_preprocessing(dict(facts, **{'backbone.norm.eps': torch.zeros(2)}), facts)


def test_every_checkpoint_has_them_published_ones_too(train, tmp_path):
    train(1, [dict(type='mmfake.PreprocessingHook')], published_keys=['meta', 'state_dict'])
    paths = sorted((tmp_path / 'work').glob('epoch_1*.pth'))
    assert len(paths) == 2
    for path in paths:
        facts = torch.load(path, weights_only=False)['meta']['preprocessing']
        assert facts['backbone.norm.eps'] == 1e-5


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        ({}, None),
        (dict(num_clips=4, type='DenseSampleFrames'), None),
        (dict(frame_interval=4), '4'),
        (dict(target_fps=5), '1 at target_fps 5'),
        (dict(type='UniformSample'), 'none (UniformSample)'),
    ],
)
@pytest.mark.parametrize(
    ('split', 'begins', 'ends'),
    [('train', 'training', 'than it learns from.'), ('test', 'the test', 'will refuse its check')],
)
def test_another_step_between_the_frames_than_in_validation_is_told(
    split, begins, ends, change, told
):
    sampled = dict(type='SampleFrames', clip_len=8, test_mode=True)
    cfg = Config(dict(val_dataloader=dict(dataset=dict(pipeline=[sampled]))))
    cfg[f'{split}_dataloader'] = dict(dataset=dict(pipeline=[dict(sampled, **change)]))
    remarks = remarks_on_validation(cfg)
    assert len(remarks) == (told is not None)
    for remark in remarks:
        assert remark.startswith(
            f'The frame_interval of {begins} is {told}, that of validation 1: '
        )
        assert ends in remark


def test_what_three_processes_average_is_the_same(build):
    model = build(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
    facts = preprocessing_of(model)
    for _ in range(50):  # epochs, after each of which mmengine's SyncBuffersHook averages buffers
        for buffer in model.data_preprocessor.buffers():
            buffer.copy_((buffer + buffer + buffer) / 3)
    averaged = preprocessing_of(model)
    assert averaged != facts
    check_preprocessing(averaged, facts)
    with pytest.raises(MMFakeError, match='data_preprocessor.mean'):
        check_preprocessing(dict(averaged, **{'data_preprocessor.mean': [123.6, 116, 103]}), facts)


# without a run, as mmaction2's init_recognizer and inference_recognizer


@pytest.fixture
def stored(build, tmp_path):
    """A checkpoint of clips of 2 x 8 x 8."""
    model, path = build(), tmp_path / 'best.pth'
    meta = dict(preprocessing=preprocessing_of(model), clip_shape=[3, 2, 8, 8])
    torch.save(dict(meta=meta, state_dict=get_state_dict(model)), path)
    return str(path)


def scores_of(model, side=8):
    clips = torch.arange(2.0 * 3 * 2 * side * side).reshape(2, 1, 3, 2, side, side) % 7
    samples = [ActionDataSample() for _ in range(2)]
    with torch.no_grad():
        return [sample.pred_score.tolist() for sample in model.eval()(clips, samples, 'predict')]


def test_a_model_that_is_loaded_without_a_run_compares_what_it_was_trained_with(build, stored):
    same, others = build(), (build(eps=1e-3), build(to_rgb=True))
    load_checkpoint(same, stored, 'cpu')
    scores = scores_of(same)
    assert scores_of(same, side=12)  # compared once
    for model in others:
        load_checkpoint(model, stored, 'cpu')
        with pytest.raises(MMFakeError, match='the checkpoint was trained with .* this config has'):
            scores_of(model)
    load_checkpoint(same, stored, 'cpu')
    with pytest.raises(MMFakeError, match='validated with clips of 2 x 8 x 8 .* makes them 2 x 12'):
        scores_of(same, side=12)
    assert scores_of(same) == scores


@pytest.mark.parametrize('when', ['before_train', 'before_val', 'before_test'])
def test_in_a_run_the_hooks_compare(build, stored, when):
    model = build(eps=1e-3)
    load_checkpoint(model, stored, 'cpu')
    getattr(PreprocessingHook(), when)(runner(model))
    assert scores_of(model, side=12)
