"""A prepared dataset whose frames tell their number by their brightness."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import av
import numpy as np
import pytest

from data_prep.audit.index_table import read_table

COLUMNS = (
    *('id', 'path', 'method', 'compression', 'target', 'source', 'split', 'frames', 'fps'),
    *('status', 'reason', 'track', 'track_of', 'points', 'margin', 'size', 'source_file'),
)
START, FRAMES = 3, 9
FACE = (20, 12, 36, 32)
PEOPLE = (('000', '001', 'train'), ('001', '000', 'train'), ('002', '003', 'test'))


def brightness(number):
    """The grey of a raw frame; the clip's frame of the same instant is 10 brighter."""
    return 40 + 12 * number


def _write(path, levels, width, height):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w', format='mp4') as container:
        stream = container.add_stream('libx264', rate=25, options={'crf': '10', 'bf': '0'})
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        for level in levels:
            picture = np.full((height, width, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format='rgb24')))
        container.mux(stream.encode())


@pytest.fixture
def dataset(tmp_path):
    """Three originals with a fake of two methods each; edit ``rows``, then take ``table()``."""
    root, rows = tmp_path / 'set', []
    # the face moves to the right, and is at FACE in the middle of the clip
    shifts = 2 * (np.arange(FRAMES) - FRAMES // 2)
    boxes = np.float32(FACE) + np.float32([1, 0, 1, 0]) * shifts[:, None]
    for target, other, split in PEOPLE:
        for method, source in (('original', ''), ('df', other), ('nt', other)):
            place = f'{method}/c23/' + (f'{target}_{source}' if source else target)
            row = dict.fromkeys(COLUMNS, '')
            row.update(
                id=f'ffpp/{place}', path=f'clips/{place}.mp4', method=method, compression='c23',
                target=target, source=source, split=split, frames=str(FRAMES), fps='25',
                status='used', track=f'tracks/{place}.npz', margin='1.5', size='24',
                track_of=f'ffpp/original/c23/{target}', source_file=f'../raw/{place}.mp4',
            )  # fmt: skip
            rows.append(row)
            numbers = range(START, START + FRAMES)
            _write(root / row['path'], [brightness(n) + 10 for n in numbers], 24, 24)
            _write(root / row['source_file'], map(brightness, range(START + FRAMES + 2)), 64, 48)
            (root / row['track']).parent.mkdir(parents=True, exist_ok=True)
            np.savez(
                root / row['track'],
                start=np.int64(START),
                boxes=boxes,
                scores=np.ones(FRAMES, np.float32),
                detected=np.ones(FRAMES, bool),
            )

    def row(name):
        """The row of ``'df/000_001'``."""
        return next(row for row in rows if row['id'] == 'ffpp/' + name.replace('/', '/c23/'))

    def table():
        with open(root / 'index.csv', 'w', newline='') as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return read_table(root / 'index.csv')

    return SimpleNamespace(
        root=root, rows=rows, row=row, table=table, brightness=brightness, face=FACE, start=START
    )
