"""Cross-manipulation table: the files table.csv, .md and .json, comparisons.csv, comparison.md."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

import pandas as pd

from ..errors import sample_of
from ..files import write_json, write_text
from .comparisons import (
    NETWORKS,
    RESOLVED,
    Comparison,
    PairedDifference,
    compare_regimes,
    verdict,
)
from .paper import drops_batch, paper_comparison, paper_compat, regime_name
from .scores import RunScores
from .tables import HEADINGS, MEAN, grid_markdown, grid_table, markdown_table, report_card


def write_cross_table(
    runs: Sequence[RunScores],
    out_dir: Union[str, Path],
    inputs: Optional[Mapping[str, Any]] = None,
    note: str = '',
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Write ``table.csv``, ``.md`` and ``.json``, ``comparisons.csv`` and ``comparison.md``.

    ``table.csv`` has one row a cell; ``table.md`` is to be read: the table, and which differences
    between regimes are resolved; ``comparisons.csv`` has every pair; ``table.json`` holds all of
    that, every run under the paper's protocol and every input; ``comparison.md`` is the table
    beside the paper's. The same runs in another order give the same numbers.

    Args:
        runs (Sequence[RunScores]): The finished runs; the table keeps the order in which regimes
            and hold-outs first appear.
        out_dir (str | Path): Folder of the five files, made if it is missing.
        inputs (Mapping, optional): What ``table.json`` says of all runs, such as versions; anything
            JSON can hold. Defaults to None.
        note (str): First paragraph of ``table.md``, such as what the data is. Defaults to ``''``.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        pandas.DataFrame: The table, see :func:`~mmfake.evaluation.tables.grid_table`.

    Raises:
        MMFakeError: There is no run, a cell has a seed twice, manipulated videos are not those of
            the hold-out, runs contradict each other on a label, or a file cannot be written.
    """
    for run in runs:
        run.check_holdout(f'{run.regime}, hold-out {run.holdout}, seed {run.seed}')
    table = grid_table(runs, n_bootstrap=n_bootstrap, seed=seed)
    comparisons = compare_regimes(runs, n_bootstrap=n_bootstrap, seed=seed)
    pairs = comparison_table(comparisons)
    described = dict(
        inputs=dict(inputs or {}),
        bootstrap=dict(replicates=n_bootstrap, seed=seed, confidence=0.95),
        cells=table.to_dict('records'),
        runs=[run_record(run) for run in runs],
        comparisons=pairs.to_dict('records'),
    )
    out_dir, what = Path(out_dir), 'the table'
    write_text(out_dir / 'table.csv', table.to_csv(index=False), what)
    write_text(out_dir / 'table.md', _page(runs, table, comparisons, note), what)
    write_text(out_dir / 'comparisons.csv', pairs.to_csv(index=False), what)
    write_json(out_dir / 'table.json', described, what)
    write_text(out_dir / 'comparison.md', paper_comparison(runs, table), what)
    return table


def run_record(run: RunScores) -> Dict[str, Any]:
    """Describe a run for a JSON file: its counts, and its accuracy under the paper's protocol."""
    return dict(
        regime=run.regime,
        holdout=run.holdout,
        seed=run.seed,
        dataset=run.dataset,
        threshold=run.threshold,
        **run.counts(),
        paper_protocol=paper_compat(run.frame, order=run.test_order)
        if drops_batch(run.regime)
        else None,
        info=dict(run.info),
    )


def doubts(runs: Sequence[RunScores]) -> List[str]:
    """A line for each warning of the tests, with the detectors and columns that it is of."""
    told: Dict[str, Dict[str, List[str]]] = {}
    for run in runs:
        for line in run.info.get('warnings', ()):
            columns = told.setdefault(line, {})
            columns.setdefault(f'{run.regime}, seed {run.seed}', []).append(run.holdout)
    return [
        f'**{name} ({sample_of(columns)}): {line}**'
        for line, found in told.items()
        for name, columns in found.items()
    ]


def told_of_other_videos(runs: Sequence[RunScores], what: str) -> List[str]:
    """A line for each column whose rows are of other videos, which they do not compare.

    Args:
        runs (Sequence[RunScores]): The runs.
        what (str): What a row is, such as ``'detectors'``.
    """
    lines = []
    for column in dict.fromkeys(run.holdout for run in runs):
        tested: Dict[frozenset, Dict[str, str]] = {}
        for run in runs:
            if run.holdout == column:
                fakes = sorted(set(run.frame.loc[run.frame['label'] == 1, 'method']))
                told = f'{run.regime} on {", ".join(fakes)}'
                tested.setdefault(frozenset(run.frame['video']), {})[told] = told
        if len(tested) > 1:
            parts = [
                f'{sample_of(names)}, {len(videos)} videos' for videos, names in tested.items()
            ]
            lines.append(
                f'**{column}: the {what} are tested on other videos ({"; ".join(parts)}), so that '
                'its rows do not compare them.**'
            )
    return lines


def _page(
    runs: Sequence[RunScores],
    table: pd.DataFrame,
    comparisons: Dict[str, List[Comparison]],
    note: str,
) -> str:
    """``table.md``."""
    seeds = sorted({run.seed for run in runs})
    pages = [
        '# Cross-manipulation table',
        note,
        metric_tables(table),
        'Each column is tested on originals and the method named, which training has not seen. '
        'Mean over seeds ± standard deviation over seeds [95 % bootstrap interval over videos of '
        'the mean of these networks]: the spread over seeds is not part of the interval. '
        f'Seeds: {", ".join(map(str, seeds))}. n: originals + manipulated videos.',
        '\n'.join(f'- {line}' for line in _missing(runs, table, len(seeds))),
    ]
    card = report_card(table, row_name=regime_name)
    if card:
        pages += ['## Weakest and strongest method', card]
    if any(comparisons.values()):
        pages += [
            '## Differences between regimes',
            'A and B on the videos that all their networks have scored (n): difference [95 % '
            'interval over videos]. p: over videos, for these networks (AUC: DeLong; accuracy at '
            '0.5: McNemar, exact). p, seeds too: over videos and seeds at once, the spread over '
            "seeds pooled over the regimes (Student's t, Welch and Satterthwaite). p-values are "
            'corrected for the number of pairs (Holm) within a hold-out and metric, intervals are '
            'not. Videos are taken as independent. comparisons.csv has more of every pair.',
            comparison_markdown(comparisons, row_name=regime_name),
        ]
    return '\n\n'.join(page for page in pages if page) + '\n'


def metric_tables(table: pd.DataFrame) -> str:
    """The two tables of ``table.md`` in Markdown, video AUC and accuracy at 0.5."""
    pages = []
    for metric in ('auc', 'acc'):
        pages.append(f'**{HEADINGS[metric][0].upper()}{HEADINGS[metric][1:]}**')
        pages.append(grid_markdown(table, [metric], row_name=regime_name))
    return '\n\n'.join(pages)


def _missing(runs: Sequence[RunScores], table: pd.DataFrame, n_seeds: int) -> List[str]:
    """Cells without a run, with fewer seeds than the others, or with videos that have no score."""
    cells = table[table['holdout'] != MEAN]
    expected = cells['regime'].nunique() * cells['holdout'].nunique()
    lines = []
    if len(cells) < expected:
        lines.append(f'{expected - len(cells)} of {expected} cells have no run ("-").')
    few = cells[cells['n_seeds'] < n_seeds]
    if len(few):
        names = [f'{row["regime"]}/{row["holdout"]} ({row["seeds"]})' for _, row in few.iterrows()]
        lines.append(f'Fewer seeds than the others: {sample_of(names)}.')
    means = table[(table['holdout'] == MEAN) & (table['n_seeds'] < n_seeds)]
    if len(means):
        names = [f'{row["regime"]} ({row["seeds"]})' for _, row in means.iterrows()]
        lines.append(
            f'Means of fewer seeds, those that all cells of the row have: {sample_of(names)}.'
        )
    counts = {f'{run.regime}/{run.holdout}, seed {run.seed}': run.counts() for run in runs}
    lost = [
        f'{name} ({n["n_scored"]} of {n["n_expected"]})'
        for name, n in counts.items()
        if n['n_scored'] < n['n_expected']
    ]
    if lost:
        lines.append(f'Not every video was scored: {sample_of(lost)}.')
    return lines


def comparison_table(comparisons: Dict[str, List[Comparison]]) -> pd.DataFrame:
    """Flatten the answer of :func:`compare_regimes`, one row a pair.

    The columns are ``holdout``, the counts of :class:`Comparison`, and ``acc_x`` and ``auc_x`` for
    each field ``x`` of :class:`PairedDifference` and ``x = verdict``.
    """
    metrics = ('acc', 'auc')
    counts = [field.name for field in fields(Comparison) if field.name not in metrics]
    found = [*(field.name for field in fields(PairedDifference)), 'verdict']
    columns = ['holdout', *counts, *(f'{metric}_{key}' for metric in metrics for key in found)]
    rows = []
    for holdout, pairs in comparisons.items():
        for one in pairs:
            row = dict(holdout=holdout, **asdict(one))
            for metric in metrics:
                row.update({f'{metric}_{key}': value for key, value in row.pop(metric).items()})
                row[f'{metric}_verdict'] = verdict(one, metric)
            rows.append(row)
    return pd.DataFrame(rows, columns=columns)  # without a pair, a header alone


def comparison_markdown(
    comparisons: Dict[str, List[Comparison]],
    heading: str = 'held out',
    row_name: Callable[[str], str] = str,
    column_name: Callable[[str], str] = str.upper,
    alpha: float = 0.05,
) -> str:
    """Lay out comparisons in Markdown, one line a pair, with the Holm-corrected p-values.

    Args:
        comparisons (dict[str, list[Comparison]]): As :func:`compare_regimes` makes them.
        heading (str): Heading of the first column. Defaults to ``'held out'``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.
        column_name (Callable): Gives the name of a hold-out. Defaults to the key in capitals.
        alpha (float): Level of the tests. Defaults to 0.05.

    Returns:
        str: The table and one closing line; ``''`` without a pair. The columns of the p-values over
        videos and seeds at once are left out where no regime has several seeds.
    """
    pairs = [(holdout, one) for holdout, found in comparisons.items() for one in found]
    if not pairs:
        return ''
    seeds = any(min(one.n_seeds_a, one.n_seeds_b) > 1 for _, one in pairs)
    headings = [heading, 'A', 'B', 'n']
    for name in ('AUC', 'accuracy'):
        headings += [f'{name}, A - B', 'p'] + (['p, seeds too'] if seeds else [])
    rows = []
    for holdout, one in pairs:
        n = f'{one.n_original} + {one.n_manipulated}'
        n += f' ({one.n_left_out} left out)' if one.n_left_out else ''
        row = [column_name(holdout), row_name(one.name_a), row_name(one.name_b), n]
        for found in (one.auc, one.acc):
            row += [_difference_text(found), _p_text(found.p_holm, alpha)]
            row += [_p_text(found.p_joint_holm, alpha)] if seeds else []
        rows.append(row)
    resolved = RESOLVED if seeds else NETWORKS
    counts = [
        sum(verdict(one, metric, alpha) == resolved for _, one in pairs)
        for metric in ('auc', 'acc')
    ]
    over = 'videos and seeds' if seeds else 'videos, for these networks; seeds were not compared'
    closing = (
        f'Resolved at p <= {alpha:g} over {over}: {counts[0]} of {len(pairs)} differences in AUC, '
        f'{counts[1]} of {len(pairs)} in accuracy.'
    )
    return f'{markdown_table(headings, rows, left=3)}\n\n{closing}'


def _difference_text(found: PairedDifference) -> str:
    if math.isnan(found.difference):
        return '-'
    # no -0.000
    numbers = (round(value, 3) + 0.0 for value in (found.difference, found.low, found.high))
    return '{:.3f} [{:.3f}, {:.3f}]'.format(*numbers)


def _p_text(p: float, alpha: float) -> str:
    """A p-value with three decimals, or as many as tell on which side of alpha it lies."""
    if math.isnan(p):
        return '-'
    if p < 0.001:
        return '< 0.001'
    texts = (f'{p:.{decimals}f}' for decimals in range(3, 17))
    return next((text for text in texts if (float(text) <= alpha) == (p <= alpha)), str(p))
