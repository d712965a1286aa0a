"""What speaks against reading runs as one table."""

from __future__ import annotations

from typing import Dict, List, Sequence

from ...errors import sample_of
from ...evaluation.scores import RunScores


def doubts(runs: Sequence[RunScores]) -> List[str]:
    """Say what speaks against reading the runs as one table.

    Args:
        runs (Sequence[RunScores]): The runs, with the ``info`` of
            :func:`~.collect_runs.collect_runs`.

    Returns:
        list[str]: Sentences.
    """
    found = []
    settings: Dict[str, set] = {}
    checkpoints: Dict[str, List[str]] = {}
    for run in runs:
        cell = f'{run.regime}/{run.holdout}'
        settings.setdefault(cell, set()).add(run.info['settings_without_seed'])
        name = f'{cell}, seed {run.seed}'
        checkpoints.setdefault(run.info['checkpoint_sha256'], []).append(name)
    mixed = [cell for cell, names in settings.items() if len(names) > 1]
    if mixed:
        found.append(f'Seeds of one cell were trained with different settings: {sample_of(mixed)}.')
    for digest, names in checkpoints.items():
        if digest and len(names) > 1:
            found.append(
                f'One and the same checkpoint stands for {len(names)} runs: {" and ".join(names)}; '
                'a training that is counted twice has no spread.'
            )
    for key, what in (('commit', 'commits'), ('data_root', 'data roots')):
        values = sorted({str(run.info[key]) for run in runs})
        if len(values) > 1:
            found.append(f'The runs are of different {what}: {sample_of(values)}.')
    for key, what in (
        ('processes', 'numbers of processes'),
        ('total_batch', 'total batch sizes'),
    ):
        numbers = sorted({number for run in runs for number in run.info.get(key, ())})
        if len(numbers) > 1:
            found.append(f'The runs were trained with different {what}: {sample_of(numbers)}.')
    return found
