"""The command lines of a cell."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence

from .cell import Cell

_BUNDLED = Path(__file__).resolve().parents[2] / '.mim'
_FIRST_PORT, _PORTS = 29500, 1000  # mmengine's own default, and how many are used from there


def bundled(folder: str) -> Path:
    """Find a folder that comes with the package.

    Args:
        folder (str): ``'tools'`` or ``'configs'``.

    Returns:
        Path: Where it is, relative if the current folder is a checkout.
    """
    here = Path(folder)
    inside = _BUNDLED / folder
    return here if here.is_dir() and inside.is_dir() and here.samefile(inside) else inside


@dataclass(frozen=True)
class CellCommands:
    """Writes the commands that train and test a cell.

    Args:
        configs (Path): Folder of the configs.
        work_dir (Path): Folder of the matrix.
        options (Sequence[str]): Options of both commands, e.g. ``['--scale', 'mini']``.
        launcher (str): ``'none'``, ``'pytorch'`` or ``'slurm'``. Defaults to ``'none'``.
        gpus (int): Processes of a run; one with launcher ``'none'``. Defaults to 1.
        partition (str): Partition of Slurm. Defaults to ``''``.
    """

    configs: Path
    work_dir: Path
    options: Sequence[str]
    launcher: str = 'none'
    gpus: int = 1
    partition: str = ''

    def train(self, cell: Cell, place: int = 0) -> List[str]:
        """Write the training command.

        Args:
            cell (Cell): The cell.
            place (int): Its place in the matrix: it decides the port that its processes meet at
                where two runs may share a machine. Defaults to 0.

        Returns:
            list[str]: Words.
        """
        return [*self._start('train', cell, place), *self._shared(cell, place), '--seed'] + [
            str(cell.seed),
            '--resume',
        ]

    def test(self, cell: Cell, checkpoint: Optional[Path], place: int = 0) -> List[str]:
        """Write the test command.

        Args:
            cell (Cell): The cell.
            checkpoint (Path, optional): Its best checkpoint; None leaves the word out.
            place (int): As for :meth:`train`. Defaults to 0.

        Returns:
            list[str]: Words.
        """
        given = [] if checkpoint is None else [str(checkpoint)]
        return [*self._start('test', cell, place), *given, *self._shared(cell, place)]

    def script(self, cell: Cell, place: int = 0) -> str:
        """Write both commands for a shell, which itself looks for the best checkpoint.

        As :func:`.run_cell` does, it tests nothing if the training has failed, and the latest of
        the best checkpoints, as a kill may have left a former one.

        Args:
            cell (Cell): The cell.
            place (int): As for :meth:`train`. Defaults to 0.

        Returns:
            str: One line.
        """
        folder = shlex.quote(str(self.work_dir / cell.name))
        # without the published copies, whose names end in a hash
        best = f"find {folder} -maxdepth 1 -name 'best_*.pth' ! -name '*-????????.pth'"
        best += ' | sort -V | tail -n 1'
        start, shared = self._start('test', cell, place), self._shared(cell, place)
        words = [_join(start), f'"$({best})"', _join(shared)]
        return f'{_join(self.train(cell, place))} && {" ".join(words)}'

    def _start(self, what: str, cell: Cell, place: int) -> List[str]:
        tools, config = bundled('tools'), str(self.configs / cell.config)
        script = str(tools / f'{what}.py')
        if self.launcher == 'slurm':
            variables = [f'MASTER_PORT={_FIRST_PORT + place % _PORTS}', f'GPUS={self.gpus}']
            variables.append(f'GPUS_PER_NODE={min(self.gpus, 8)}')
            job = cell.name.replace('/', '_')
            return [
                *('env', *variables, 'bash', str(tools / f'slurm_{what}.sh')),
                *(self.partition, job, config),
            ]
        if self.launcher == 'pytorch':
            # standalone: a free port for each run
            launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node']
            return [_python(), *launch, str(self.gpus), script, config]
        return [_python(), script, config]

    def _shared(self, cell: Cell, place: int) -> List[str]:
        words = ['--work-dir', str(self.work_dir / cell.name), *self.options]
        return [*words, '--launcher', 'pytorch'] if self.launcher == 'pytorch' else words


def _python() -> str:
    found = shutil.which('python')
    same = found is not None and Path(found).absolute() == Path(sys.executable).absolute()
    return 'python' if same else sys.executable


def _join(words: Sequence[str]) -> str:
    return ' '.join(map(shlex.quote, words))
