"""Training on a set with broken videos of every kind."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from data_prep.clip_writer import write_clip
from mmfake.datasets.unreadable import is_unreadable

FIFTH = 2  # of 40 videos: 5 %


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b'')


def change_codec(path):
    content = path.read_bytes()
    assert content.count(b'avc1') == 2  # brand and codec
    path.write_bytes(content.replace(b'avc1', b'zzzz'))


def put_text(path):
    path.write_text('<html>404 Not Found</html>\n' * 40)


def shorten(path):
    write_clip(path, np.full((3, 64, 64, 3), 90, np.uint8), 25)


# what is done -> what is told
KINDS = {
    truncate: 'VideoError: truncated: it breaks off',
    empty: 'VideoError: empty file',
    change_codec: 'VideoError: its video codec is unknown',
    put_text: 'VideoError: not a video',
    shorten: 'too short: 3 frames, a clip has 8',
}


@HOOKS.register_module(force=True)
class WatchVideos(Hook):
    """Deletes files when the datasets have been listed, and keeps which videos were learnt from."""

    def __init__(self, vanishing):
        self.vanishing = vanishing
        self.used, self.unused = set(), set()

    def before_train(self, runner):
        for path in self.vanishing:
            os.remove(path)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        for sample in data_batch['data_samples']:
            (self.unused if is_unreadable(sample) else self.used).add(sample.video_id)


@pytest.mark.parametrize('workers', [0, 2])
def test_training_goes_on_without_broken_videos_and_names_each(tree, config_of, run, workers):
    videos = tree.files['train']
    assert len(videos) == 40
    chosen = iter(videos[::3])  # originals and manipulated ones
    broken = {}
    for damage, words in KINDS.items():
        for path in [next(chosen) for _ in range(FIFTH)]:
            damage(path)
            broken[path] = words
    vanishing = [next(chosen) for _ in range(FIFTH)]
    broken.update(dict.fromkeys(vanishing, 'FileNotFoundError: No such file or directory'))
    truncate(tree.files['val'][0])
    cfg = config_of(tree.root, workers)
    watch = dict(type='WatchVideos', vanishing=[str(path) for path in vanishing])
    cfg.custom_hooks.append(watch)

    runner = run(cfg)

    assert runner.epoch == 2
    text = Path(runner.log_dir, f'{runner.timestamp}.log').read_text()
    told = re.findall(r'(\S+) cannot be used, training goes on without it: (.*) \((.*)\)', text)
    assert sorted(path for _, _, path in told) == sorted(map(str, broken)), 'each once, no other'
    for name, reason, path in told:
        (words,) = (w for file, w in broken.items() if str(file) == path)
        assert reason.startswith(words), (name, reason)
    (hook,) = (hook for hook in runner.hooks if isinstance(hook, WatchVideos))
    names = {name for name, _, _ in told}
    expected = runner.train_dataloader.dataset.metainfo['expected_videos']
    assert hook.unused == names
    assert hook.used == set(expected) - names
    assert len(hook.used) + len(hook.unused) == len(expected) == 40
    assert '12 of 40 training videos could not be used' in text
    assert 'scored 7 of 8 videos' in text
