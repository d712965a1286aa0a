"""From the folders of cells to the runs of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from ...errors import MMFakeError, sample_of
from ...evaluation.scores import RunScores, read_scores_file
from .cell import Cell
from .cell_config import SETTINGS_RULES, fingerprint, settings_of
from .cell_folder import CellFolder
from .cell_record import batches, has_record, make_record, read_record, write_record

_HIDDEN = ('regime', 'holdout', 'seed', 'threshold', 'dataset', 'test_order')


def collect_runs(work_dir: Path, cells: Sequence[Cell]) -> Tuple[List[RunScores], Dict[Cell, str]]:
    """Read the finished cells.

    A cell that was trained and tested by the printed commands, without this one, is finished too;
    its record is written now. A cell that is not what its folder says is none.

    Args:
        work_dir (Path): Folder of the matrix.
        cells (Sequence[Cell]): The cells wanted.

    Returns:
        tuple[list[RunScores], dict[Cell, str]]: The finished ones, in the order given, and why each
        of the others is none.
    """
    runs, lost = [], {}
    for cell in cells:
        try:
            runs.append(_run_of(cell, CellFolder(work_dir / cell.name)))
        except MMFakeError as error:
            lost[cell] = str(error)
    return runs, lost


def _run_of(cell: Cell, folder: CellFolder) -> RunScores:
    record = read_record(folder) if has_record(folder) else _record_of_hand_made(cell, folder)
    found = Cell(record['regime'], record['holdout'], record['seed'])
    if found != cell:
        raise MMFakeError(
            f'its cell.json is of {found.name}, so this is a copy or was renamed; remove it, or '
            'give it its name back'
        )
    frame = read_scores_file(folder.scores)
    run = RunScores(
        cell.regime,
        cell.holdout,
        cell.seed,
        frame,
        record['threshold'],
        record['dataset'],
        _info(record, folder),
        record['test_order'],
    )
    run.check_holdout(str(folder.scores))
    surplus = sorted(set(frame['video']) - set(record['test_order'] or frame['video']))
    if surplus:
        raise MMFakeError(
            f'the test_order of its cell.json lacks videos of its scores.csv ({sample_of(surplus)})'
            '; run the cell again'
        )
    return run


def _info(record: Dict[str, Any], folder: CellFolder) -> Dict[str, Any]:
    """What the table says of a run; a record of an earlier version is brought up to date."""
    info = {key: value for key, value in record.items() if key not in _HIDDEN}
    if 'processes' not in info:
        info.update(batches(folder))
    cfg = folder.training_config() if info.get('settings_rules') != SETTINGS_RULES else None
    if cfg is not None:
        info['settings_without_seed'] = fingerprint(settings_of(cfg), with_seed=False)
    return info


def _record_of_hand_made(cell: Cell, folder: CellFolder) -> Dict[str, Any]:
    cfg = folder.training_config()
    if cfg is None:
        raise MMFakeError('not begun')
    if not folder.is_tested():
        raise MMFakeError('not finished')
    seed = cfg.randomness.get('seed')
    if seed != cell.seed:
        raise MMFakeError(f'was trained with seed {seed}, but its folder says {cell.seed}')
    configs = sorted(path.name for path in folder.path.glob('*_holdout_*.py'))
    if configs and cell.config not in configs:  # the Runner leaves the config here
        raise MMFakeError(
            f'was trained with {configs[0]}, but its folder says {cell.config}; give it its name '
            'back'
        )
    record = make_record(cell, folder, cfg, command='by hand')
    write_record(folder, record)
    return record
