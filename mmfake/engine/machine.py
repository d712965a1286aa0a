"""Machine of a run: its cores and GPUs by process, and what of a config they cannot do."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Mapping, Optional

from ..errors import MMFakeError

# launcher -> what it numbers the processes of a machine with
_LOCAL_RANKS = dict(pytorch='LOCAL_RANK', slurm='SLURM_LOCALID', mpi='OMPI_COMM_WORLD_LOCAL_RANK')
_LOCAL_SIZES = ('LOCAL_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_SIZE')  # torchrun's, mpirun's


def cores_at_hand() -> int:
    """Cores that this process may use: its own under Slurm, else its share of the machine's."""
    if hasattr(os, 'sched_getaffinity'):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    for name in _LOCAL_SIZES:
        if name in os.environ:  # also inside a Slurm job, whose one task they are then
            return max(1, cores // int(os.environ[name]))
    # Slurm may, or may not, bind a task to its cores
    return min(cores, int(os.environ.get('SLURM_CPUS_PER_TASK', cores)))


def loader_workers(most: int) -> int:
    """Workers of a data loader: one for each core at hand, and no more than so many.

    How many there are changes no sample, see :class:`mmfake.datasets.samplers.SeededStream`.
    """
    return min(most, cores_at_hand())


def has_gpu() -> bool:
    """Whether torch can use a GPU here; CUDA itself is not started."""
    import torch  # not for a command line that asks for cores

    return torch.cuda.is_available()


def has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16; False also where it does not tell."""
    try:
        facts = Path('/proc/cpuinfo').read_text(encoding='utf-8')
    except OSError:  # not on Linux
        return False
    return re.search(r'\b(avx512_bf16|amx_bf16|bf16)\b', facts) is not None


def check_gpus(launcher: str) -> None:
    """Refuse more processes than GPUs, where there are any.

    Args:
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        MMFakeError: This process has no GPU of its own.
    """
    if launcher == 'none' or not has_gpu():
        return
    import torch

    rank, gpus = int(os.environ.get(_LOCAL_RANKS[launcher], 0)), torch.cuda.device_count()
    if rank >= gpus:
        raise MMFakeError(
            f'--launcher {launcher}: process {rank + 1} of this machine sees {gpus} GPU'
            f'{"s" * (gpus > 1)}, and needs one of its own; start at most {gpus} here, or let each '
            'see all GPUs of the machine (Slurm: --gres, not --gpus-per-task).'
        )


def check_abilities(cfg: Mapping[str, Any], trains: bool) -> None:
    """Refuse what of a config this machine cannot do, or what does harm.

    Args:
        cfg (Config): Config of a run.
        trains (bool): Whether it is a training.

    Raises:
        MMFakeError: ``sync_bn`` is unknown or cannot work here, or ``compile`` is set.
    """
    whole = cfg.get('compile')
    if trains and whole:
        raise MMFakeError(
            f'compile={whole}: mmengine would compile the whole training step, anew for each set '
            'of labels; compile the encoder alone: '
            '--cfg-options default_hooks.accelerator.compile=True.'
        )
    kind = cfg.get('sync_bn')
    if kind not in (None, 'torch', 'mmcv'):
        raise MMFakeError(f"sync_bn={kind!r} is unknown; set 'torch', 'mmcv' or leave it out.")
    if kind is None or cfg.get('launcher', 'none') == 'none':  # one process has none to ask
        return
    if trains and not has_gpu():
        raise MMFakeError(f'sync_bn={kind} needs GPUs, and there is none here; leave it out.')
    from mmengine.model.utils import mmcv_full_available

    if kind == 'mmcv' and not mmcv_full_available():
        raise MMFakeError(
            'sync_bn=mmcv needs the full mmcv, and mmcv-lite is installed; set sync_bn=torch.'
        )


def prepare_determinism(cfg: Mapping[str, Any]) -> None:
    """Set what cuBLAS asks for where a config wants deterministic algorithms, before CUDA starts.

    Args:
        cfg (Config): Config of a run.
    """
    if (cfg.get('randomness') or {}).get('deterministic'):
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')


def determinism_mistake(error: Exception) -> Optional[str]:
    """Say what has no deterministic implementation here, None if the error is another one."""
    import torch

    text = ' '.join(str(error).split())
    found = re.search(r'(\w+) does not have a deterministic implementation', text)
    if found:
        return (
            f'--deterministic: torch {torch.__version__} has no deterministic {found[1]}; drop the '
            'option, take a newer torch, or an encoder without that operation.'
        )
    if 'CUBLAS_WORKSPACE_CONFIG' in text:
        value = os.environ.get('CUBLAS_WORKSPACE_CONFIG')
        return f'--deterministic: CUBLAS_WORKSPACE_CONFIG is {value!r}; set it to :4096:8.'
    return None
