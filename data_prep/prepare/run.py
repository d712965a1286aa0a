"""A preparation from its list of videos to its index."""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from pathlib import Path
from typing import List, Sequence

from rich.console import Console

from mmfake.datasets.video_record import VideoRecord

from .closing_table import closing_table, time_line
from .index_file import Row, read_rows, write_rows
from .layout import Layout
from .preparation import Preparation, logger
from .settings import Settings


def run_preparation(
    videos: Sequence[VideoRecord], settings: Settings, args: argparse.Namespace
) -> int:
    """Prepare videos as a command line says.

    Args:
        videos (Sequence[VideoRecord]): All videos of the dataset.
        settings (Settings): How clips are made.
        args (argparse.Namespace): With ``out`` and the options of
            :func:`prepare.options.add_options`.

    Returns:
        int: Exit status: 0 if all are used, 3 if some are not.

    Raises:
        MMFakeError: If the detector cannot be used or something cannot be written.
    """
    out = Path(args.out)
    settings.build_detector()  # what is missing for it is said before anything starts
    layout = Layout(out, settings.format)
    videos = args.shard.select(videos)
    preparation = Preparation(videos, layout, settings)
    share = f' of shard {args.shard.number}/{args.shard.count}' if args.shard.name else ''
    stands = Counter(preparation.look().values())
    print(
        f'{len(videos)} videos{share}: {stands["done"]} done before, {stands["to do"]} to do, '
        f'{stands["missing"]} missing'
    )
    if args.dry_run:
        return 0
    index = layout.index(args.shard.name)
    kept = _others(read_rows(index), videos)
    _log_to(out / index.with_suffix('.log').name)
    logger.info('%d videos, %s', len(videos), settings)
    # From now on the index says of every video how it stands, also if this run is killed.
    write_rows(index, [*preparation.rows.values(), *kept])
    try:
        preparation.run(args.jobs, args.timeout, args.strict)
    finally:
        write_rows(index, [*preparation.rows.values(), *kept])
    rows = list(preparation.rows.values())
    console = Console(width=None if Console().is_terminal else 120)
    console.print(closing_table(rows))
    unused = sum(row['status'] != 'used' for row in rows)
    print(time_line(preparation.seconds, preparation.made))
    if kept:
        print(f'{len(kept)} videos of earlier runs with other methods stay in the index')
    print(f'index: {index}' + (f'; why {unused} are not used: its column reason' if unused else ''))
    logger.info('%d used, %d not', len(rows) - unused, unused)
    return 3 if unused else 0


def _others(rows: List[Row], videos: Sequence[VideoRecord]) -> List[Row]:
    """Choose the rows of an earlier index that this run does not touch."""
    names = {video.video_id for video in videos}
    return [row for row in rows if row['id'] not in names]


def _log_to(path: Path) -> None:
    """Append to a log file what happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding='utf-8')
    handler.setFormatter(logging.Formatter('%(asctime)s %(levelname)s %(message)s'))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
