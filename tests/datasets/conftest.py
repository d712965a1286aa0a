"""Trees, videos and indexes that the tests of this folder are made of."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path

import av
import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope

from mmfake.datasets.index import COLUMNS

FOLDERS = {
    'original': 'original_sequences/youtube',
    'df': 'manipulated_sequences/Deepfakes',
    'f2f': 'manipulated_sequences/Face2Face',
    'fs': 'manipulated_sequences/FaceSwap',
    'nt': 'manipulated_sequences/NeuralTextures',
    'fsh': 'manipulated_sequences/FaceShifter',
}
FOUR = ('df', 'f2f', 'fs', 'nt')


def write_video(path, frames=40, size=64, seed=0):
    """An H.264 video whose frame i has the brightness 4 * i, so that a frame can be recognised."""
    noise = np.random.default_rng(seed).integers(0, 20, (size, size, 3))
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=25, options=dict(crf='10', bf='0', g='16'))
        stream.width = stream.height = size
        stream.pix_fmt = 'yuv420p'
        container.start_encoding()
        for number in range(frames):
            frame = np.uint8(np.clip(noise + 4 * number, 0, 255))
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')):
                container.mux(packet)
        if frames:
            for packet in stream.encode():
                container.mux(packet)


class Tree:
    """An FF++ tree whose files can be found by method and stem."""

    def __init__(self, root, splits, methods=FOUR, compression='c23', write=Path.touch):
        self.root, self.splits, self.compression = root, splits, compression
        (root / 'splits').mkdir(parents=True)
        for split, pairs in splits.items():
            (root / 'splits' / f'{split}.json').write_text(json.dumps(pairs))
        for method in ('original', *methods):
            self.path(method, 'x').parent.mkdir(parents=True)
        for row in self.rows(methods):
            write(root / row['path'])

    def path(self, method, stem) -> Path:
        return self.root / FOLDERS[method] / self.compression / 'videos' / f'{stem}.mp4'

    def rows(self, methods=FOUR):
        """The rows of an index of this tree."""
        for split, pairs in self.splits.items():
            for a, b in pairs:
                for target, source in ((a, b), (b, a)):
                    for method in ('original', *methods):
                        source_of = '' if method == 'original' else source
                        stem = f'{target}_{source}' if source_of else target
                        yield dict(
                            id=f'ffpp/{method}/{self.compression}/{stem}',
                            path=str(self.path(method, stem).relative_to(self.root)),
                            method=method,
                            compression=self.compression,
                            target=target,
                            source=source_of,
                            split=split,
                            frames='40',
                            fps='25',
                            status='used',
                            reason='',
                        )

    def write_index(self, rows, name='index.csv', header=COLUMNS):
        with open(self.root / name, 'w', newline='') as stream:
            writer = csv.DictWriter(stream, header, extrasaction='ignore')
            writer.writeheader()
            writer.writerows(rows)
        return name


def numbered_pairs(train, val, test, last=()):
    """Splits made up of consecutive ids: '000' with '001', ...; those in ``last`` come last."""
    names = [f'{number:03d}' for number in range(2 * (train + val + test))]
    names.sort(key=lambda name: name in last)
    pairs = [list(pair) for pair in zip(names[::2], names[1::2])]
    return dict(train=pairs[:train], val=pairs[train : train + val], test=pairs[train + val :])


SMALL = numbered_pairs(3, 1, 1)


@pytest.fixture(autouse=True)
def _mmaction_scope():
    """Names of transforms resolve as in a run."""
    with DefaultScope.overwrite_default_scope('mmaction'):
        yield


class Messages(logging.Handler):
    """Keeps the warnings that are logged."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@pytest.fixture
def log():
    """Warnings to mmengine's current logger: as a list of strings."""
    handler = Messages()
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


@pytest.fixture
def small_tree(tmp_path):
    """3/1/1 pairs, empty files."""
    return Tree(tmp_path / 'ffpp', SMALL)


@pytest.fixture
def make_tree(tmp_path):
    def make(splits=SMALL, name='ffpp', **kwargs):
        return Tree(tmp_path / name, splits, **kwargs)

    return make


@pytest.fixture(scope='session')
def full_tree(tmp_path_factory):
    """As large as the real one: 5,000 empty files, 360/70/70 pairs, 755 in test and 756 in val."""
    return Tree(tmp_path_factory.mktemp('full') / 'ffpp', numbered_pairs(360, 70, 70, last=['755']))


@pytest.fixture(scope='session')
def video_writer():
    return write_video
