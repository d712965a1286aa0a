"""Picture index: videos of which there are only pictures, indexed where they are."""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path
from typing import Dict, List, Sequence

from rich.console import Console

from mmfake.console import ProgressBar
from mmfake.datasets.index import COLUMNS
from mmfake.datasets.protocol import USED
from mmfake.errors import MMFakeError
from mmfake.files import write_text

from ..listings.pictures import PictureRecord
from .index_file import Row, closing_table, make_row, write_rows
from .options import changed_options
from .preparation import one_run
from .settings import Layout

PICTURE_COLUMNS = (*COLUMNS, 'sparse')
"""tuple[str]: The columns of the index; ``sparse`` is ``yes`` where frames do not follow."""


def index_pictures(
    videos: Sequence[PictureRecord], args: argparse.Namespace, left_out: int = 0
) -> int:
    """Write an index of pictures as a command line says; gives its exit status.

    Nothing is copied, cut out or encoded: ``pictures/<method>/<compression>/<stem>.pictures`` names
    the pictures of a video, see :class:`mmfake.video.stored_clip.PictureList`. The status is 3 if a
    video is not used or lacks pictures. ``left_out`` counts entries of the lists that no video
    could be made of.

    Raises:
        MMFakeError: If an option is for whole videos, or the folder holds a prepared dataset.
    """
    for option in changed_options(args, kept=('dry_run',)):
        raise MMFakeError(
            f'{option} is for whole videos: pictures of DeepfakeBench are taken as they are'
        )
    layout = Layout(args.out)
    index = layout.index()
    _check_index(index)
    used = [video for video in videos if video.status == USED]
    print(f'{len(videos)} videos: {len(used)} with pictures, {len(videos) - len(used)} missing')
    if args.dry_run:
        return 0
    with one_run(index):
        rows = _write(videos, layout)
        write_rows(index, rows, PICTURE_COLUMNS)
    Console(width=None if Console().is_terminal else 120).print(closing_table(rows))
    frames = [video.frames for video in used]
    if used:
        sparse = sum(video.sparse for video in used)
        print(
            f'{sum(frames)} pictures, {min(frames)} to {max(frames)} a video; of {sparse} videos '
            'they do not follow one another: for detectors of single frames'
        )
    unused, lacking = len(videos) - len(used), sum(bool(video.reason) for video in used)
    print(
        f'index: {index}'
        + (f'; why {unused} are not used: its column reason' if unused else '')
        + (f'; {lacking} lack some of their pictures' if lacking else '')
    )
    if left_out:
        print(f'entries that are left out: {left_out}, see the warning above')
    return 3 if unused or lacking or left_out else 0


def _check_index(index: Path) -> None:
    """Make sure that no dataset of clips is written over."""
    if not index.is_file():
        return
    with open(index, encoding='utf-8-sig', newline='') as stream:
        columns = next(csv.reader(stream), [])
    if columns != list(PICTURE_COLUMNS):
        raise MMFakeError(f'{index} is of a dataset of clips: choose another --out')


def _write(videos: Sequence[PictureRecord], layout: Layout) -> List[Row]:
    """Write what names the pictures of each video, and make the rows of the index."""
    rows = []
    with ProgressBar(time_left=True) as bar:
        for video in bar.track(videos, description='videos'):
            facts: Dict[str, str] = dict(status=video.status, reason=video.reason)
            if video.status == USED:
                place = layout.pictures(video)
                folder = os.path.realpath(place.parent)
                lines = [os.path.relpath(os.path.realpath(p), folder) for p in video.pictures]
                write_text(place, '\n'.join(lines) + '\n', 'the list of pictures')
                facts.update(
                    path=layout.relative(place),
                    frames=str(video.frames),
                    sparse='yes' if video.sparse else '',
                )
            rows.append(make_row(video, layout.root, facts, columns=PICTURE_COLUMNS))
    return rows
