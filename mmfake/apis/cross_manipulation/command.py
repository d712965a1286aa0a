"""The command that makes the cross-manipulation table."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from mmengine.config import Config

from ...errors import MMFakeError
from .cell import Cell, find_cells, find_configs, place_in_table
from .cell_commands import CellCommands, bundled
from .cell_folder import CellFolder
from .cell_options import check_options, planned_config
from .collect_runs import collect_runs
from .draw_embeddings import draw_embeddings
from .matrix_report import write_matrix_report
from .provenance import commit, versions
from .run_cell import is_finished
from .run_matrix import run_matrix

_EPILOG = """\
Every cell is trained and tested by tools/train.py and tools/test.py in a folder of its own,
DIR/<regime>_holdout_<method>/seed_<s>. Start the same command again to go on: finished cells are
skipped, an interrupted one is resumed from its last checkpoint. A cell that fails is listed at the
end, its log is train.log or test.log in its folder.

DIR gets table.csv, table.md (to be read), table.json (everything), comparison.md (beside the
paper), comparisons.csv (every pair), and the figures heat_map, intervals, roc, confusion (.png,
.svg).

  python tools/cross_manipulation.py --work-dir work_dirs/mini --scale mini --seeds 0 1 2

exit status: 0 all cells are finished, or printed (--dry-run), 2 a mistake in the call, 3 some cells
are not finished, or refused (--dry-run), 130 interrupted
"""


def cross_manipulation(argv: Optional[Sequence[str]] = None) -> int:
    """Train, test and compare regimes; ``tools/cross_manipulation.py --help`` says how.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None, those of the process.

    Returns:
        int: Exit status.

    Raises:
        MMFakeError: The call has a mistake, or a file cannot be read or written.
    """
    args = _parse(argv)
    work_dir = Path(args.work_dir)
    embedded = None if args.embedding_of is None else _cell_named(args.embedding_of)
    if args.collect_only:
        cells = _chosen(args, find_cells(work_dir), embedded)
        return _report(work_dir, cells, embedded, _call(argv), complain=True)
    commands = CellCommands(
        Path(args.configs) if args.configs else bundled('configs') / 'mtl',
        work_dir,
        _run_options(args),
        args.launcher,
        args.gpus,
        args.partition,
    )
    known = find_configs(commands.configs)
    if not known:
        raise MMFakeError(f'{commands.configs}: no config named <regime>_holdout_<method>.py here')
    seeds = args.seeds or [0]
    everything = [Cell(one.regime, one.holdout, seed) for one in known for seed in seeds]
    cells = _chosen(args, everything, embedded)
    planned = [
        (cell, planned_config(commands.configs / cell.config, cell.seed, commands.options))
        for cell in cells
    ]
    if args.dry_run:
        return _print_scripts(planned, commands)
    outcomes = run_matrix(planned, commands, args.jobs, args.tidy)
    failed = [outcome for outcome in outcomes if not outcome.ok]
    for outcome in failed:
        print(f'{outcome.state}: {outcome.cell.name}: {outcome.reason}', file=sys.stderr)
    if any(outcome.ok for outcome in outcomes):
        _report(work_dir, cells, embedded, _call(argv))
    return 3 if failed else 0


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Train and test every regime on every held-out manipulation with every seed, '
        'and make tables and figures of it.',
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--work-dir', required=True, metavar='DIR', help='folder of all cells')
    parser.add_argument(
        '--regimes', nargs='+', default=['all'], help='e.g. bin_ce bin_con (default: all)'
    )
    parser.add_argument('--holdouts', nargs='+', default=['all'], help='e.g. df f2f (default: all)')
    parser.add_argument(
        '--seeds', nargs='+', type=_seed, help='(default: 0; with --collect-only: all)'
    )
    parser.add_argument(
        '--configs',
        metavar='DIR',
        help='folder of configs <regime>_holdout_<method>.py (default: configs/mtl)',
    )
    parser.add_argument('--scale', help='as for tools/train.py')
    parser.add_argument('--data-root', metavar='DIR', help='as for tools/train.py')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', help='of every cell')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm'], default='none')
    parser.add_argument(
        '--gpus', type=int, default=1, metavar='N', help='processes of a cell (default: 1)'
    )
    parser.add_argument('--partition', default='', help='partition of Slurm')
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        metavar='J',
        help='cells at a time, each on GPUs of its own where there are enough (default: 1)',
    )
    parser.add_argument(
        '--tidy',
        action='store_true',
        help='remove epoch_*.pth from finished cells; the best checkpoint stays',
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='print the commands, write and run nothing'
    )
    parser.add_argument(
        '--collect-only', action='store_true', help='only tables and figures of what is finished'
    )
    parser.add_argument(
        '--embedding-of',
        metavar='REGIME/HOLDOUT/SEED',
        help='also draw a map of the test embeddings of this cell, e.g. bin_ce/f2f/0',
    )
    args = parser.parse_args(argv)
    if args.launcher == 'none' and args.gpus != 1:
        parser.error('--gpus needs --launcher pytorch or slurm')
    if args.launcher == 'slurm' and not args.partition:
        parser.error('--launcher slurm needs --partition')
    if min(args.jobs, args.gpus) < 1:
        parser.error('--jobs and --gpus must be at least 1')
    check_options(args.cfg_options or ())
    return args


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 1 << 32:  # as numpy wants it
        raise argparse.ArgumentTypeError(f'{text} is not a whole number from 0 to 2**32 - 1')
    return int(text)


def _call(argv: Optional[Sequence[str]]) -> str:
    words = sys.argv[1:] if argv is None else argv
    return shlex.join(['tools/cross_manipulation.py', *words])


def _run_options(args: argparse.Namespace) -> List[str]:
    options = [
        word
        for name in ('scale', 'data_root')
        if getattr(args, name)
        for word in (f'--{name.replace("_", "-")}', getattr(args, name))
    ]
    return options + (['--cfg-options', *args.cfg_options] if args.cfg_options else [])


def _chosen(
    args: argparse.Namespace, known: Sequence[Cell], embedded: Optional[Cell]
) -> List[Cell]:
    """The cells that the call names, or says are all."""
    for key in ('regime', 'holdout'):
        wanted, there = getattr(args, f'{key}s'), sorted({getattr(cell, key) for cell in known})
        wrong = [name for name in wanted if name != 'all' and name not in there]
        if wrong:
            raise MMFakeError(
                f'--{key}s {wrong[0]}: no such {key}; there are: {", ".join(there) or "none"}'
            )
    cells = [
        cell
        for cell in known
        if ('all' in args.regimes or cell.regime in args.regimes)
        and ('all' in args.holdouts or cell.holdout in args.holdouts)
        and (not args.seeds or cell.seed in args.seeds)
    ]
    if not cells:
        raise MMFakeError(f'{args.work_dir}: none of the cells asked for is here')
    if embedded is not None and embedded not in cells:
        raise MMFakeError(
            f'--embedding-of {args.embedding_of}: is none of the {len(cells)} cells of this call, '
            f'such as {cells[0].regime}/{cells[0].holdout}/{cells[0].seed}'
        )
    return sorted(set(cells), key=place_in_table)


def _cell_named(text: str) -> Cell:
    parts = text.split('/')
    if len(parts) != 3 or not parts[2].isdecimal():
        raise MMFakeError(f'--embedding-of {text}: write REGIME/HOLDOUT/SEED, e.g. bin_ce/f2f/0')
    return Cell(parts[0], parts[1], int(parts[2]))


def _print_scripts(planned: Sequence[Tuple[Cell, Config]], commands: CellCommands) -> int:
    """Print the commands of ``--dry-run``; its exit status."""
    refused = 0
    for place, (cell, cfg) in enumerate(planned):
        try:
            done = is_finished(CellFolder(commands.work_dir / cell.name), cfg)
        except MMFakeError as error:
            refused += 1
            print(f'# {cell.name}: refused: {error}')
            continue
        print(f'# {cell.name}' + (': finished' if done else ''))
        if not done:
            print(commands.script(cell, place))
    return 3 if refused else 0


def _report(
    work_dir: Path,
    cells: Sequence[Cell],
    embedded: Optional[Cell],
    call: str,
    complain: bool = False,
) -> int:
    """Write tables and figures of the finished cells; the exit status of ``--collect-only``."""
    runs, lost = collect_runs(work_dir, cells)
    for cell, reason in lost.items() if complain else ():
        print(f'not in the table: {cell.name}: {reason}', file=sys.stderr)
    if not runs:
        raise MMFakeError(f'{work_dir}: no cell is finished, so there is nothing to collect')
    # of the table; what a run is made of, its own options among it, is in its info
    made_by = dict(call=call, commit=commit(), versions=versions())
    inputs = dict(work_dir=str(work_dir), made_by=made_by)
    write_matrix_report(runs, work_dir, inputs, [cell.name for cell in lost])
    if embedded in lost:
        print(f'no map of embeddings: {embedded.name} is not finished', file=sys.stderr)
    elif embedded is not None:
        draw_embeddings(CellFolder(work_dir / embedded.name), embedded, work_dir)
    print(f'{len(runs)} of {len(cells)} cells: {work_dir / "table.md"}')
    return 3 if lost else 0
