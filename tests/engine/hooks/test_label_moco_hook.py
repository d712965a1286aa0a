import copy
import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmaction.models import ActionDataPreprocessor
from mmengine.hooks import Hook
from mmengine.model import ExponentialMovingAverage
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mmfake import LabelMoCoHook, MMFakeError
from mmfake.engine.hooks.label_moco_hook import KeyEncoder
from mmfake.models.labelled_queue import videos_of


def moco(**kwargs):
    return dict(type='mmfake.LabelMoCoHook', momentum=0.9, queue_size=10, **kwargs)


def hook_of(runner, kind=LabelMoCoHook):
    return next(hook for hook in runner.hooks if isinstance(hook, kind))


class Recorder(Hook):
    """What the queue held when the loss of an iteration was computed, and the batch itself."""

    priority = 'VERY_HIGH'

    def __init__(self):
        self.seen, self.batches, self.weights = [], [], []

    def before_train_epoch(self, runner):
        self.initial = copy.deepcopy(runner.model.state_dict())

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        queue = hook_of(runner).queues['binary']
        self.seen.append(set(queue.videos[queue.videos >= 0].tolist()))
        self.batches.append(copy.deepcopy(data_batch))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.weights.append(copy.deepcopy(runner.model.state_dict()))


def encode(state, clips, stream):
    """Tiny encoder and projection in training mode, from a plain dict of weights."""
    x = F.conv3d(clips, state['backbone.conv.weight'], state['backbone.conv.bias'])
    weight, bias = state['backbone.norm.weight'], state['backbone.norm.bias']
    x = F.batch_norm(x, None, None, weight, bias, training=True).relu().mean(dim=(2, 3, 4))
    head = f'{stream}.contrastive_head.projection'
    x = F.linear(x, state[f'{head}.0.weight'], state[f'{head}.0.bias']).relu()
    x = F.linear(x, state[f'{head}.2.weight'], state[f'{head}.2.bias'])
    return x / x.norm(dim=1, keepdim=True)


def test_queue_and_key_encoder_follow_the_definition(run):
    """Replay a run by hand: keys of the EMA weights, FIFO order, k <- m k + (1 - m) q."""
    recorder = Recorder()
    runner = run([moco(), recorder], epochs=2)
    initial = copy.deepcopy(runner.model.state_dict())
    runner.train()

    ema = {key: value for key, value in initial.items() if value.is_floating_point()}
    expected = {'binary': [], 'multi': []}
    for batch, weights in zip(recorder.batches, recorder.weights):
        clips = torch.cat(list(batch['inputs']))
        for stream, rows in expected.items():
            keys = encode(ema, clips, stream)
            label = {'binary': 'label_bin', 'multi': 'label_multi'}[stream]
            for key, sample in zip(keys, batch['data_samples']):
                rows.append((key, sample.get(label), videos_of([sample], 'cpu').item()))
        ema = {key: 0.9 * value + 0.1 * weights[key] for key, value in ema.items()}

    hook = hook_of(runner)
    for stream, rows in expected.items():
        queue = hook.queues[stream]
        slots = [None] * 10
        for index, row in enumerate(rows):
            slots[index % 10] = row
        assert queue.pointer == len(rows) % 10
        assert queue.labels.tolist() == [row[1] for row in slots]
        assert queue.videos.tolist() == [row[2] for row in slots]
        torch.testing.assert_close(queue.keys, torch.stack([row[0] for row in slots]))
    for key, value in hook.key_encoder.module.named_parameters():
        name = key if key.startswith('backbone') else key.split('.', 1)[1]
        name = name if key.startswith('backbone') else name.replace('.', '.contrastive_head.', 1)
        torch.testing.assert_close(value, ema[name])


def videos_in(batch):
    return set(videos_of(batch['data_samples'], 'cpu').tolist())


def test_the_loss_meets_keys_of_earlier_iterations_only(run):
    recorder = Recorder()
    run([moco(), recorder]).train()
    assert recorder.seen[0] == set()
    earlier = set()
    for seen, batch in zip(recorder.seen, recorder.batches):
        assert seen == earlier
        earlier |= videos_in(batch)


class Noise(ActionDataPreprocessor):
    """Draws, as blending does; keeps what it gave."""

    given = []

    def forward(self, data, training=False):
        data = super().forward(data, training)
        data['inputs'] = data['inputs'] + torch.randn_like(data['inputs'])
        self.given.append(data['inputs'].clone())
        return data


def test_queries_and_keys_are_of_the_same_inputs(run, tiny_model):
    """Also if the preprocessor draws: it runs once an iteration, and its clips are encoded."""
    model = dict(tiny_model(), data_preprocessor=dict(type=Noise, format_shape='NCTHW'))
    Noise.given.clear()
    runner = run([moco()], model=model)
    initial = copy.deepcopy(runner.model.state_dict())
    hook = hook_of(runner)
    first = []

    class KeepFirst(Hook):
        priority = 'LOWEST'

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            first.append(hook.queues['multi'].keys[:4].clone())

    runner.register_hook(KeepFirst())
    runner.train()
    assert len(Noise.given) == runner.iter == 3
    torch.testing.assert_close(first[0], encode(initial, Noise.given[0].flatten(0, 1), 'multi'))
    assert not runner.model.data_preprocessor._forward_hooks  # let go of after training


class Operators(TorchDispatchMode):
    """The names of the operators that run."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.name())
        return func(*args, **(kwargs or {}))


def test_moves_as_mmengine_does_in_few_launches():
    torch.manual_seed(0)
    model = nn.Sequential(*(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)) for _ in range(20)))
    copies = [kind(model, momentum=0.1) for kind in (ExponentialMovingAverage, KeyEncoder)]
    for copied in copies:
        copied.steps.fill_(1)
    for _ in range(3):
        for weight in model.parameters():
            weight.data += torch.randn_like(weight)
        model(torch.randn(4, 3))  # moves the running statistics
        operators = Operators()
        copies[0].update_parameters(model)
        with operators:
            copies[1].update_parameters(model)
        assert len(operators.names) < 10  # of 80 weights and 60 buffers, in two dtypes
    theirs, ours = (copied.state_dict() for copied in copies)
    assert list(theirs) == list(ours)
    assert all(torch.equal(value, ours[name]) for name, value in theirs.items())


@pytest.mark.parametrize(('accumulate', 'moves'), [(1, 6), (2, 3), (4, 2)])
def test_moves_once_per_optimizer_step(run, accumulate, moves):
    """6 iterations: steps after 4 and, the incomplete rest, after 6."""
    runner = run([moco()], epochs=2, accumulate=accumulate)
    runner.train()
    assert hook_of(runner).key_encoder.steps.item() - 1 == moves


def test_model_and_published_weights_hold_neither_copy_nor_queue(run):
    published = dict(type='CheckpointHook', interval=1, published_keys=['meta', 'state_dict'])
    runner = run([moco()], default_hooks=dict(checkpoint=published))
    keys = set(runner.model.state_dict())
    runner.train()
    assert set(runner.model.state_dict()) == keys
    assert not any(word in key for key in keys for word in ('queue', 'ema', 'key_encoder'))
    full, public = (
        torch.load(next(Path(runner.work_dir).glob(pattern)), weights_only=False)
        for pattern in ('epoch_1.pth', 'epoch_1-*.pth')
    )
    assert set(full['state_dict']) == set(public['state_dict']) == keys
    assert set(full['label_moco']) == {'key_encoder', 'queues'}
    assert set(public) == {'meta', 'state_dict'}


def state_of(runner):
    hook = hook_of(runner)
    state = dict(runner.model.state_dict())
    state.update({f'ema.{key}': value for key, value in hook.key_encoder.state_dict().items()})
    for name, queue in hook.queues.items():
        state.update({f'{name}.{k}': torch.as_tensor(v) for k, v in queue.state_dict().items()})
    return state


def test_resume_is_bit_exact_and_load_from_starts_anew(run, tmp_path):
    straight = run([moco()], epochs=4, work_dir=str(tmp_path / 'straight'))
    straight.train()
    run([moco()], epochs=2, work_dir=str(tmp_path / 'halves')).train()
    second = run([moco()], epochs=4, work_dir=str(tmp_path / 'halves'), resume=True)
    second.train()
    expected, found = state_of(straight), state_of(second)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)

    checkpoint = str(tmp_path / 'halves' / 'epoch_2.pth')
    loaded = run([moco()], epochs=1, load_from=checkpoint, work_dir=str(tmp_path / 'loaded'))
    loaded.load_or_resume()
    hook_of(loaded).before_train(loaded)
    assert all(queue.fill == 0 for queue in hook_of(loaded).queues.values())


def test_resume_from_a_file_without_the_state_is_refused(run, tmp_path):
    run([moco()], epochs=1).train()
    path = tmp_path / 'work' / 'epoch_1.pth'
    checkpoint = torch.load(path, weights_only=False)
    del checkpoint['label_moco']
    torch.save(checkpoint, path)
    with pytest.raises(MMFakeError, match="no 'label_moco' entry") as error:
        run([moco()], epochs=2, resume=True).train()
    assert '\n' not in str(error.value)


def test_resume_with_another_queue_is_refused(run):
    run([moco()], epochs=1).train()
    other = dict(type='mmfake.LabelMoCoHook', queue_size=6)
    safe = dict(checkpoint=dict(type='mmfake.SafeCheckpointHook', interval=1))
    told = r'epoch_1\.pth: damaged or of another config \(ValueError: the saved queue is \(10, 4\)'
    with pytest.raises(MMFakeError, match=told):
        run([other], epochs=2, resume=True, default_hooks=safe).train()


@pytest.mark.parametrize('loop', ['EpochBasedTrainLoop', 'mmfake.ResumableTrainLoop'])
@pytest.mark.parametrize(('size', 'length'), [(8, 12), (3, 12), (5, 9)])
def test_prefill(run, loop, size, length):
    """Full before the first iteration; in the first epoch no anchor meets its own video."""
    loop = dict(type=loop, max_epochs=1)
    runner = run([dict(moco(prefill=True), queue_size=size)], length=length, train_cfg=loop)
    hook = hook_of(runner)
    recorder = Recorder()
    runner.register_hook(recorder)
    runner.train()
    assert len(recorder.seen[0]) == size
    for seen, batch in zip(recorder.seen, recorder.batches):
        assert not seen & videos_in(batch)
    assert all(queue.fill == 1 for queue in hook.queues.values())


@pytest.mark.parametrize(('size', 'length'), [(9, 12), (12, 12), (8, 11)])
def test_prefill_needs_an_epoch_longer_than_the_queue(run, size, length):
    settings = dict(moco(prefill=True), queue_size=size)
    with pytest.raises(MMFakeError, match=f'longer than the queue of {size}') as error:
        run([settings], length=length).train()
    assert '\n' not in str(error.value)
    run([dict(settings, exclude_own_video=True)], length=length).train()


def test_prefill_leaves_the_weights_alone(run, tmp_path):
    """Same seed, with and without prefill: the first batch and weights are the same."""
    first, second = Recorder(), Recorder()
    run([moco(), first], work_dir=str(tmp_path / 'a')).train()
    prefilled = dict(moco(prefill=True), queue_size=8)
    run([prefilled, second], work_dir=str(tmp_path / 'b')).train()
    ids = [[s.sample_idx for s in r.batches[0]['data_samples']] for r in (first, second)]
    assert ids[0] == ids[1]
    assert first.initial.keys() == second.initial.keys()
    assert all(torch.equal(first.initial[key], second.initial[key]) for key in first.initial)


def test_exclude_own_video_reaches_the_queues(run):
    runner = run([moco(exclude_own_video=True)])
    runner.train()
    assert all(queue.exclude_own_video for queue in hook_of(runner).queues.values())


@pytest.mark.parametrize('batch_size', [1, 3, 12])
def test_any_batch_size(run, batch_size):
    runner = run([moco()], batch_size=batch_size)
    runner.train()
    queue = hook_of(runner).queues['binary']
    assert queue.fill == 1
    assert queue.pointer == 12 % 10


def test_unreadable_videos_leave_no_key(run):
    runner = run([moco()], length=8, unreadable=[0, 5, 6], batch_size=1)  # some batches hold none
    runner.train()
    queue = hook_of(runner).queues['multi']
    numbers = videos_of(
        [runner.train_dataloader.dataset[i]['data_samples'] for i in range(8)], 'cpu'
    )
    found = [(numbers == video).nonzero().item() for video in queue.videos[queue.videos >= 0]]
    assert sorted(found) == [1, 2, 3, 4, 7]


def test_logged_each_interval(run):
    runner = run([moco()])
    runner.train()
    lines = Path(runner._log_dir, 'vis_data', f'{runner.timestamp}.json').read_text().splitlines()
    assert 'binary.queue_sim_pos' not in json.loads(lines[0])  # the queue was empty
    last = json.loads(lines[-1])
    for stream in ('binary', 'multi'):
        assert 0 < last[f'{stream}.queue_fill'] <= 1
        assert 0 <= last[f'{stream}.queue_anchors'] <= 1
        assert -1 <= last[f'{stream}.queue_sim_pos'] <= 1
        assert -1 <= last[f'{stream}.queue_sim_neg'] <= 1


def test_a_hook_without_a_head_is_refused(run):
    with pytest.raises(MMFakeError, match='LabelMoCoHook, but the model has no ContrastiveHead'):
        run([moco()], streams=()).train()


def test_a_head_without_a_hook_is_refused(run):
    with pytest.raises(MMFakeError, match='ContrastiveHead, but no LabelMoCoHook'):
        run([]).train()


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (dict(momentum=1.0), 'between 0 and 1, but got 1.0'),
        (dict(momentum=0), 'between 0 and 1, but got 0'),
        (dict(queue_size=0), 'at least 1, but got 0'),
    ],
)
def test_arguments_out_of_range(arguments, told):
    with pytest.raises(MMFakeError, match=told):
        LabelMoCoHook(**arguments)
