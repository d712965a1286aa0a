import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.optim.scheduler import CosineAnnealingLR, OneCycleLR, ReduceOnPlateauLR

from mmfake import MMFakeError
from mmfake.engine.resumed_state import check_resumed_state


def built(kind=torch.optim.Adam, groups=2, **settings):
    """Optimizer over two tensors, in groups of their own or in one, and its schedule; one step."""
    params = [torch.nn.Parameter(torch.ones(2, 3)), torch.nn.Parameter(torch.ones(4))]
    parts = [dict(params=[param]) for param in params] if groups == 2 else params
    wrapper = OptimWrapper(kind(parts, lr=0.1, **settings))
    if groups == 1:
        wrapper.base_param_settings = None  # as mmengine has it without paramwise_cfg
    scheduler = CosineAnnealingLR(wrapper, T_max=5)
    for param in params:
        param.grad = torch.ones_like(param)
    wrapper.step()
    scheduler.step()
    return SimpleNamespace(
        optim_wrapper=wrapper, param_schedulers=[scheduler], _load_from='x.pth', params=params
    )


def checkpoint_of(runner):
    return copy.deepcopy(
        dict(
            optimizer=runner.optim_wrapper.state_dict(),
            param_schedulers=[one.state_dict() for one in runner.param_schedulers],
        )
    )


NAMES = ['Adadelta', 'Adagrad', 'Adam', 'AdamW', 'Adamax', 'ASGD', 'NAdam', 'RAdam']
NAMES += ['RMSprop', 'Rprop', 'SGD']
KINDS = [(getattr(torch.optim, name), {}) for name in NAMES]
KINDS += [(torch.optim.AdamW, dict(amsgrad=True)), (torch.optim.SGD, dict(momentum=0.9))]


@pytest.mark.parametrize('groups', [1, 2])
@pytest.mark.parametrize(('kind', 'settings'), KINDS)
def test_its_own_state_fits_and_nothing_is_changed(kind, settings, groups):
    """Neither the run nor the checkpoint, down to the counts of the steps."""
    runner = built(kind, groups, **settings)
    checkpoint = checkpoint_of(runner)
    before = copy.deepcopy((checkpoint, runner.params, checkpoint_of(runner)))
    check_resumed_state(runner, checkpoint)
    after = (checkpoint, runner.params, checkpoint_of(runner))
    assert repr(before) == repr(after)
    for number, state in checkpoint['optimizer']['state'].items():
        for name, value in state.items():
            if value is not None:
                expected = before[0]['optimizer']['state'][number][name]
                assert torch.equal(torch.as_tensor(value), torch.as_tensor(expected))


def replaced(checkpoint, way, value):
    inner = checkpoint
    for key in way[:-1]:
        inner = inner[key]
    if value is None:
        del inner[way[-1]]
    else:
        inner[way[-1]] = value
    return checkpoint


@pytest.mark.parametrize(
    ('way', 'value'),
    [
        (('optimizer', 'state', 0, 'exp_avg'), torch.zeros(3, 2)),
        (('optimizer', 'state', 1, 'exp_avg'), None),
        (('optimizer', 'state', 1, 'step'), 'x'),
        (('optimizer', 'param_groups', 0, 'lr'), 'x'),
        (('optimizer', 'param_groups', 0, 'weight_decay'), True),
        (('optimizer', 'param_groups', 1, 'betas'), None),
        (('optimizer', 'param_groups', 1, 'params'), []),
        (('optimizer', 'param_groups'), []),
        (('param_schedulers', 0, 'last_step'), 'x'),
        (('param_schedulers', 0, 'by_epoch'), torch.zeros(2)),
        (('param_schedulers', 0, 'base_values'), 5),
    ],
)
def test_what_does_not_fit_is_named(way, value):
    runner = built()
    with pytest.raises(MMFakeError) as error:
        check_resumed_state(runner, replaced(checkpoint_of(runner), way, value))
    told = str(error.value)
    assert told.startswith(
        f'x.pth: cannot be resumed from, no step can be made with its entry {way[0]}'
    )
    assert '\n' not in told


@pytest.mark.parametrize('groups', [1, 2])
@pytest.mark.parametrize(('kind', 'settings'), KINDS)
def test_the_trial_takes_place_with_every_optimizer(kind, settings, groups):
    """It is not left alone for a reason that has nothing to do with the state."""
    runner = built(kind, groups, **settings)
    checkpoint = replaced(checkpoint_of(runner), ('optimizer', 'param_groups', 0, 'lr'), 'x')
    with pytest.raises(MMFakeError, match='entry optimizer'):
        check_resumed_state(runner, checkpoint)


@pytest.mark.parametrize('groups', [1, 2])
def test_another_optimizer(groups):
    with pytest.raises(MMFakeError, match='entry optimizer'):
        check_resumed_state(built(groups=groups), checkpoint_of(built(torch.optim.SGD, groups)))


def step_on(scheduler):
    for _ in range(5):
        scheduler.step()


def test_a_schedule_that_has_ended():
    """Its run has ended too, and is resumed without another step."""
    runner = built()
    runner.param_schedulers = [OneCycleLR(runner.optim_wrapper, eta_max=1.0, total_steps=3)]
    with pytest.raises(ValueError, match='Tried to step'):
        step_on(runner.param_schedulers[0])
    check_resumed_state(runner, checkpoint_of(runner))


def test_several_optimizers():
    runner, other = built(), built()
    both = OptimWrapperDict(a=runner.optim_wrapper, b=other.optim_wrapper)
    runner = SimpleNamespace(optim_wrapper=both, param_schedulers=None, _load_from='x.pth')
    checkpoint = dict(optimizer=both.state_dict())
    check_resumed_state(runner, checkpoint)
    checkpoint['optimizer']['b']['param_groups'][0]['lr'] = 'x'
    with pytest.raises(MMFakeError, match=r'entry optimizer\.b '):
        check_resumed_state(runner, checkpoint)


def test_a_schedule_that_waits_for_a_metric_is_left_alone():
    runner = built()
    runner.param_schedulers = [ReduceOnPlateauLR(runner.optim_wrapper, monitor='loss')]
    check_resumed_state(runner, checkpoint_of(runner))
