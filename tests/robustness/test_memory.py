"""The memory of a training with workers does not grow; the same test sees a leak where one is."""

import importlib.util
import mmap
from pathlib import Path

import pytest
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

BOUND = 0.01  # MB per iteration, five times the noise; a clip of 8 x 32 px is 0.02 MB
SCRIPT = Path(__file__).parents[2] / 'tools' / 'benchmarks' / 'memory_hook.py'


@pytest.fixture(scope='module')
def memory():
    """The module tools/benchmarks/memory_hook.py."""
    spec = importlib.util.spec_from_file_location('memory_benchmark', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@TRANSFORMS.register_module(force=True)
class Leak(BaseTransform):
    """Keeps four pages with each clip, that is 1/16 MB with each batch of four."""

    kept = []

    def transform(self, results):
        # pages of its own: after many other tests malloc has free memory that is resident already
        block = mmap.mmap(-1, 2**14)
        block.write(b'x' * 2**14)
        self.kept.append(block)
        return results


@pytest.mark.nightly
@pytest.mark.parametrize('leaks', [False, True])
def test_memory_of_every_process(tree, config_of, run, memory, leaks):
    settings = {'train_cfg.max_epochs': 27, 'train_cfg.val_begin': 99}
    settings['default_hooks.checkpoint'] = dict(interval=-1, save_best=None, save_last=False)
    cfg = config_of(tree.root, 2, **settings)
    cfg.custom_hooks.append(dict(type='MemoryHook', every=3))
    if leaks:  # in the workers
        cfg.train_dataloader.dataset.pipeline.append(dict(type='Leak'))
    runner = run(cfg)
    assert runner.iter == 270
    (hook,) = (hook for hook in runner.hooks if type(hook).__name__ == 'MemoryHook')
    slopes = {hook.names[pid]: slope for pid, slope in hook.slopes(warm_up=150).items()}
    training = slopes.pop('training')
    assert training < BOUND, slopes
    assert len(slopes) == 2, 'two workers'
    for slope in slopes.values():
        # workers take turns: each sees every second batch
        assert 0.025 < slope < 0.04 if leaks else slope < BOUND, slopes


def test_the_table(memory):
    hook = memory.MemoryHook()
    hook.names = {7: 'training', 8: 'worker 0'}
    hook.samples = {7: [(i, 100 + i / 4) for i in range(25, 151, 25)], 8: [(125, 3.0), (150, 3.0)]}
    lines = memory.report(hook, warm_up=50).splitlines()
    assert lines[0].split() == ['iteration', 'training', 'worker', '0']
    assert lines[1].split() == ['25', '106.2', '-']
    assert lines[-2].split() == ['150', '137.5', '3.0']
    assert lines[-1].split() == ['MB', 'per', '100', 'after', '50', '+25.00', '-']
