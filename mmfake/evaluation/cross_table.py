"""The cross-manipulation table: regimes x hold-outs x seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Optional, Sequence, Union

import pandas as pd

from .compare_regimes import compare_regimes
from .cross_markdown import cross_markdown
from .grid_table import grid_table
from .paper_comparison import paper_comparison
from .run_scores import RunScores
from .table_files import comparison_table, run_record, write_json, write_text


def write_cross_table(
    runs: Sequence[RunScores],
    out_dir: Union[str, Path],
    inputs: Optional[Mapping[str, Any]] = None,
    note: str = '',
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Write ``table.csv``, ``.md`` and ``.json``, ``comparisons.csv`` and ``comparison.md``.

    ``table.csv`` has one row a cell; ``table.md`` is to be read: the table, and in words which
    differences between regimes are resolved; ``comparisons.csv`` has every pair; ``table.json``
    holds all of that, every run under the paper's protocol and every input; ``comparison.md`` is
    the table beside the paper's. The same runs in another order give the same numbers.

    Args:
        runs (Sequence[RunScores]): The finished runs; the table keeps the order in which regimes
            and hold-outs first appear.
        out_dir (str | Path): Folder of the five files, made if it is missing.
        inputs (Mapping, optional): What ``table.json`` says of all runs, such as commit and
            versions; anything JSON can hold. Defaults to None.
        note (str): First paragraph of ``table.md``, such as what the data is. Defaults to ``''``.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        pandas.DataFrame: The table, see :func:`~.grid_table.grid_table`.

    Raises:
        MMFakeError: There is no run, a cell has a seed twice, manipulated videos are not those of
            the hold-out, runs contradict each other on a label, or a file cannot be written.
    """
    for run in runs:
        run.check_holdout(f'{run.regime}, hold-out {run.holdout}, seed {run.seed}')
    table = grid_table(runs, n_bootstrap=n_bootstrap, seed=seed)
    comparisons = compare_regimes(runs, n_bootstrap=n_bootstrap, seed=seed)
    write_text(Path(out_dir, 'table.csv'), table.to_csv(index=False))
    write_text(Path(out_dir, 'table.md'), cross_markdown(runs, table, comparisons, note))
    pairs = comparison_table(comparisons)
    write_text(Path(out_dir, 'comparisons.csv'), pairs.to_csv(index=False))
    described = dict(
        inputs=dict(inputs or {}),
        bootstrap=dict(replicates=n_bootstrap, seed=seed, confidence=0.95),
        cells=table.to_dict('records'),
        runs=[run_record(run) for run in runs],
        comparisons=pairs.to_dict('records'),
    )
    write_json(Path(out_dir, 'table.json'), described)
    write_text(Path(out_dir, 'comparison.md'), paper_comparison(runs, table))
    return table
