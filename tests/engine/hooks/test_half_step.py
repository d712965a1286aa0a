"""Checkpoints between the batches of one optimizer step; training/ has whole runs of it."""

import pytest
import torch

from mmfake import MMFakeError

MOCO = dict(type='mmfake.LabelMoCoHook', queue_size=10)
SAFE = dict(type='mmfake.SafeCheckpointHook', interval=1)


@pytest.fixture
def train(run, tmp_path):
    """Two epochs of three iterations, ``k`` of which make a step."""

    def go(k, resume_from=None):
        runner = run(
            [MOCO],
            train_cfg=dict(type='mmfake.ResumableTrainLoop', max_epochs=2),
            default_hooks=dict(checkpoint=SAFE, logger=dict(type='LoggerHook', interval=1)),
            accumulate=k,
            resume=resume_from is not None,
            load_from=resume_from,
        )
        runner.train()
        return runner

    return go


@pytest.fixture
def checkpoint(tmp_path):
    return tmp_path / 'work' / 'epoch_1.pth'


@pytest.mark.parametrize('k', [2, 4])
def test_resumed_it_ends_with_the_same_weights(train, checkpoint, k):
    straight = dict(train(k).model.state_dict())
    (gradients,) = torch.load(checkpoint, weights_only=False)['half_step']
    assert set(gradients) <= set(straight)
    assert any(gradient.any() for gradient in gradients.values())
    resumed = dict(train(k, str(checkpoint)).model.state_dict())
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_there_is_nothing_to_keep_after_a_whole_step(train, checkpoint):
    for k in (1, 3):
        train(k)
        assert 'half_step' not in torch.load(checkpoint, weights_only=False)


@pytest.mark.parametrize(('k', 'processes'), [(3, 1), (2, 2)])
def test_another_rhythm_or_number_of_processes_leaves_it_out_and_says_so(
    train, checkpoint, capfd, k, processes
):
    """Three iterations are one whole step of three; gradients of two ranks are not for one."""
    train(2)
    content = torch.load(checkpoint, weights_only=False)
    content['half_step'] *= processes
    torch.save(content, checkpoint)
    train(k, str(checkpoint))
    output = capfd.readouterr().out
    assert f'by {processes} process(es). ' in output
    assert 'they are left out, so the run is not bit-identical' in output


@pytest.mark.parametrize('change', ['shape', 'name'])
def test_of_another_model_it_is_refused(train, checkpoint, change):
    train(2)
    content = torch.load(checkpoint, weights_only=False)
    gradients = content['half_step'][0]
    name = next(iter(gradients))
    if change == 'shape':
        gradients[name] = torch.zeros(3, 2, 1)
    else:
        gradients['other'] = gradients.pop(name)
    torch.save(content, checkpoint)
    with pytest.raises(MMFakeError, match=r'a gradient of (\S+) that does not fit') as error:
        train(2, str(checkpoint))
    assert '\n' not in str(error.value)
