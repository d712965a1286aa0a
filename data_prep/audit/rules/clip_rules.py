"""Rules about the files of a prepared dataset."""

from __future__ import annotations

from collections import Counter
from typing import Optional

from mmfake.errors import MMFakeError
from mmfake.faces.face_track import FaceTrack

from ..index_table import ERROR, Finding, IndexTable, Outcome

_AGAIN = 'delete this clip, or track, and prepare again'


def clip_unreadable(table: IndexTable) -> Outcome:
    """The clip of a used video is there and can be decoded to its end."""
    findings = []
    for row in table.used:
        if table.clips is None:
            error = '' if table.file(row['path']).exists() else 'it is not there'
        else:
            error = table.clips[row['path']].error
        if error:
            findings.append(Finding(ERROR, row.where, f'clip {row["path"]}: {error}', _AGAIN))
    return Outcome(len(table.used), 'clips', findings)


def clip_size(table: IndexTable) -> Outcome:
    """A clip is as wide and as high as the index says, or as most others if it says nothing."""
    if table.clips is None:
        return Outcome(0, 'clips', skipped='--no-decode')
    rows = [row for row in table.used if not table.clips[row['path']].error]
    seen = Counter(size for row in rows for size in table.clips[row['path']].sizes)
    usual = str(seen.most_common(1)[0][0][0]) if seen else ''
    findings = []
    for row in rows:
        side = int(float(row['size'] or usual))
        sizes = table.clips[row['path']].sizes
        if sizes != {(side, side)}:
            shown = ' and '.join(f'{width}x{height}' for width, height in sorted(sizes))
            what = f'clip {row["path"]} is {shown} px and not {side}x{side}'
            findings.append(Finding(ERROR, row.where, what, _AGAIN))
    return Outcome(len(rows), 'clips', findings)


def clip_frames(table: IndexTable) -> Outcome:
    """A clip has the frames that the index says, and decord, which others use, sees as many."""
    if table.clips is None:
        return Outcome(0, 'clips', skipped='--no-decode')
    rows = [row for row in table.used if not table.clips[row['path']].error]
    findings = []
    for row in rows:
        facts = table.clips[row['path']]
        what = []
        if row.frames not in (None, facts.frames):
            what.append(f'the index says {row.frames}')
        if facts.decord_frames not in (None, facts.frames):
            what.append(f'decord counts {facts.decord_frames}')
        if what:
            what = f'clip {row["path"]} has {facts.frames} frames, {" and ".join(what)}'
            findings.append(Finding(ERROR, row.where, what, _AGAIN))
    return Outcome(len(rows), 'clips', findings)


def clip_exchanged(table: IndexTable) -> Outcome:
    """The bytes of a clip are those that data preparation wrote."""
    if 'clip_hash' not in table.columns:
        return Outcome(0, 'clips', skipped='the index has no column clip_hash')
    if table.clips is None:
        return Outcome(0, 'clips', skipped='--no-decode')
    rows = [row for row in table.used if row['clip_hash'] and not table.clips[row['path']].error]
    findings = [
        Finding(ERROR, row.where, f'clip {row["path"]} is not the one that was prepared', _AGAIN)
        for row in rows
        if table.clips[row['path']].digest != row['clip_hash']
    ]
    return Outcome(len(rows), 'clips', findings)


def track_missing(table: IndexTable) -> Outcome:
    """The face boxes of a used video are there, at least one per frame of its clip."""
    if 'track' not in table.columns:
        return Outcome(0, 'tracks', skipped='the index has no column track')
    findings = []
    for row in table.used:
        fault = _track_fault(table, row['track'], row.frames)
        if fault:
            findings.append(Finding(ERROR, row.where, fault, _AGAIN))
    return Outcome(len(table.used), 'tracks', findings)


def _track_fault(table: IndexTable, name: str, frames: Optional[int]) -> str:
    if not name:
        return 'the index names no track'
    try:
        boxes = len(FaceTrack.load(table.file(name)))
    except MMFakeError as error:
        return str(error)
    # that of a fake is its original's, and may go on after the fake has ended
    if frames is not None and boxes < frames:
        return f'track {name} has {boxes} boxes for {frames} frames'
    return ''
