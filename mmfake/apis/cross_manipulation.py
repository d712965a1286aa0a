"""Cross-manipulation matrix: train, test and compare regimes x hold-outs x seeds, resumably."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from mmengine.config import Config

from ..errors import MMFakeError
from ..evaluation.cross_table import metric_tables
from ..evaluation.paper import PAPER_FIGURES
from ..files import write_text
from .cell import (
    Cell,
    CellCommands,
    bundled,
    find_cells,
    find_configs,
    is_finished,
    place_in_table,
    planned_config,
    versions,
)
from .matrix_report import collect_runs, draw_embeddings, readme_around, write_matrix_report
from .options import SettingsAction
from .run_cells import run_cells

_FAMILIES = ('mtl', 'frames')  # the folders of configs/ that make the table

# key -> why it has no effect
_WITHOUT_EFFECT = {
    'load_from': 'cells are trained with --resume, which starts from checkpoints of their own '
    "alone; set model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...) in a config",
    'resume': 'an interrupted cell is always resumed',
    'work_dir': 'use --work-dir',
    'launcher': 'use --launcher',
    'randomness.seed': 'use --seeds',
}


def cross_manipulation(
    work_dir: str,
    regimes: Optional[Sequence[str]] = None,
    holdouts: Sequence[str] = ('all',),
    seeds: Optional[Sequence[int]] = None,
    configs: Optional[str] = None,
    scale: Optional[str] = None,
    data_root: Optional[str] = None,
    compression: Optional[str] = None,
    cfg_options: Sequence[str] = (),
    launcher: str = 'none',
    gpus: int = 1,
    partition: str = '',
    jobs: int = 1,
    tidy: bool = False,
    dry_run: bool = False,
    collect_only: bool = False,
    embedding_of: Optional[str] = None,
    update_readme: Optional[str] = None,
) -> int:
    """Train and test every regime on every held-out manipulation with every seed, and compare.

    Args:
        work_dir (str): Folder of all cells, tables and figures.
        regimes (Sequence[str], optional): Keys of regimes, or ``'all'`` that there are. Defaults to
            None: the rows of the paper's table; all with ``configs`` or ``collect_only``.
        holdouts (Sequence[str]): Keys of manipulations, or ``'all'``. Defaults to ``('all',)``.
        seeds (Sequence[int], optional): Seeds of the trainings. Defaults to None: 0, or all that
            are there with ``collect_only``.
        configs (str, optional): Folder of configs ``<regime>_holdout_<method>.py``.
            Defaults to None, the bundled ``configs/mtl`` and ``configs/frames``.
        scale (str, optional): As for ``tools/train.py``. Defaults to None.
        data_root (str, optional): As for ``tools/train.py``. Defaults to None.
        compression (str, optional): As for ``tools/train.py``. Defaults to None.
        cfg_options (Sequence[str]): Words ``KEY=VALUE`` for every cell. Defaults to ``()``.
        launcher (str): ``'none'``, ``'pytorch'`` or ``'slurm'``. Defaults to ``'none'``.
        gpus (int): Processes of a cell. Defaults to 1.
        partition (str): Partition of Slurm. Defaults to ``''``.
        jobs (int): Cells at a time. Defaults to 1.
        tidy (bool): Whether checkpoints that only ``--resume`` needs are removed from finished
            cells. Defaults to False.
        dry_run (bool): Whether the commands are printed and not run. Defaults to False.
        collect_only (bool): Whether only tables and figures are made. Defaults to False.
        embedding_of (str, optional): ``REGIME/HOLDOUT/SEED`` of a cell whose test embeddings are
            drawn. Defaults to None.
        update_readme (str, optional): README whose generated tables are replaced by those of
            ``table.md``, with ``collect_only``. Defaults to None.

    Returns:
        int: Exit status: 0 all cells are finished (printed), 3 some are not (are refused).

    Raises:
        MMFakeError: The call has a mistake, or a file cannot be read or written.
        KeyboardInterrupt: On Ctrl-C or SIGTERM, after the running commands were ended.
    """
    folder = Path(work_dir)
    regimes = regimes or (['all'] if configs or collect_only else list(PAPER_FIGURES))
    embedded = None if embedding_of is None else _cell_named(embedding_of)
    if collect_only:
        cells = _chosen(find_cells(folder), regimes, holdouts, seeds, embedded, work_dir)
        return _report(folder, cells, embedded, complain=True, readme=update_readme)

    # the cells and their configs: a mistake ends here, before anything is written
    settings = dict(scale=scale, data_root=data_root, compression=compression)
    words = []
    for key, value in settings.items():
        words += [f'--{key.replace("_", "-")}', value] if value else []
    words += ['--cfg-options', *cfg_options] if cfg_options else []
    settings['options'] = _parsed(cfg_options)
    places = [Path(configs)] if configs else [bundled('configs') / name for name in _FAMILIES]
    known = find_configs(places)
    if not known:
        raise MMFakeError(f'{places[0]}: no config named <regime>_holdout_<method>.py here')
    commands = CellCommands(known, folder, words, launcher, gpus, partition)
    everything = [Cell(one.regime, one.holdout, seed) for one in known for seed in seeds or [0]]
    cells = _chosen(everything, regimes, holdouts, seeds, embedded, work_dir)
    planned = [
        (cell, planned_config(commands.config(cell), cell.seed, **settings)) for cell in cells
    ]
    if dry_run:
        return _print_scripts(planned, commands)

    # run them, then make tables of what is finished
    outcomes = run_cells(planned, commands, jobs, tidy)
    failed = [outcome for outcome in outcomes if outcome.state == 'failed']
    for outcome in failed:
        print(f'failed: {outcome.cell.name}: {outcome.reason}', file=sys.stderr)
    if len(failed) < len(outcomes):
        _report(folder, cells, embedded)
    return 3 if failed else 0


# --- which cells ----------------------------------------------------------------------------------


def _parsed(words: Sequence[str]) -> Optional[Dict]:
    """The settings that ``--cfg-options`` gives; refuses those that would silently do nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=SettingsAction)
    options = parser.parse_args(['--cfg-options', *words] if words else []).cfg_options
    for key in _WITHOUT_EFFECT.keys() & (options or {}):
        raise MMFakeError(f'--cfg-options {key}: has no effect here; {_WITHOUT_EFFECT[key]}')
    return options


def _cell_named(text: str) -> Cell:
    parts = text.split('/')
    if len(parts) != 3 or not parts[2].isdecimal():
        raise MMFakeError(f'--embedding-of {text}: write REGIME/HOLDOUT/SEED, e.g. bin_ce/f2f/0')
    return Cell(parts[0], parts[1], int(parts[2]))


def _chosen(
    known: Sequence[Cell],
    regimes: Sequence[str],
    holdouts: Sequence[str],
    seeds: Optional[Sequence[int]],
    embedded: Optional[Cell],
    work_dir: str,
) -> List[Cell]:
    """The cells that the call names, or says are all."""
    for key, wanted in (('regime', regimes), ('holdout', holdouts)):
        there = sorted({getattr(cell, key) for cell in known})
        wrong = [name for name in wanted if name != 'all' and name not in there]
        if wrong:
            raise MMFakeError(
                f'--{key}s {wrong[0]}: no such {key}; there are: {", ".join(there) or "none"}'
            )
    cells = [
        cell
        for cell in known
        if ('all' in regimes or cell.regime in regimes)
        and ('all' in holdouts or cell.holdout in holdouts)
        and (not seeds or cell.seed in seeds)
    ]
    if not cells:
        raise MMFakeError(f'{work_dir}: none of the cells asked for is here')
    if embedded is not None and embedded not in cells:
        raise MMFakeError(
            f'--embedding-of {embedded.regime}/{embedded.holdout}/{embedded.seed}: is none of the '
            f'{len(cells)} cells of this call, such as '
            f'{cells[0].regime}/{cells[0].holdout}/{cells[0].seed}'
        )
    return sorted(set(cells), key=place_in_table)


# --- what is printed and written ------------------------------------------------------------------


def _print_scripts(planned: Sequence[Tuple[Cell, Config]], commands: CellCommands) -> int:
    """Print the commands of ``--dry-run``; its exit status."""
    refused = 0
    for place, (cell, cfg) in enumerate(planned):
        try:
            done = is_finished(commands.work_dir / cell.name, cfg)
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
    complain: bool = False,
    readme: Optional[str] = None,
) -> int:
    """Write tables and figures of the finished cells; the exit status of ``--collect-only``."""
    runs, lost = collect_runs(work_dir, cells)
    for cell, reason in lost.items() if complain else ():
        print(f'not in the table: {cell.name}: {reason}', file=sys.stderr)
    if not runs:
        raise MMFakeError(f'{work_dir}: no cell is finished, so there is nothing to collect')
    inputs = dict(work_dir=str(work_dir), versions=versions())
    around = readme_around(readme) if readme else None
    table = write_matrix_report(runs, work_dir, inputs, [cell.name for cell in lost])
    if around:
        text = f'{around[0]}\n{metric_tables(table)}\n{around[1]}'
        write_text(readme, text, 'the README')
        print(f'wrote the tables into {readme}')
    if embedded in lost:
        print(f'no map of embeddings: {embedded.name} is not finished', file=sys.stderr)
    elif embedded is not None:
        draw_embeddings(work_dir / embedded.name, embedded, work_dir)
    print(f'{len(runs)} of {len(cells)} cells: {work_dir / "table.md"}')
    return 3 if lost else 0
