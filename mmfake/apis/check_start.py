"""What a run starts from: the variables of its launcher and its checkpoint."""

from __future__ import annotations

import os

from ..compat import check_contents
from ..compat.checkpoints import load_from_local
from ..errors import MMFakeError

# launcher -> the variables it sets, and what sets them
_LAUNCHERS = {
    'pytorch': (
        'RANK LOCAL_RANK WORLD_SIZE MASTER_ADDR MASTER_PORT',
        'torchrun or tools/dist_train.sh and dist_test.sh',
    ),
    'slurm': (
        'SLURM_PROCID SLURM_NTASKS SLURM_NODELIST',
        'srun or tools/slurm_train.sh and slurm_test.sh',
    ),
    'mpi': (
        'OMPI_COMM_WORLD_LOCAL_RANK OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE MASTER_ADDR',
        'mpirun, with MASTER_ADDR set to the first machine',
    ),
}


def check_launcher(launcher: str) -> None:
    """Check that the process was started by the launcher it is told of.

    Args:
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        MMFakeError: If one of the launcher's variables is not set, or is no number.
    """
    variables, starts = _LAUNCHERS.get(launcher, ('', ''))
    absent = [name for name in variables.split() if not _is_set(name)]
    if absent:
        raise MMFakeError(
            f'--launcher {launcher}: the environment has no valid {absent[0]}, so this process was '
            f'not started by it; use {starts}, or drop --launcher for a single process.'
        )


def _is_set(name: str) -> bool:
    """All are numbers but the names of machines."""
    value = os.environ.get(name, '')
    return bool(value) if name.endswith(('ADDR', 'NODELIST')) else value.isdecimal()


def check_checkpoint(path: str, resume: bool = False) -> None:
    """Check the entries of a checkpoint before anything is written.

    Args:
        path (str): The file; one with a scheme, such as a URL, is left to the run itself.
        resume (bool): Whether a run is to be resumed from it. Defaults to False.

    Raises:
        MMFakeError: If it cannot be read, or an entry is absent or of another kind.
    """
    if '://' not in path:
        check_contents(load_from_local(path, 'cpu'), path, resume)
