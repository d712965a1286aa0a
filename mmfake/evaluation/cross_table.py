"""Cross-manipulation table: table.csv, table.md, table.json, comparisons.csv."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import pandas as pd

from ..datasets.protocol import method_name
from ..files import atomic_file
from .comparisons import Comparison, PairedDifference, compare_regimes
from .paper import paper_comparison, paper_compat, regime_name
from .scores import RunScores
from .tables import HEADINGS, MEAN, grid_markdown, grid_table
from .verdicts import describe_comparisons, verdict

_METRICS = ('acc', 'auc')


def run_record(run: RunScores) -> Dict[str, Any]:
    """Describe a run for a JSON file.

    Args:
        run (RunScores): The run.

    Returns:
        dict[str, Any]: What it is, its counts and its accuracy under the paper's protocol.
    """
    return dict(
        regime=run.regime,
        holdout=run.holdout,
        seed=run.seed,
        dataset=run.dataset,
        threshold=run.threshold,
        **run.counts(),
        paper_protocol=paper_compat(run.frame, order=run.test_order),
        info=dict(run.info),
    )


def comparison_table(comparisons: Dict[str, List[Comparison]]) -> pd.DataFrame:
    """Flatten comparisons, one row a pair.

    Args:
        comparisons (dict[str, list[Comparison]]): As
            :func:`~.compare_regimes.compare_regimes` makes them.

    Returns:
        pandas.DataFrame: ``holdout``, the counts of :class:`~.compare_runs.Comparison`, and
        ``acc_x`` and ``auc_x`` for each field ``x`` of :class:`~.compare_runs.PairedDifference` and
        ``x = verdict``.
    """
    counts = [field.name for field in fields(Comparison) if field.name not in _METRICS]
    found = [*(field.name for field in fields(PairedDifference)), 'verdict']
    columns = ['holdout', *counts, *(f'{metric}_{key}' for metric in _METRICS for key in found)]
    rows = []
    for holdout, pairs in comparisons.items():
        for one in pairs:
            row = dict(holdout=holdout, **asdict(one))
            for metric in _METRICS:
                row.update({f'{metric}_{key}': value for key, value in row.pop(metric).items()})
                row[f'{metric}_verdict'] = verdict(one, metric)
            rows.append(row)
    return pd.DataFrame(rows, columns=columns)  # without a pair, a header alone


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all.

    Args:
        path (Path): The file; missing folders are made.
        text (str): What it holds.

    Raises:
        MMFakeError: It cannot be written.
    """
    with atomic_file(path, 'the table') as temporary:
        temporary.write_text(text, encoding='utf-8')


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all; a number that is not defined becomes null.

    Args:
        path (Path): The file; missing folders are made.
        content (Mapping): What it holds.

    Raises:
        MMFakeError: It cannot be written.
    """
    write_text(path, json.dumps(_without_nan(content), indent=1, ensure_ascii=False) + '\n')


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN, and other readers refuse a file with one."""
    if isinstance(value, Mapping):
        return {str(key): _without_nan(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def cross_markdown(
    runs: Sequence[RunScores],
    table: pd.DataFrame,
    comparisons: Dict[str, List[Comparison]],
    note: str = '',
) -> str:
    """Write the page of the table.

    Args:
        runs (Sequence[RunScores]): The runs.
        table (pandas.DataFrame): Their :func:`~.grid_table.grid_table`.
        comparisons (dict[str, list[Comparison]]): Their
            :func:`~.compare_regimes.compare_regimes`.
        note (str): First paragraph. Defaults to ``''``.

    Returns:
        str: Markdown.
    """
    seeds = sorted({run.seed for run in runs})
    lost = [run for run in runs if run.counts()['n_scored'] < run.counts()['n_expected']]
    pages = ['# Cross-manipulation table', note]
    for metric in ('acc', 'auc'):
        pages.append(f'**{HEADINGS[metric][0].upper()}{HEADINGS[metric][1:]}**')
        pages.append(grid_markdown(table, [metric], row_name=regime_name))
    pages += [
        'Each column is tested on originals and the method named, which training has not seen. '
        'Mean over seeds ± standard deviation over seeds [95 % bootstrap interval over videos of '
        'the mean of these networks]: the spread over seeds is not part of the interval. '
        f'Seeds: {", ".join(map(str, seeds))}. n: originals + manipulated videos.',
        _incomplete(table, len(seeds)),
        '' if not lost else 'Not every video was scored: ' + '; '.join(map(_lost_text, lost)) + '.',
        '## Which differences are resolved',
        'Paired on the same videos: AUC by DeLong, accuracy at 0.5 by McNemar (exact). "Resolved '
        'over videos and seeds" asks in one test what other videos and other seeds would change: '
        "their variances add up, that of the seeds pooled over the regimes (Student's t, Welch and "
        'Satterthwaite). p-values are corrected for the number of pairs (Holm) within a hold-out '
        'and metric, intervals are not; resolved means at most 0.05, over videos alone too. '
        'Videos are taken as independent. Every pair is in comparisons.csv.',
    ]
    for holdout, pairs in comparisons.items():
        where = f'{method_name(holdout)} held out'
        lines = describe_comparisons(pairs, where, name_of=regime_name)
        pages.append('\n'.join(f'- {line}' for line in lines) or f'{where}: one regime only.')
    return '\n\n'.join(page for page in pages if page) + '\n'


def _incomplete(table: pd.DataFrame, n_seeds: int) -> str:
    cells = table[table['holdout'] != MEAN]
    few = cells[cells['n_seeds'] < n_seeds]
    expected = cells['regime'].nunique() * cells['holdout'].nunique()
    text = []
    if len(cells) < expected:
        text.append(f'{expected - len(cells)} of {expected} cells have no run ("-").')
    if len(few):
        shown = [f'{row["regime"]}/{row["holdout"]} ({row["seeds"]})' for _, row in few.iterrows()]
        text.append(f'Fewer seeds than the others: {", ".join(shown)}.')
    return ' '.join(text)


def _lost_text(run: RunScores) -> str:
    counts = run.counts()
    return (
        f'{run.regime}/{run.holdout}, seed {run.seed}: '
        f'{counts["n_scored"]} of {counts["n_expected"]}'
    )


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
