"""Robustness table: AUC by kind and level of degradation, means and drop rates with intervals."""

from __future__ import annotations

import math
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd

from .scores import RunScores
from .statistics import binary_metrics, has_single, joint_counts, replicate_metrics
from .tables import COUNTS, markdown_table

CLEAN = 'clean'
MEAN, DROP = 'mean', 'drop'
"""str: Kinds of a row that is a mean over kinds, or the mean loss in parts of the clean AUC."""

# Table 2 of the paper of the joint embedding: FF++ c23 test, each figure the mean of levels 1 to 4
PUBLISHED_KINDS = ('patch', 'noise', 'blur', 'pixelate')
PUBLISHED = {
    'Face X-ray': (98.37, 97.72, 51.13, 88.98, 92.33),
    'CNND': (99.56, 96.25, 57.25, 92.61, 90.10),
    'LipForensics': (99.90, 88.63, 80.00, 96.62, 96.63),
    'joint embedding without augmentation': (98.66, 92.47, 73.12, 55.20, 57.17),
    'joint embedding': (98.49, 97.65, 82.85, 87.31, 90.70),
}
"""dict[str, tuple]: Detector -> video AUC in %, clean and of :data:`PUBLISHED_KINDS`."""

_COLUMNS = (
    *('detector', 'kind', 'level', 'seeds', 'n_seeds', *COUNTS),
    *('value', 'sd_seeds', 'low', 'high'),
)


def column_of(kind: str, level: int) -> str:
    """Name a column, ``'noise 3'``, or ``'clean'`` for level 0."""
    return f'{kind} {level}' if level else CLEAN


def robustness_table(
    runs: Sequence[RunScores],
    kinds: Sequence[str],
    levels: Sequence[int],
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute AUCs of each detector by kind and level, their means, and the drop rate.

    The mean of a kind is that over the levels; ``mean`` is that over the kinds, and ``drop`` is
    ``(clean - mean) / clean``. Intervals are percentiles over videos, drawn alike for all cells of
    a detector, of the mean over its seeds. A mean needs all of its cells: with a detector that
    lacks one, or a seed that does, it is not there.

    Args:
        runs (Sequence[RunScores]): ``holdout`` is the column, as :func:`column_of` names it.
        kinds (Sequence[str]): Those that the mean is over, in the order of the rows.
        levels (Sequence[int]): Those that the mean of a kind is over.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.
        confidence (float): Level of the intervals. Defaults to 0.95.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        pandas.DataFrame: One row a detector, kind and level: ``detector``, ``kind`` (``clean``,
        those given, ``mean``, ``drop``), ``level`` (a number as text, or ``mean``), ``seeds``,
        ``n_seeds``, :data:`~mmfake.evaluation.tables.COUNTS` (of the cell with the fewest scored
        videos), ``value``, ``sd_seeds`` (NaN with one seed), ``low`` and ``high``.
    """
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    rows = []
    for detector in dict.fromkeys(run.regime for run in runs):
        mine = [run for run in runs if run.regime == detector]
        counts = {(run.holdout, run.seed): run.counts() for run in mine}
        aucs = _aucs(mine, n_bootstrap, seed)
        for kind, level, columns in _rows(kinds, levels):
            # a seed counts if it has all cells of the row
            seeds = sorted({one for _, one in aucs if all((name, one) in aucs for name in columns)})
            if not seeds:
                continue
            values = [_summary([aucs[name, one] for name in columns], kind) for one in seeds]
            mean = np.mean(values, axis=0)  # (1 + B,)
            low, high = np.quantile(mean[1:], tails) if n_bootstrap else (math.nan, math.nan)
            fewest = min(
                (counts[name, one] for name in columns for one in seeds),
                key=lambda count: count['n_scored'],
            )
            spread = np.std([value[0] for value in values], ddof=1) if seeds[1:] else math.nan
            row = dict(detector=detector, kind=kind, level=level)
            row.update(seeds=' '.join(map(str, seeds)), n_seeds=len(seeds), **fewest)
            rows.append(dict(row, value=mean[0], sd_seeds=spread, low=low, high=high))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _rows(kinds: Sequence[str], levels: Sequence[int]) -> Iterator[Tuple[str, str, List[str]]]:
    """Kind, level and columns of each row of a detector."""
    yield CLEAN, '0', [CLEAN]
    for kind in kinds:
        for level in levels:
            yield kind, str(level), [column_of(kind, level)]
        yield kind, MEAN, [column_of(kind, level) for level in levels]
    everything = [column_of(kind, level) for kind in kinds for level in levels]
    if everything:
        yield MEAN, MEAN, everything
        yield DROP, MEAN, [CLEAN, *everything]


def _aucs(
    runs: Sequence[RunScores], n_bootstrap: int, seed: int
) -> Dict[Tuple[str, int], np.ndarray]:
    """AUC of each run, by column and seed: of its videos, then of the replicates, (1 + B,)."""
    frames = [run.scored for run in runs]
    found = {}
    for run, frame, drawn in zip(runs, frames, joint_counts(frames, n_bootstrap, seed)):
        arrays = frame['label'].to_numpy(), frame['score'].to_numpy()
        value = binary_metrics(*arrays)['auc']
        undefined = math.isnan(value) or has_single(arrays[0])
        replicates = (
            np.full(n_bootstrap, math.nan)
            if undefined
            else replicate_metrics(*arrays, drawn)['auc']
        )
        found[run.holdout, run.seed] = np.r_[value, replicates]
    return found


def _summary(aucs: Sequence[np.ndarray], kind: str) -> np.ndarray:
    """The mean of some cells, or how much of the first is lost on average in the others."""
    if kind != DROP:
        return np.mean(aucs, axis=0)
    with np.errstate(invalid='ignore', divide='ignore'):  # where the clean AUC of a draw is 0
        return 1 - np.mean(aucs[1:], axis=0) / aucs[0]


# --- Markdown -------------------------------------------------------------------------------------


def levels_markdown(table: pd.DataFrame, detector: str) -> str:
    """Lay out the AUC of one detector: a line for each kind, a column for each level."""
    mine = table[(table['detector'] == detector) & ~table['kind'].isin([MEAN, DROP, CLEAN])]
    levels = list(dict.fromkeys(mine['level']))
    cells = {(row['kind'], row['level']): row for _, row in mine.iterrows()}
    lines = [
        [kind, *(_text(cells.get((kind, level))) for level in levels)]
        for kind in dict.fromkeys(mine['kind'])
    ]
    headings = [level if level == MEAN else f'level {level}' for level in levels]
    return markdown_table(['kind', *headings], lines)


def summary_markdown(table: pd.DataFrame, kinds: Sequence[str]) -> str:
    """Lay out all detectors: clean, the mean of each kind, their mean, the drop rate in %."""
    cells = {(row['detector'], row['kind'], row['level']): row for _, row in table.iterrows()}
    columns = [(CLEAN, '0'), *((kind, MEAN) for kind in (*kinds, MEAN, DROP))]
    lines = []
    for name in dict.fromkeys(table['detector']):
        row = cells.get((name, *columns[0]))
        n = '-' if row is None else f'{row["n_original"]:.0f} + {row["n_manipulated"]:.0f}'
        lines.append([name, n, *(_text(cells.get((name, *column))) for column in columns)])
    headings = [*(kind for kind, _ in columns[:-1]), 'drop (% of clean)']
    return markdown_table(['detector', 'n', *headings], lines)


def published_markdown() -> str:
    """Lay out the published Table 2, with its means and drop rates as they follow from it."""
    lines = []
    for name, (clean, *others) in PUBLISHED.items():
        mean = sum(others) / len(others)
        numbers = (clean, *others, mean, 100 * (1 - mean / clean))
        lines.append([name, *(f'{number:.2f}' for number in numbers)])
    return markdown_table(['detector', CLEAN, *PUBLISHED_KINDS, MEAN, 'drop (% of clean)'], lines)


def _text(row: Optional[pd.Series]) -> str:
    """``0.912 ± 0.010 [0.857, 0.957]``, a drop rate in %; ``-`` where there is none."""
    if row is None or math.isnan(row['value']):
        return '-'
    scale, form = (100, '.1f') if row['kind'] == DROP else (1, '.3f')
    value, spread, low, high = (
        f'{scale * row[key]:{form}}' for key in ('value', 'sd_seeds', 'low', 'high')
    )
    text = value if row['n_seeds'] == 1 else f'{value} ± {spread}'
    return f'{text} [-]' if math.isnan(row['low']) else f'{text} [{low}, {high}]'
