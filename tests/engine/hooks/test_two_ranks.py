"""What hooks know and do of a batch that another process had: two real ranks, with gloo."""

import json
import os
import re
import signal
import sys
import traceback
from collections import Counter
from datetime import timedelta

import pytest
import torch
from mmengine.hooks import Hook
from torch import distributed, nn
from torch.distributed.nn.functional import all_reduce

from mmfake import MMFakeError
from mmfake.datasets.unreadable import is_unreadable

BROKEN = [2, 7, 10]  # of 12; never a whole batch
BAD = 1  # the iteration with NaN, in the batch of rank 1
LOSSES = ['binary.loss_ce', 'binary.loss_contrast']


class Watch(Hook):
    """Keeps what this rank met, and puts a NaN into one batch of rank 1."""

    def __init__(self):
        self.broken, self.videos, self.losses = [], [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        samples = data_batch['data_samples']
        self.videos.append([sample.video_id for sample in samples])
        self.broken.append([sample.video_id for sample in samples if is_unreadable(sample)])
        if runner.iter == BAD and runner.rank == 1:
            data_batch['inputs'] = [clip * float('nan') for clip in data_batch['inputs']]

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append([outputs[name].item() for name in LOSSES])


def train(run, hooks, **settings):
    """Be one of the ranks."""
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    runner = run(
        hooks,
        epochs=2,
        batch_size=3,
        launcher='pytorch',
        cfg=dict(model_wrapper_cfg=wrapper),
        **settings,
    )
    runner.train()
    return runner


@pytest.fixture
def on_two_ranks(tmp_path):
    """Call ``function(rank)`` in two processes; gives what each printed."""

    def go(function):
        children = []
        for rank in range(2):
            child = os.fork()
            if not child:
                code = 1
                try:
                    signal.alarm(240)
                    os.environ.update(LOCAL_RANK=str(rank))
                    # not the file descriptors, which pytest has taken
                    with (tmp_path / f'{rank}.txt').open('w', buffering=1) as sys.stdout:
                        try:
                            distributed.init_process_group(
                                'gloo',
                                init_method=f'file://{tmp_path}/store',
                                rank=rank,
                                world_size=2,
                                timeout=timedelta(seconds=60),
                            )
                            function(rank)
                            code = 0
                        except BaseException:
                            traceback.print_exc(file=sys.stdout)
                finally:
                    os._exit(code)
            children.append(child)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        outputs = [(tmp_path / f'{rank}.txt').read_text() for rank in range(2)]
        assert statuses == [0, 0], '\n'.join(outputs)[-5000:]
        return outputs

    return go


def test_rank_0_tells_of_every_rank(run, on_two_ranks, tmp_path):
    def be(rank):
        watch = Watch()
        types = ('UnreadableVideosHook', 'NonFiniteLossHook', 'LabelMoCoHook')
        weigh = dict(type='mmfake.DynamicWeightAverageHook', losses=LOSSES)
        hooks = [*(dict(type=f'mmfake.{name}') for name in types), weigh, watch]
        checkpoint = dict(type='mmfake.SafeCheckpointHook', interval=1, by_epoch=False)
        settings = dict(streams=('binary',), default_hooks=dict(checkpoint=checkpoint))
        train(run, hooks, unreadable=BROKEN, **settings)
        (tmp_path / f'{rank}.json').write_text(json.dumps(vars(watch)))

    output, other = on_two_ranks(be)
    met = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in range(2)]
    told = re.findall(r'(\S+) cannot be used, training goes on without it: no frame', output)
    assert sorted(told) == [f'ffpp/x/c23/{index:03d}' for index in BROKEN], 'each once'
    assert 'cannot be used' not in other
    own = [{name for names in rank['broken'][:2] for name in names} for rank in met]
    assert own[1] - own[0], 'the trial has videos that rank 0 never met in the epoch'

    # every checkpoint has what any rank had met by then
    for done in range(1, 5):
        checkpoint = torch.load(tmp_path / 'work' / f'iter_{done}.pth', weights_only=False)
        expected = {name for rank in met for names in rank['broken'][:done] for name in names}
        assert set(checkpoint['unreadable_videos']) == expected

    (line,) = (line for line in output.splitlines() if 'step skipped' in line)
    assert re.search(rf'Iteration {BAD + 1}: rank 1: .*loss_ce nan.* \((.*)\); step skipped', line)
    assert all(name in line for name in met[1]['videos'][BAD])
    assert not any(name in line for name in met[0]['videos'][BAD])

    # the dynamic weight average knows the losses of both, without the step that was skipped
    state = checkpoint['dynamic_weight_average']  # of the end of the second epoch
    for (*sums, count), steps in ((state['past'][0] + [1], [0]), (state['running'], [2, 3])):
        for k, total in enumerate(sums):
            losses = [rank['losses'][step][k] for step in steps for rank in met]
            assert total / count == pytest.approx(sum(losses) / len(losses))


class Spoil(Hook):
    """Makes weights NaN before they are saved, or validated and saved as the best ones."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 1:  # the last of an epoch, as the next loss would tell of it
            next(runner.model.parameters()).data.fill_(float('nan'))


@pytest.mark.parametrize(
    'kept',
    [dict(interval=1, by_epoch=False), dict(interval=-1, save_best='score', rule='greater')],
    ids=['last', 'best'],
)
def test_a_checkpoint_that_rank_0_refuses_ends_both(run, on_two_ranks, kept):
    def be(rank):
        checkpoint = dict(type='mmfake.SafeCheckpointHook', **kept)
        hooks = [dict(type=f'mmfake.{name}') for name in ('NonFiniteLossHook', 'LabelMoCoHook')]
        settings = dict(streams=('binary',), default_hooks=dict(checkpoint=checkpoint))
        with pytest.raises(MMFakeError, match='tensors of weights are not finite at iteration'):
            train(run, [*hooks, Spoil()], scores=[0.5, 0.6], **settings)

    on_two_ranks(be)


class GatheringSyncBatchNorm(nn.BatchNorm3d):
    """Normalises by the statistics of all ranks, as torch's SyncBatchNorm, which refuses a CPU."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        rows = x.transpose(0, 1).flatten(1)  # (C, values)
        sums = [rows.sum(1), rows.square().sum(1), rows.new_full((len(rows),), rows.shape[1])]
        total, squares, count = all_reduce(torch.stack(sums))
        mean = total / count
        variance = squares / count - mean.square()
        self.running_mean.lerp_(mean.detach(), self.momentum)
        shape = (1, -1, *[1] * (x.ndim - 2))
        scale = self.weight / (variance + self.eps).sqrt()
        return (x - mean.view(shape)) * scale.view(shape) + self.bias.view(shape)


class SynchronisedEncoder(nn.Module):
    """(N, 3, T, H, W) -> (N, 8, T, H, W), with two batch norms that wait for the other rank."""

    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv3d(3, 8, 1), nn.Conv3d(8, 8, 1)
        self.norms = nn.ModuleList([GatheringSyncBatchNorm(8), GatheringSyncBatchNorm(8)])

    def forward(self, x):
        return self.norms[1](self.last(self.norms[0](self.conv(x)).relu())).relu()


class SpoilRank0(Hook):
    """Leaves rank 0 nothing readable in some iterations; keeps what the hooks exchange."""

    def __init__(self):
        self.calls, self.total = [], Counter()
        for name in ('all_reduce', 'all_gather', 'all_gather_object'):
            setattr(distributed, name, self.counted(name, getattr(distributed, name)))

    def counted(self, name, function):
        def call(*args, **kwargs):
            if sys._getframe(1).f_globals['__name__'].startswith('mmengine'):  # not the batch norms
                self.total[name] += 1
            return function(*args, **kwargs)

        return call

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.rank == 0 and runner.iter in (1, 3):
            for sample in data_batch['data_samples']:
                sample.set_metainfo(dict(unreadable='no frame'))
        self.total.clear()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.calls.append(dict(self.total))


def test_a_rank_without_a_readable_video_takes_part_in_sync_batch_norm(
    run, tiny_model, on_two_ranks, tmp_path
):
    """Also in the key encoder and in the backward passes of GradientConflictHook."""

    def be(rank):
        model = dict(tiny_model(), backbone=dict(type=SynchronisedEncoder))
        types = ('UnreadableVideosHook', 'NonFiniteLossHook', 'LabelMoCoHook')
        hooks = [dict(type=f'mmfake.{name}') for name in types]
        hooks += [dict(type='mmfake.GradientConflictHook', interval=2), SpoilRank0()]
        runner = train(run, hooks, model=model)
        moco = next(hook for hook in runner.hooks if hasattr(hook, 'key_encoder'))
        end = dict(
            weights=dict(runner.model.module.state_dict()),
            keys={name: queue.state_dict() for name, queue in moco.queues.items()},
            conflict={
                name: buffer.data
                for name, buffer in runner.message_hub.log_scalars.items()
                if 'conflict' in name
            },
            calls=next(hook.calls for hook in runner.hooks if isinstance(hook, SpoilRank0)),
        )
        torch.save(end, tmp_path / f'{rank}.pth')

    on_two_ranks(be)
    first, second = (torch.load(tmp_path / f'{r}.pth', weights_only=False) for r in range(2))
    torch.testing.assert_close(first['weights'], second['weights'], rtol=0, atol=0)
    assert all(value.isfinite().all() for value in first['weights'].values())
    torch.testing.assert_close(first['keys'], second['keys'], rtol=0, atol=0)
    assert [queue['pointer'] for queue in first['keys'].values()] == [4 * 6 - 6] * 2
    assert first['conflict']
    for name, values in first['conflict'].items():
        assert all((a == b).all() for a, b in zip(values, second['conflict'][name]))
    # an iteration in which all is well: the flags, and the keys of all queues
    assert first['calls'][2] == dict(all_reduce=1, all_gather=3)
