"""Points of the face for a dataset prepared earlier: ``python data_prep/add_points.py --help``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the checkout, not this folder

import argparse
import csv
from typing import Dict, List, Optional, Sequence

from data_prep.prepare.preparation import one_run
from data_prep.prepare.settings import Layout, Settings
from data_prep.prepare.video_job import VideoJob
from mmfake.console import ProgressBar, run_command
from mmfake.datasets.index import read_index
from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.protocol import VideoRecord
from mmfake.errors import MMFakeError, sample_of
from mmfake.faces.clip_points import points_in_clip, write_points
from mmfake.faces.face_track import FaceTrack
from mmfake.files import atomic_file

DESCRIPTION = """\
Add to a dataset that an earlier version prepared the points of the face in each clip of an
original, which the forgeries made while training need (synthetic=('sbi',) and others). They are
computed from the face tracks: nothing is decoded or encoded, and the raw videos need not be there.
The index gets the column points. Points that are there stay; datasets prepared now have them."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Add the points as the command line says; 3 if some originals get none."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('index', type=Path, metavar='INDEX', help='index.csv of a prepared dataset')
    path = parser.parse_args(arguments).index
    read_index(str(path))  # which says what is wrong with it
    with one_run(path):
        with open(path, encoding='utf-8-sig', newline='') as stream:
            reader = csv.DictReader(stream)
            rows, columns = list(reader), list(reader.fieldnames)
        originals = [r for r in rows if (r['method'], r['status']) == (ORIGINAL, 'used')]
        before = sum(_has_points(row, path.parent) for row in originals)
        reasons: Dict[str, str] = {}
        with ProgressBar(time_left=True) as bar:
            for row in bar.track(originals, description='originals'):
                if not _has_points(row, path.parent):
                    reason = _add(row, path.parent)
                    if reason:
                        reasons[row['id']] = reason
        if 'points' not in columns:
            columns.append('points')
        _write(path, columns, rows)
    added = len(originals) - before - len(reasons)
    print(f'{len(originals)} originals: {added} have points now, {before} had them before')
    for reason in sorted(set(reasons.values())):
        names = [name for name, why in reasons.items() if why == reason]
        print(f'{len(names)} get none: {reason} ({sample_of(names)})')
    return 3 if reasons else 0


def _has_points(row: Dict[str, str], root: Path) -> bool:
    return bool(row.get('points')) and (root / row['points']).is_file()


def _add(row: Dict[str, str], root: Path) -> str:
    """Write the points of an original and note them in its row and record; or say why not."""
    if not (row.get('track') and row.get('margin') and row.get('size')):
        return 'the index does not say how the clip was cut out'
    try:
        track = FaceTrack.load(root / row['track'])
    except MMFakeError:
        return 'the face track cannot be read'
    if track.points is None:
        return f'the face detector {row.get("detector")} finds no points'
    dataset, method, compression, stem = row['id'].split('/')
    video = VideoRecord(
        dataset, method, compression, stem, row['target'], row['source'], row['split'], ''
    )
    layout = Layout(root)
    write_points(
        layout.points(video), points_in_clip(track, float(row['margin']), int(row['size']))
    )
    row['points'] = layout.relative(layout.points(video))
    # from the records the index is written anew when the dataset is prepared again
    job = VideoJob(video, layout, Settings())
    record = job.read_record()
    if record is not None:
        job.write_record(dict(record, facts=dict(record['facts'], points=row['points'])))
    return ''


def _write(path: Path, columns: List[str], rows: List[Dict[str, str]]) -> None:
    """Write the index with all the columns that it had."""
    with atomic_file(path, 'the index') as temporary, open(
        temporary, 'w', encoding='utf-8', newline=''
    ) as stream:
        writer = csv.DictWriter(stream, columns, restval='', lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)


if __name__ == '__main__':
    run_command(main)
