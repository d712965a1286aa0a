"""Merging the indexes of shards: ``python data_prep/merge_index.py --help``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the checkout, not this folder

import argparse
import re
from typing import Dict, List, Optional, Sequence

from rich.console import Console

from data_prep.prepare.index_file import Row, closing_table, read_rows, write_rows
from data_prep.prepare.shards import family_of, read_shard_facts
from mmfake.console import run_command
from mmfake.errors import MMFakeError

DESCRIPTION = """\
Join index-1-of-n.csv ... index-n-of-n.csv, which prepare_ffpp.py --shard i/n wrote into one
folder, into index.csv. Refused if a shard lacks or did not finish, if a video is in two shards, or
if a shard holds what belongs to another: then they were made from different lists of videos."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Join shards as the command line says."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, metavar='DIR', help='the prepared dataset')
    args = parser.parse_args(arguments)
    rows = join_shards(args.out)
    write_rows(args.out / 'index.csv', rows)
    Console(width=None if Console().is_terminal else 120).print(closing_table(rows))
    print(f'index: {args.out / "index.csv"}, {len(rows)} videos')
    return 3 if any(row['status'] != 'used' for row in rows) else 0


def join_shards(out: Path) -> List[Row]:
    """Read the shards and check that they make a whole."""
    found: Dict[int, Dict[int, List[Row]]] = {}
    for path in out.glob('index-*-of-*.csv'):
        match = re.fullmatch(r'index-(\d+)-of-(\d+)\.csv', path.name)
        if match:
            found.setdefault(int(match[2]), {})[int(match[1])] = read_rows(path)
    if len(found) != 1:
        names = ', '.join(f'{len(shards)} of {count}' for count, shards in sorted(found.items()))
        raise MMFakeError(
            f'{out} holds shards of {len(found)} partitions ({names or "no index-i-of-n.csv"}): '
            'it needs those of one; remove the others, or make them with --shard i/n'
        )
    ((count, shards),) = found.items()
    lacking = [str(number) for number in range(1, count + 1) if number not in shards]
    if lacking:
        raise MMFakeError(
            f'{out} lacks shard {", ".join(lacking)} of {count}: run it with --shard i/{count}'
        )
    facts = {number: read_shard_facts(out / f'index-{number}-of-{count}.csv') for number in shards}
    for number, fact in facts.items():
        differ = sorted(key for key in {*fact, *facts[1]} if fact.get(key) != facts[1].get(key))
        if differ:
            raise MMFakeError(
                f'{out}: shards 1 and {number} of {count} were made with another '
                f'{", ".join(differ)}: run all shards with one command line'
            )
    _check_disjoint(shards, out)
    found_videos = sum(len(rows) for rows in shards.values())
    if found_videos != facts[1]['videos']:
        raise MMFakeError(
            f'{out}: the {count} shards hold {found_videos} of {facts[1]["videos"]} videos: run '
            'them again'
        )
    unfinished = {
        number
        for number, rows in shards.items()
        for row in rows
        if row['reason'].startswith('not prepared yet')
    }
    if unfinished:
        raise MMFakeError(
            f'{out}: shard {", ".join(map(str, sorted(unfinished)))} of {count} did not finish: '
            'run it again'
        )
    return [row for rows in shards.values() for row in rows]


def _check_disjoint(shards: Dict[int, List[Row]], out: Path) -> None:
    """Refuse videos that are in two shards, and families that are torn apart."""
    home: Dict[str, int] = {}
    for number, rows in shards.items():
        for row in rows:
            for name in (row['id'], family_of(row['id'], row['target'])):
                if home.setdefault(name, number) != number:
                    raise MMFakeError(
                        f'{out}: {row["id"]} is in shard {number}, {name} in shard {home[name]}: '
                        'make all shards anew from one list of videos'
                    )


if __name__ == '__main__':
    run_command(main)
