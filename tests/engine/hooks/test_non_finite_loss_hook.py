import copy
import re

import pytest
import torch
from mmengine.hooks import Hook

from mmfake import LabelMoCoHook, MMFakeError
from mmfake.engine.hooks.non_finite_loss_hook import NonFiniteLossHook

MOCO = dict(type='mmfake.LabelMoCoHook', queue_size=10)
SAFE = dict(checkpoint=dict(type='mmfake.SafeCheckpointHook', interval=1))


def guard(max_in_a_row=10):
    return dict(type='mmfake.NonFiniteLossHook', max_in_a_row=max_in_a_row)


class Spoil(Hook):
    """Puts a value that is not finite into the clips of some iterations, and keeps snapshots."""

    def __init__(self, *iterations, value=float('nan')):
        self.iterations, self.value, self.states = iterations, value, []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter in self.iterations:
            data_batch['inputs'][0] = torch.full_like(data_batch['inputs'][0], self.value)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        state = dict(runner.model.state_dict())
        for hook in runner.hooks:
            if isinstance(hook, LabelMoCoHook):
                state.update(hook.key_encoder.state_dict())
                for queue in hook.queues.values():
                    state.update({f'{id(queue)}{k}': v for k, v in queue.state_dict().items()})
        self.states.append(copy.deepcopy(state))


def same(a, b):
    return all(torch.equal(torch.as_tensor(a[key]), torch.as_tensor(b[key])) for key in a)


def finite(state):
    return all(torch.as_tensor(value).isfinite().all() for value in state.values())


def hook_of(runner):
    return next(hook for hook in runner.hooks if isinstance(hook, NonFiniteLossHook))


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_a_bad_step_leaves_everything_as_it_was(run, value, capfd):
    """Weights, running statistics, key encoder, queues and pointers; the next step goes on."""
    spoil = Spoil(1, 4, value=value)
    runner = run([MOCO, guard(), spoil], epochs=2)
    runner.train()
    changed = [not same(a, b) for a, b in zip(spoil.states, spoil.states[1:])]
    assert changed == [False, True, True, False, True]  # iterations 1 to 5
    assert finite(spoil.states[-1])
    assert hook_of(runner).count == 2
    output = capfd.readouterr().out
    assert re.search(r'Iteration 2: .*binary\.loss_ce nan.*; step skipped, 1 in a row', output)
    assert '2 of 6 iterations had a loss that is not finite' in output


def test_without_it_the_weights_are_lost(run):
    """The cure is needed: what the test above would see."""
    spoil = Spoil(1)
    run([MOCO, spoil]).train()
    assert not finite(spoil.states[-1])


def test_a_good_run_is_not_changed(run, tmp_path):
    ends = []
    for hooks in ([MOCO, guard()], [MOCO]):
        runner = run(hooks, epochs=2, accumulate=2)
        runner.train()
        ends.append(copy.deepcopy(runner.model.state_dict()))
    assert same(*ends)


@pytest.mark.parametrize('bad', [2, 3])
def test_the_whole_accumulated_step_is_dropped(run, bad):
    """Iterations 2 and 3 make one step of two: either of them spoils it, and no other."""
    spoil = Spoil(bad)
    runner = run([MOCO, guard(), spoil], epochs=2, accumulate=2)
    runner.train()
    weights = [state['backbone.conv.weight'] for state in spoil.states]
    moved = [not torch.equal(a, b) for a, b in zip(weights, weights[1:])]
    assert moved == [True, False, False, False, True]
    ema = next(h for h in runner.hooks if isinstance(h, LabelMoCoHook)).key_encoder
    assert ema.steps.item() - 1 == 2
    assert finite(spoil.states[-1])


def test_the_good_half_of_a_dropped_step_leaves_no_gradient(run, tmp_path):
    """Whichever half was bad: the steps after it are the same."""
    ends = []
    for bad in (2, 3):
        hooks = [guard(), Spoil(bad)]
        runner = run(hooks, 2, streams=(), accumulate=2, work_dir=str(tmp_path / str(bad)))
        runner.train()
        ends.append(dict(runner.model.named_parameters()))
    assert same(*ends)


def test_steps_are_counted_that_one_of_two_batches_spoils(run):
    """Every second batch is bad: no step is made, and the good batches between are no comfort."""
    spoil = Spoil(*range(1, 12, 2))
    runner = run([guard(3), spoil], 4, streams=(), accumulate=2)
    with pytest.raises(MMFakeError, match='in 3 steps in a row, up to iteration 6'):
        runner.train()
    weights = [state['backbone.conv.weight'] for state in spoil.states]
    assert all(torch.equal(weights[0], later) for later in weights)


def test_too_many_in_a_row_end_the_run(run, tmp_path):
    spoil = Spoil(1, 4, 5, 6, 7)
    with pytest.raises(MMFakeError) as error:
        run([MOCO, guard(3), spoil], epochs=4, default_hooks=SAFE).train()
    message = str(error.value)
    assert '\n' not in message
    assert 'not finite in 3 steps in a row, up to iteration 7' in message
    assert f'the last good checkpoint is {tmp_path / "work" / "epoch_2.pth"}' in message
    checkpoint = torch.load(tmp_path / 'work' / 'epoch_2.pth', weights_only=False)
    assert finite(checkpoint['state_dict'])
    assert finite(checkpoint['label_moco']['key_encoder'])


def test_the_count_survives_a_resume(run, capfd):
    run([guard(), Spoil(2)], epochs=1, streams=(), default_hooks=SAFE).train()
    strict = run([guard(2), Spoil(3)], epochs=2, streams=(), default_hooks=SAFE, resume=True)
    with pytest.raises(MMFakeError, match='in 2 steps in a row'):
        strict.train()
    runner = run([guard(), Spoil(4)], epochs=2, streams=(), default_hooks=SAFE, resume=True)
    runner.train()
    assert hook_of(runner).count == 2


class BreakWeights(Hook):
    """As a gradient that overflows does, with a loss that is finite."""

    def __init__(self, iteration, value=float('nan')):
        self.iteration, self.value = iteration, value

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == self.iteration:
            next(runner.model.parameters()).data.fill_(self.value)


@pytest.mark.parametrize('iteration', [3, 5])
def test_weights_that_are_not_finite_stop_at_once_and_are_not_saved(run, tmp_path, iteration):
    """In mid-epoch and in the last iteration before a checkpoint."""
    hooks = [guard(), BreakWeights(iteration)]
    with pytest.raises(MMFakeError, match='tensors of weights are not finite') as error:
        run(hooks, epochs=3, streams=(), default_hooks=SAFE).train()
    assert 'epoch_1.pth' in str(error.value)
    assert [path.name for path in (tmp_path / 'work').glob('*.pth')] == ['epoch_1.pth']
    assert (tmp_path / 'work' / 'last_checkpoint').read_text().endswith('epoch_1.pth')
    assert not list((tmp_path / 'work').glob('.*.tmp'))


def test_weights_whose_squares_overflow_are_saved(run, tmp_path):
    run([guard(), BreakWeights(2, 1e30)], streams=(), default_hooks=SAFE).train()
    assert (tmp_path / 'work' / 'epoch_1.pth').is_file()


def test_it_steps_away_from_the_optimizer_after_training(run):
    """Trained on, the run would be guarded twice."""
    runner = run([guard(), Spoil(1, 4)], streams=())
    runner.train()
    assert 'update_params' not in vars(runner.optim_wrapper)
    runner.train_loop._max_epochs = 2
    runner.train()
    assert hook_of(runner).count == 2
    assert 'update_params' not in vars(runner.optim_wrapper)


def test_argument_out_of_range():
    with pytest.raises(MMFakeError, match='at least 1, but got 0'):
        NonFiniteLossHook(max_in_a_row=0)


def test_resumed_after_a_step_that_was_spoilt(run, tmp_path):
    """Four batches to a step, the second is bad; the checkpoint due after the third waits."""
    ends = []
    for load_from in (None, str(tmp_path / 'work' / 'epoch_1.pth')):
        runner = run(
            [MOCO, guard(), Spoil(1)],
            train_cfg=dict(type='mmfake.ResumableTrainLoop', max_epochs=2),
            accumulate=4,
            default_hooks=SAFE,
            resume=load_from is not None,
            load_from=load_from,
        )
        runner.train()
        ends.append(copy.deepcopy(runner.model.state_dict()))
    assert same(*ends)
