"""From the folders of cells to the runs of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from ...errors import MMFakeError, sample_of
from ...evaluation.run_scores import RunScores
from ...evaluation.scores_file import read_scores_file
from .cell import Cell
from .cell_folder import CellFolder
from .cell_record import has_record, make_record, read_record, write_record


def collect_runs(work_dir: Path, cells: Sequence[Cell]) -> Tuple[List[RunScores], Dict[Cell, str]]:
    """Read the finished cells.

    A cell that was trained and tested by the printed commands, without this one, is finished too;
    its record is written now.

    Args:
        work_dir (Path): Folder of the matrix.
        cells (Sequence[Cell]): The cells wanted.

    Returns:
        tuple[list[RunScores], dict[Cell, str]]: The finished ones, in the order given, and why each
        of the others is none.
    """
    runs, lost = [], {}
    for cell in cells:
        folder = CellFolder(work_dir / cell.name)
        try:
            record = read_record(folder) or _record_of_hand_made(cell, folder)
            frame = read_scores_file(folder.scores)
        except MMFakeError as error:
            lost[cell] = str(error)
            continue
        hidden = ('regime', 'holdout', 'seed', 'threshold', 'dataset', 'test_order')
        info = {key: value for key, value in record.items() if key not in hidden}
        run = RunScores(
            cell.regime,
            cell.holdout,
            cell.seed,
            frame,
            record['threshold'],
            record['dataset'],
            info,
            record['test_order'],
        )
        run.check_holdout(str(folder.scores))
        runs.append(run)
    return runs, lost


def doubts(runs: Sequence[RunScores]) -> List[str]:
    """Say what speaks against reading the runs as one table.

    Args:
        runs (Sequence[RunScores]): The runs.

    Returns:
        list[str]: Sentences.
    """
    found = []
    settings: Dict[str, set] = {}
    for run in runs:
        cell = f'{run.regime}/{run.holdout}'
        settings.setdefault(cell, set()).add(run.info['settings_without_seed'])
    mixed = [cell for cell, names in settings.items() if len(names) > 1]
    if mixed:
        found.append(f'Seeds of one cell were trained with different settings: {sample_of(mixed)}.')
    for key, what in (('commit', 'commits'), ('data_root', 'data roots')):
        values = sorted({str(run.info[key]) for run in runs})
        if len(values) > 1:
            found.append(f'The runs are of different {what}: {sample_of(values)}.')
    return found


def _record_of_hand_made(cell: Cell, folder: CellFolder) -> dict:
    if has_record(folder):
        raise MMFakeError('its scores.csv is not the one that was recorded; run the cell again')
    cfg = folder.training_config()
    if cfg is None:
        raise MMFakeError('not begun')
    if not folder.is_tested():
        raise MMFakeError('not finished')
    seed = cfg.randomness.get('seed')
    if seed != cell.seed:
        raise MMFakeError(f'was trained with seed {seed}, but its folder says {cell.seed}')
    record = make_record(cell, folder, cfg, command='by hand')
    write_record(folder, record)
    return record
