"""Fixtures shared by the whole suite."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

import mmfake  # noqa: F401 - makes the host importable and registers every component

torch.set_num_threads(1)
# A suite started in the background inherits that Ctrl-C is ignored, and would hand that on to the
# commands whose reaction to it is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _default_scope():
    """What the Runner and init_recognizer do before they build anything."""
    init_default_scope('mmaction')


@pytest.fixture
def make_samples():
    """A factory of data samples as the pipeline packs them."""

    def make(label_bin, label_multi=None, unreadable=()):
        samples = []
        for index, label in enumerate(label_bin):
            sample = ActionDataSample().set_gt_label(label)
            sample.set_field(label, 'label_bin')
            sample.set_field(label if label_multi is None else label_multi[index], 'label_multi')
            sample.set_field(index, 'sample_idx')
            meta = dict(video_id=f'ffpp/x/c23/{index:03d}', method='x', filename=f'{index}.mp4')
            if index in unreadable:
                meta['unreadable'] = 'no frame'
            sample.set_metainfo(meta)
            samples.append(sample)
        return samples

    return make


ROOT = Path(__file__).parents[1]


@pytest.fixture(scope='session')
def command(tmp_path_factory):
    """Run a command line in an empty folder, as a user would, with this environment's Python."""
    folder = tmp_path_factory.mktemp('commands')

    def run(*words, cwd=folder, timeout=240):
        words = [sys.executable if word == 'python' else str(word) for word in words]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
        environment = dict(os.environ, OMP_NUM_THREADS='1', PATH=path)
        environment.pop('PYTHONPATH', None)
        return subprocess.run(
            words, cwd=cwd, env=environment, timeout=timeout, capture_output=True, text=True
        )

    return run


@pytest.fixture(scope='session')
def tiny_tree(tmp_path_factory, command):
    """A rendered FF++ tree of four pairs: two train, one validates, one tests."""
    out = tmp_path_factory.mktemp('tiny') / 'ffpp'
    script = ROOT / 'data_prep' / 'make_mini_ffpp.py'
    options = ['--pairs', '4', '--frames', '12', '--size', '64', '--jobs', '2']
    done = command('python', script, '--out', out, *options)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope='session')
def smoke(tmp_path_factory, tiny_tree):
    """A scale of seconds: one epoch of tiny clips, no workers."""
    path = tmp_path_factory.mktemp('scale') / 'smoke.py'
    loader = 'batch_size=4, num_workers=0, persistent_workers=False'
    path.write_text(
        f'data_root = {str(tiny_tree)!r}\n'
        'clip_size = dict(clip_len=8, image_size=32)\n'
        "custom_hooks = [dict(type='mmfake.LabelMoCoHook', queue_size=16)]\n"
        f'train_dataloader = dict({loader})\n'
        f'val_dataloader = dict({loader})\n'
        f'test_dataloader = dict({loader})\n'
        'train_cfg = dict(max_epochs=1)\n'
        'default_hooks = dict(logger=dict(interval=1))\n'
    )
    return path
