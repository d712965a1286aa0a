"""A small FF++ tree of good videos, and the shipped configs at a scale of seconds."""

import importlib.util
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.runner import runner as host
from torch import nn

from data_prep.clip_writer import write_clip
from mmfake.apis.train import set_training_options
from mmfake.engine.config import load_config

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'
FOLDERS = dict(
    original='original_sequences/youtube',
    df='manipulated_sequences/Deepfakes',
    f2f='manipulated_sequences/Face2Face',
    fs='manipulated_sequences/FaceSwap',
    nt='manipulated_sequences/NeuralTextures',
)
PAIRS = dict(train=5, val=1, test=1)  # trained on: 10 originals + 3 x 10 manipulated
CLIP = dict(clip_len=8, image_size=32)


@MODELS.register_module(force=True)
class FewWeights(nn.Module):
    """(N, 3, 8, 32, 32) -> (N, 16, 1, 4, 4): an encoder that takes no time."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 16, 8, stride=8)

    def forward(self, x):
        return self.conv(x).relu()


@pytest.fixture(scope='session')
def good_clip(tmp_path_factory):
    """One video, 12 frames of 64 px."""
    path = tmp_path_factory.mktemp('clip') / 'good.mp4'
    noise = np.random.default_rng(0).integers(0, 255, (64, 76, 3), dtype=np.uint8)
    write_clip(path, [noise[:, n : n + 64] for n in range(12)], 25, 'mp4')
    return path


@pytest.fixture
def tree(tmp_path, good_clip):
    """An FF++ tree whose videos are all good: ``path(method, stem)``, ``files(split)``."""
    root, names = tmp_path / 'ffpp', iter(range(100))
    (root / 'splits').mkdir(parents=True)

    def path(method, stem):
        return root / FOLDERS[method] / 'c23' / 'videos' / f'{stem}.mp4'

    files = {}
    for split, number in PAIRS.items():
        pairs = [[f'{next(names):03d}', f'{next(names):03d}'] for _ in range(number)]
        (root / 'splits' / f'{split}.json').write_text(json.dumps(pairs))
        held = ('f2f',) if split == 'test' else ('df', 'fs', 'nt')
        ordered = [tuple(pair[::step]) for pair in pairs for step in (1, -1)]
        files[split] = [path('original', target) for target, _ in ordered]
        files[split] += [path(m, f'{t}_{s}') for m in held for t, s in ordered]
    for file in sum(files.values(), []):
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(good_clip, file)
    return SimpleNamespace(root=root, path=path, files=files)


@pytest.fixture
def config_of(tmp_path, monkeypatch):
    """What ``tools/train.py`` makes of the shipped config, at a scale of seconds."""
    # what takes most of a tiny run: asking gcc its version, and yapf at every checkpoint
    monkeypatch.setattr(host, 'collect_env', dict)
    monkeypatch.setattr(Config, 'pretty_text', property(lambda self: repr(self.to_dict())))

    def make(root, workers, work_dir='work', **settings):
        loader = dict(batch_size=4, num_workers=workers, persistent_workers=workers > 0)
        scale = tmp_path / 'scale.py'
        scale.write_text(
            f'data_root = {str(root)!r}\nclip_size = {CLIP!r}\n'
            "custom_hooks = [dict(type='mmfake.LabelMoCoHook', queue_size=16)]\n"
            f'train_dataloader = val_dataloader = test_dataloader = {loader!r}\n'
            'train_cfg = dict(max_epochs=2, val_interval=2)\n'
        )
        cfg = load_config(str(CONFIG), str(scale), work_dir=str(tmp_path / work_dir))
        set_training_options(cfg)
        cfg.model.backbone = dict(type='FewWeights')
        for stream in (cfg.model.binary, cfg.model.multi):
            for head in (stream[name] for name in stream if name.endswith('head')):
                head.in_channels = 16
        # every video in every epoch: the paired sampler draws but some of the manipulated ones
        cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
        cfg.val_evaluator.n_bootstrap = 20
        cfg.test_evaluator = dict(
            type='mmfake.DeepfakeMetric', n_bootstrap=20, scores_file=str(tmp_path / 'scores.csv')
        )
        cfg.experiment_name = f'{tmp_path.name}_{work_dir}'
        cfg.merge_from_dict(settings)
        return cfg

    return make


@pytest.fixture
def end_workers():
    """End the workers of a runner now: left to the garbage collector, torch waits 5 s for each."""

    def end(runner):
        for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
            if hasattr(loop, 'dataloader'):
                loop.dataloader._iterator = None

    return end


@pytest.fixture
def run(end_workers):
    """Train, and test if there is something to test; workers end with the test."""
    runners = []

    def train(cfg, test=False, keep=runners):
        runner = Runner.from_cfg(cfg)
        keep.append(runner)
        runner.train()
        if test:
            runner.test()
        return runner

    yield train
    for runner in runners:
        end_workers(runner)


@pytest.fixture(scope='session')
def trial():
    """The module trial.py, by its path: an installed package "tests" would hide this folder."""
    spec = importlib.util.spec_from_file_location('trial', Path(__file__).with_name('trial.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
