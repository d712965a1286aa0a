"""A checkpoint that does not fit ends in one line; whatever an optimizer keeps is resumed."""

import pytest
import torch
from mmaction.registry import OPTIMIZERS

from mmfake import MMFakeError

HOOKS = [dict(type='mmfake.ProtocolHook'), dict(type='mmfake.LabelMoCoHook', queue_size=10)]
SAFE = dict(checkpoint=dict(type='mmfake.SafeCheckpointHook', interval=1))


@pytest.fixture
def go(run, tmp_path):
    """Train an epoch, or another one from a checkpoint with this content."""

    def train(content=None, epochs=1, **settings):
        path = tmp_path / 'changed.pth'
        if content is not None:
            torch.save(content, path)
            settings = {'load_from': str(path), 'resume': True, **settings}
        runner = run(HOOKS, epochs, default_hooks=SAFE, **settings)
        runner.train()
        return runner

    return train


@pytest.fixture
def whole(go, tmp_path):
    go()
    return torch.load(tmp_path / 'work' / 'epoch_1.pth', weights_only=False)


def test_the_whole_one_resumes(go, whole):
    assert go(whole, 2).iter == 6


@pytest.mark.parametrize('setting', [dict(lr=0.5), dict(weight_decay=0.1)])
def test_an_optimizer_setting_that_would_have_no_effect_is_refused(go, whole, setting):
    (key, value), before = next(iter(setting.items())), dict(lr=0.01, weight_decay=0)
    told = f'was trained with {key} {before[key]} of the optimizer, this config has {value}'
    optimizer = dict(type='Adam', **{'lr': 0.01, **setting})
    with pytest.raises(MMFakeError, match=told):
        go(whole, 2, optim_wrapper=dict(optimizer=optimizer))


def schedule(gamma):
    return [dict(type='StepLR', step_size=1, gamma=gamma, by_epoch=True, end=9)]


def test_a_schedule_that_has_no_effect_is_told(go, tmp_path, capfd):
    go(param_scheduler=schedule(0.5))
    saved = torch.load(tmp_path / 'work' / 'epoch_1.pth', weights_only=False)
    # the rate of an epoch is no setting, nor is how far the schedule is
    go(saved, 2, param_scheduler=schedule(0.5))
    assert 'has no effect' not in capfd.readouterr().out
    runner = go(saved, 2, param_scheduler=schedule(0.9))
    told = 'goes on with gamma 0.5 of its StepLR; the 0.9 of this config has no effect'
    assert told in capfd.readouterr().out
    assert runner.optim_wrapper.get_lr()['lr'] == [0.01 * 0.5**2]


def replace(content, *way, value):
    for key in way[:-1]:
        content = content[key]
    content[way[-1]] = value


INFO = ('message_hub', 'runtime_info')
MISFITS = {
    'no dict': ((INFO[0],), 5, 'TypeError'),
    'meta': (('meta',), None, 'AttributeError'),
    'no epoch': (('meta',), {}, "KeyError: 'epoch'"),
    'weights': (('state_dict',), 5, 'AttributeError'),
    'optimizer': (('optimizer',), [1], 'TypeError'),
    'parameters': (('optimizer', 'param_groups', 0, 'params'), [0], 'ValueError'),
    'another optimizer': (('optimizer', 'param_groups', 0), dict(lr=0.1), "KeyError: 'params'"),
    'key encoder': (('label_moco', 'key_encoder'), {}, 'RuntimeError'),
    'queue': (('label_moco', 'queues', 'binary', 'keys'), torch.zeros(6, 4), 'ValueError'),
    'no queue': (('label_moco', 'queues'), {}, "KeyError: 'binary'"),
    'a path for a number': ((*INFO, 'outdated_ckpt_ids'), ['/../../x'], 'ValueError'),
}


@pytest.mark.parametrize('name', MISFITS)
def test_an_entry_of_another_kind_ends_in_one_line(go, whole, tmp_path, name):
    way, value, reason = MISFITS[name]
    # of its own folder: there the numbers of old checkpoints count
    path = str(tmp_path / 'work' / 'epoch_1.pth')
    replace(whole, *way, value=value)
    torch.save(whole, path)
    with pytest.raises(MMFakeError) as error:
        go(epochs=2, load_from=path, resume=True)
    told = str(error.value)
    assert told.startswith(f'{path}: damaged or of another config ({reason}')
    assert 'without --resume' in told
    assert '\n' not in told


def test_the_optimizer_of_another_config(go, whole):
    """torch takes its groups over, and would end at the first step."""
    sgd = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9))
    with pytest.raises(MMFakeError, match=r"changed\.pth: damaged.*KeyError: 'momentum'"):
        go(whole, 2, optim_wrapper=sgd)


def test_weights_alone_and_no_checkpoint_at_all(go, whole):
    published = {key: whole[key] for key in ('meta', 'state_dict')}
    with pytest.raises(MMFakeError, match='holds weights only'):
        go(published, 2)
    for resume in (True, False):
        with pytest.raises(MMFakeError, match=r'changed\.pth: damaged or of another') as error:
            go([1, 2], 2, resume=resume)
        assert '\n' not in str(error.value)
    assert go(published, resume=False).iter == 3


@OPTIMIZERS.register_module(force=True)
class CountingSGD(torch.optim.SGD):
    """Keeps a state that is of no parameter."""

    def step(self, closure=None):
        self.state['steps'] = self.state.get('steps', 0) + 1
        return super().step(closure)


def test_a_state_under_a_name_is_resumed(go, tmp_path):
    settings = dict(optim_wrapper=dict(optimizer=dict(type='CountingSGD', lr=0.1)))
    go(**settings)
    whole = torch.load(tmp_path / 'work' / 'epoch_1.pth', weights_only=False)
    assert whole['optimizer']['state']['steps'] == 3
    assert go(whole, 2, **settings).optim_wrapper.optimizer.state['steps'] == 6
