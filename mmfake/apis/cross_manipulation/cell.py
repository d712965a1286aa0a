"""One cell of the matrix: a network to train and test."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import List

from ...datasets.protocol import manipulation_keys
from ...evaluation.paper import PAPER_FIGURES

_FOLDER = re.compile(r'(.+)_holdout_([a-z0-9]+)')
_SEED = re.compile(r'seed_(\d+)')


@dataclass(frozen=True)
class Cell:
    """A regime trained without one manipulation, with one seed.

    Args:
        regime (str): Key of the regime, e.g. ``'bin_ce'``.
        holdout (str): Key of the manipulation kept for the test.
        seed (int): Seed of the training.
    """

    regime: str
    holdout: str
    seed: int

    @property
    def name(self) -> str:
        """str: Its folder below the work dir, e.g. ``'bin_ce_holdout_df/seed_0'``."""
        return f'{self.regime}_holdout_{self.holdout}/seed_{self.seed}'

    @property
    def config(self) -> str:
        """str: File name of its config, e.g. ``'bin_ce_holdout_df.py'``."""
        return f'{self.regime}_holdout_{self.holdout}.py'


def find_cells(work_dir: Path) -> List[Cell]:
    """List the cells that have a folder.

    Args:
        work_dir (Path): Folder of the matrix.

    Returns:
        list[Cell]: In the order of the table.
    """
    cells = []
    for folder in work_dir.glob('*_holdout_*/seed_*'):
        parts, seed = _FOLDER.fullmatch(folder.parent.name), _SEED.fullmatch(folder.name)
        if parts and seed and folder.is_dir():
            cells.append(Cell(parts[1], parts[2], int(seed[1])))
    return sorted(cells, key=place_in_table)


def find_configs(folder: Path) -> List[Cell]:
    """List the configs of a folder, ``<regime>_holdout_<method>.py``.

    Args:
        folder (Path): Folder of configs.

    Returns:
        list[Cell]: One a config, with seed 0, in the order of the table.
    """
    names = (_FOLDER.fullmatch(path.stem) for path in folder.glob('*_holdout_*.py'))
    return sorted((Cell(found[1], found[2], 0) for found in names if found), key=place_in_table)


def place_in_table(cell: Cell) -> tuple:
    """Sort cells as the paper does: its regimes first, manipulations as in their table.

    Args:
        cell (Cell): A cell.

    Returns:
        tuple: A key to sort by.
    """
    orders = (cell.regime, list(PAPER_FIGURES)), (cell.holdout, manipulation_keys(everything=True))
    places = [(order.index(key) if key in order else len(order), key) for key, order in orders]
    return (*places, cell.seed)
