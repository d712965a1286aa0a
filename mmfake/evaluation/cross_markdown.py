"""The page of the cross-manipulation table."""

from __future__ import annotations

from typing import Dict, List, Sequence

import pandas as pd

from ..datasets.manipulations import get_manipulation, manipulation_keys
from .compare_runs import Comparison
from .grid_markdown import HEADINGS, grid_markdown
from .grid_table import MEAN
from .paper_figures import regime_name
from .run_scores import RunScores
from .verdicts import describe_comparisons


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
        # one that a config registered is not known to a call that reads no config
        known = holdout in manipulation_keys(everything=True)
        where = f'{get_manipulation(holdout).name if known else holdout} held out'
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
