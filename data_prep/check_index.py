"""Audit of a prepared dataset: ``python data_prep/check_index.py --help``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the checkout, not this folder

import argparse
import os
from typing import Optional, Sequence

from data_prep.audit.index_table import ERROR, read_table
from data_prep.audit.inspection import TIMEOUT, inspect_clips, load_imagehash
from data_prep.audit.report import count_findings, format_report, write_json
from data_prep.audit.rules import RULES
from data_prep.audit.rules.split_rules import write_without_shared_sources
from mmfake.console import run_command
from mmfake.errors import MMFakeError

DESCRIPTION = """\
Look for leaks and damage in a prepared dataset: people in two splits, copies across splits, clips
that cannot be read or are not what the index says, originals and fakes that were not made alike.
Every finding is one line, with the rule, the place and what to do; a table ends it."""

EPILOG = """\
rules:
{rules}

exit status: 0 no error (there may be warnings), 3 errors, 2 the command could not be carried out

examples:
  python data_prep/check_index.py data/ffpp/index.csv
  python data_prep/check_index.py data/ffpp/index.csv --no-decode --json findings.json"""


def build_parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    rules = '\n'.join(f'  {name:21}  {_first_line(rule.__doc__)}' for name, rule in RULES.items())
    parser = argparse.ArgumentParser(
        description=DESCRIPTION,
        epilog=EPILOG.format(rules=rules),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('index', type=Path, metavar='INDEX', help='the index.csv of a prepared dataset')
    add(
        '--drop-shared-sources',
        type=Path,
        metavar='OUT.csv',
        help='also write an index without the recordings that FF++ has in two splits (the copy in '
        'the earlier split goes); OUT.csv lies beside INDEX',
    )
    add(
        '--jobs',
        type=int,
        default=os.cpu_count() or 1,
        metavar='J',
        help='processes that read clips (default: one per core, %(default)s here)',
    )
    add(
        '--timeout',
        type=float,
        default=TIMEOUT,
        metavar='S',
        help='seconds after which a clip counts as unreadable (default: %(default)g)',
    )
    add('--no-decode', action='store_true', help='do not open the clips: seconds, not minutes')
    add('--json', type=Path, metavar='FILE', help='also write all findings to a file')
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Check an index as the command line says; leaves with status 3 if there are errors."""
    args = build_parser().parse_args(arguments)
    if args.jobs < 1 or not args.timeout > 0:
        raise MMFakeError(f'--jobs {args.jobs} --timeout {args.timeout:g}: both must be above 0')
    table = read_table(args.index)
    if not args.no_decode:
        load_imagehash()  # what lacks is said before minutes are spent on reading
        files = {row['path']: table.file(row['path']) for row in table.used}
        table.clips = inspect_clips(files, args.jobs, args.timeout)
    outcomes = {name: rule(table) for name, rule in RULES.items()}
    print(format_report(table, outcomes))
    if args.json:
        write_json(args.json, table, outcomes)
    if args.drop_shared_sources:
        dropped = write_without_shared_sources(table, args.drop_shared_sources)
        print(f'{args.drop_shared_sources}: written without {dropped} videos')
    if count_findings(outcomes, ERROR):
        sys.exit(3)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0]


if __name__ == '__main__':
    run_command(main)
