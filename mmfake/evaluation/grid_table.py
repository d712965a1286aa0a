"""Metrics of every cell of a table of runs."""

from __future__ import annotations

from typing import Dict, List, Sequence

import numpy as np
import pandas as pd

from ..errors import MMFakeError
from .binary_metrics import binary_metrics
from .bootstrap import replicate_metrics
from .joint_bootstrap import joint_counts
from .run_scores import RunScores

MEAN = 'mean'
"""str: The column of the means over the hold-outs."""

COUNTS = ('n_expected', 'n_scored', 'n_original', 'n_manipulated')


def grid_table(
    runs: Sequence[RunScores],
    with_mean: bool = True,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute the metrics of each regime on each hold-out, and of the mean over hold-outs.

    A metric is the mean over seeds. Beside it stand, apart from each other, the spread over seeds
    and the uncertainty from the choice of videos: the standard deviation over seeds of the same
    videos' metric, and a percentile bootstrap interval over videos of the mean of these networks
    (see :func:`~.joint_bootstrap.joint_counts`).

    Args:
        runs (Sequence[RunScores]): The runs; rows and columns keep the order of first appearance.
        with_mean (bool): Whether a column ``mean`` follows. A row that lacks a hold-out has none,
            and its seeds are those that all its hold-outs have. Defaults to True.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.
        confidence (float): Level of the intervals. Defaults to 0.95.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        pandas.DataFrame: One row a cell: ``regime``, ``holdout``, ``seeds`` (such as ``'0 1 2'``),
        ``n_seeds``, :data:`COUNTS` (of the seed with the fewest scored videos; sums in column
        ``mean``), and for each metric of :func:`~.binary_metrics.binary_metrics` ``x``,
        ``x_sd_seeds`` (NaN with one seed), ``x_low`` and ``x_high``.

    Raises:
        MMFakeError: There is no run, or a cell has a seed twice.
    """
    if not runs:
        raise MMFakeError('a table needs at least one run; give some scores')
    holdouts = list(dict.fromkeys(run.holdout for run in runs))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    rows = []
    for regime in dict.fromkeys(run.regime for run in runs):
        cells = {name: _cell(runs, regime, name) for name in holdouts}
        cells = {name: cell for name, cell in cells.items() if cell}
        for holdout, cell in cells.items():
            values = _values(cell)
            replicates = _replicates(cell, n_bootstrap, seed).groupby('replicate').mean()
            counts = min((run.counts() for run in cell), key=lambda count: count['n_scored'])
            seeds = [run.seed for run in cell]
            rows.append(_row(regime, holdout, seeds, counts, values, replicates, tails))
        if with_mean and len(cells) == len(holdouts):
            seeds = sorted(set.intersection(*({run.seed for run in cells[n]} for n in holdouts)))
            kept = [run for cell in cells.values() for run in cell if run.seed in seeds]
            if not kept:
                continue
            values = _values(kept).groupby('seed').agg(lambda value: value.mean(skipna=False))
            replicates = _replicates(kept, n_bootstrap, seed).groupby('replicate').mean()
            counts = {key: sum(row[key] for row in rows[-len(holdouts) :]) for key in COUNTS}
            rows.append(_row(regime, MEAN, seeds, counts, values, replicates, tails))
    return pd.DataFrame(rows)


def _cell(runs: Sequence[RunScores], regime: str, holdout: str) -> List[RunScores]:
    """The runs of one cell by seed."""
    cell = [run for run in runs if (run.regime, run.holdout) == (regime, holdout)]
    cell.sort(key=lambda run: run.seed)
    seeds = [run.seed for run in cell]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise MMFakeError(
            f'regime {regime}, hold-out {holdout}: seed {twice[0]} is there twice; keep one run'
        )
    return cell


def _values(runs: Sequence[RunScores]) -> pd.DataFrame:
    """Metrics of each run, indexed by its seed."""
    rows = []
    for run in runs:
        scored = run.scored
        arrays = scored['label'].to_numpy(), scored['score'].to_numpy()
        rows.append(binary_metrics(*arrays, run.threshold))
    return pd.DataFrame(rows, index=pd.Index([run.seed for run in runs], name='seed'))


def _replicates(runs: Sequence[RunScores], n_bootstrap: int, seed: int) -> pd.DataFrame:
    """Metrics of each run (B rows each), indexed by replicate."""
    frames = [run.scored for run in runs]
    index = pd.RangeIndex(n_bootstrap, name='replicate')
    parts = [
        pd.DataFrame(
            replicate_metrics(
                frame['label'].to_numpy(), frame['score'].to_numpy(), counts, run.threshold
            ),
            index=index,
        )
        for run, frame, counts in zip(runs, frames, joint_counts(frames, n_bootstrap, seed))
        if len(frame)
    ]
    return pd.concat(parts) if parts else pd.DataFrame(index=index)


def _row(
    regime: str,
    holdout: str,
    seeds: Sequence[int],
    counts: Dict[str, int],
    values: pd.DataFrame,
    replicates: pd.DataFrame,
    tails: Sequence[float],
) -> Dict[str, object]:
    row: Dict[str, object] = dict(regime=regime, holdout=holdout, seeds=' '.join(map(str, seeds)))
    row.update(n_seeds=len(seeds), **counts)
    for name in values:
        # a metric that one seed does not define is undefined, not the mean of the others
        row[name] = value = values[name].mean(skipna=False)
        row[f'{name}_sd_seeds'] = values[name].std(ddof=1, skipna=False)
        ends = [np.nan, np.nan] if np.isnan(value) else replicates[name].quantile(tails)
        row[f'{name}_low'], row[f'{name}_high'] = ends
    return row
