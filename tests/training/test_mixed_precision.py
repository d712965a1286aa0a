"""Mixed precision converges as single precision does: bfloat16 on a CPU, both kinds on a GPU."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

HAS_GPU = torch.cuda.is_available()
GPU = pytest.mark.skipif(not HAS_GPU, reason='needs a GPU, and there is none')
CPU = pytest.mark.skipif(HAS_GPU, reason='runs train on the GPU where there is one')
KINDS = [
    pytest.param('bfloat16', marks=CPU, id='cpu-bfloat16'),
    pytest.param('bfloat16', marks=GPU, id='cuda-bfloat16'),
    pytest.param('float16', marks=GPU, id='cuda-float16'),
]


class EasyTask(Hook):
    """Clips whose brightness tells the method."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for number, sample in enumerate(data_batch['data_samples']):
            bright = 40 * int(sample.label_multi) + 20
            data_batch['inputs'][number] = data_batch['inputs'][number] // 8 + bright


@pytest.fixture
def run(harness, smoke, tmp_path):
    def train(name, dtype, *options, epochs=8):
        settings = {'train_cfg.max_epochs': epochs, 'optim_wrapper.optimizer.lr': 1e-2}
        if dtype:
            options = ('--amp', dtype, *options)
        cfg = harness.config_of('bin_multi_con', tmp_path / name, smoke, *options, **settings)
        runner = Runner.from_cfg(cfg)
        runner.register_hook(EasyTask())
        runner.train()
        return runner

    return train


def history(runner):
    return {name: log.data[0] for name, log in runner.message_hub.log_scalars.items()}


@pytest.mark.parametrize('dtype', KINDS)
def test_it_converges_as_in_single_precision(dtype, run, harness):
    """To 0.05 in the first epoch, and to 15 % of the mean loss of the last two of eight."""
    runs = [run(kind or 'single', kind) for kind in (None, dtype)]
    single, mixed = map(history, runs)
    assert single.keys() == mixed.keys()
    for term in (name for name in single if 'loss' in name):
        np.testing.assert_allclose(mixed[term][:4], single[term][:4], atol=0.05)
    ends = [np.mean(logs['train/loss'][-8:]) for logs in (single, mixed)]
    assert ends[1] == pytest.approx(ends[0], rel=0.15)
    for logs in (single, mixed):
        before, after = logs['train/binary.loss_ce'][:1], logs['train/binary.loss_ce'][-8:]
        assert before[0] == pytest.approx(np.log(2), abs=0.05)
        assert np.mean(after) < 0.05
    state = harness.state_of(runs[1])
    single_precision = [state['weights'], state['ema'], *state['queues'].values()]
    tensors = [value for part in single_precision for value in part.values()]
    assert not any(getattr(value, 'dtype', None) == getattr(torch, dtype) for value in tensors)


@CPU
def test_resumed_exactly(run, harness):
    """The last of three epochs again, from the checkpoint: bit for bit."""
    straight = run('straight', 'bfloat16', epochs=3)
    checkpoint = str(Path(straight.work_dir, 'epoch_2.pth'))
    again = run('again', 'bfloat16', '--resume', checkpoint, epochs=3)
    expected, found = harness.state_of(straight), harness.state_of(again)
    for name in ('files', 'kept'):  # the first epochs are in the other folder
        assert expected.pop(name) != found.pop(name)
    harness.assert_same(expected, found)
