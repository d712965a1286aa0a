"""What hooks tell of a batch that another process had: two real ranks, with gloo."""

import json
import os
import re
import signal
import sys
import traceback

import pytest
import torch
from mmengine.hooks import Hook

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


def train(run, folder, rank):
    """Be one of the ranks."""
    os.environ.update(LOCAL_RANK=str(rank))
    store = f'file://{folder}/store'
    torch.distributed.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
    watch = Watch()
    types = ('UnreadableVideosHook', 'NonFiniteLossHook', 'LabelMoCoHook')
    weigh = dict(type='mmfake.DynamicWeightAverageHook', losses=LOSSES)
    hooks = [*(dict(type=f'mmfake.{name}') for name in types), weigh, watch]
    checkpoint = dict(type='mmfake.SafeCheckpointHook', interval=1, by_epoch=False)
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    run(
        hooks,
        epochs=2,
        streams=('binary',),
        batch_size=3,
        unreadable=BROKEN,
        launcher='pytorch',
        cfg=dict(model_wrapper_cfg=wrapper),
        default_hooks=dict(checkpoint=checkpoint),
    ).train()
    (folder / f'{rank}.json').write_text(json.dumps(vars(watch)))


@pytest.fixture
def ranks(run, tmp_path):
    """Train with two ranks; gives what each met and printed."""
    children = []
    for rank in range(2):
        child = os.fork()
        if not child:
            code = 1
            try:
                signal.alarm(240)
                # not the file descriptors, which pytest has taken
                with (tmp_path / f'{rank}.txt').open('w', buffering=1) as sys.stdout:
                    try:
                        train(run, tmp_path, rank)
                        code = 0
                    except BaseException:
                        traceback.print_exc(file=sys.stdout)
            finally:
                os._exit(code)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    outputs = [(tmp_path / f'{rank}.txt').read_text() for rank in range(2)]
    assert statuses == [0, 0], '\n'.join(outputs)[-5000:]
    return [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in range(2)], outputs


def test_rank_0_tells_of_every_rank(ranks, tmp_path):
    met, (output, other) = ranks
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
