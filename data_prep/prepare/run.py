"""A preparation from its list of videos to its index."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import List, Sequence

from rich.console import Console

from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.video_record import USED, VideoRecord
from mmfake.errors import MMFakeError, sample_of

from .closing_table import closing_table, time_line
from .earlier_rows import earlier_rows
from .index_file import Row, read_rows, write_rows
from .layout import Layout
from .one_run import logger, one_run
from .preparation import NotAllUsed, Preparation
from .settings import Settings
from .shard_facts import write_shard_facts


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
    settings.build_detector()  # what is missing for it is said before anything starts
    layout = Layout(Path(args.out), settings.format)
    index, mine = layout.index(args.shard.name), args.shard.select(videos)
    preparation = Preparation(mine, layout, settings)
    stands = Counter(preparation.look().values())
    share = f' of shard {args.shard.number}/{args.shard.count}' if args.shard.name else ''
    print(
        f'{len(mine)} videos{share}: {stands["done"]} done before, {stands["to do"]} to do, '
        f'{stands["missing"]} missing'
    )
    if args.dry_run:
        return 0
    with one_run(index):
        logger.info('%d videos, %s', len(mine), settings)
        kept, dropped = earlier_rows(read_rows(index), mine, layout, settings)
        if args.shard.name:
            write_shard_facts(index, videos, settings)
        try:
            _prepare(preparation, index, kept, args)
        except NotAllUsed as first:
            print(f'--strict stops at {first}', file=sys.stderr)
            return 3
    rows = list(preparation.rows.values())
    _report(preparation, rows)
    if kept:
        print(f'{len(kept)} videos of earlier runs with other methods stay in the index')
    if dropped:
        print(f'{dropped} videos of earlier runs left the index: other settings, or other splits')
    unused = sum(row['status'] != USED for row in rows)
    print(f'index: {index}' + (f'; why {unused} are not used: its column reason' if unused else ''))
    return 3 if unused else 0


def _prepare(
    preparation: Preparation, index: Path, kept: List[Row], args: argparse.Namespace
) -> None:
    """Run; the index holds every video from the start, and how it stands at the latest end."""

    def write() -> None:
        write_rows(index, [*preparation.rows.values(), *kept])

    write()
    try:
        preparation.run(args.jobs, args.timeout, args.strict)
    except BaseException as error:
        logger.error('ended early: %r', error)
        with suppress(MMFakeError):  # on a full disk, say: the first error is the one to tell
            write()
        raise
    write()


def _report(preparation: Preparation, rows: List[Row]) -> None:
    """Print the closing table and what stands out."""
    Console(width=None if Console().is_terminal else 120).print(closing_table(rows))
    print(time_line(preparation.seconds, preparation.made))
    alone = [
        row
        for row in rows
        if row['status'] == USED and row['method'] != ORIGINAL and row['track_of'] == row['id']
    ]
    if alone and not preparation.settings.own_track:
        print(
            f'{len(alone)} fakes are cropped by a track of their own, as their original is not '
            f'used or has another shape: {sample_of(row["id"] for row in alone)}'
        )
    used = sum(row['status'] == USED for row in rows)
    logger.info('%d used, %d not', used, len(rows) - used)
