"""The page that describes files of scores."""

from __future__ import annotations

from typing import Dict, List, Sequence

import pandas as pd

from ..visualization.looks import method_name
from .compare_runs import Comparison
from .grid_markdown import grid_markdown
from .markdown_table import markdown_table
from .paper_compat import paper_compat
from .run_scores import RunScores
from .verdicts import describe_comparisons

_METRICS = ('auc', 'acc', 'bacc', 'acc_val', 'ap', 'eer')


def score_markdown(
    runs: Sequence[RunScores],
    table: pd.DataFrame,
    comparisons: Dict[str, List[Comparison]],
    notes: Sequence[str],
) -> str:
    """Write the page.

    Args:
        runs (Sequence[RunScores]): A run for each file and method.
        table (pandas.DataFrame): Their :func:`~.grid_table.grid_table`.
        comparisons (dict[str, list[Comparison]]): Their
            :func:`~.compare_regimes.compare_regimes`.
        notes (Sequence[str]): Lines on what was not scored, is missing or cannot be compared.

    Returns:
        str: Markdown.
    """
    metrics = [name for name in _METRICS if name in table]
    pages = [
        '# Scores per video',
        grid_markdown(table, metrics, 'file', column_name=method_name),
        'In brackets: 95 % stratified bootstrap interval over videos. n: originals + manipulated '
        'videos. A method is judged against all originals; "-" is undefined or not there. A video '
        'is called manipulated when its score is at least the threshold.',
        '\n'.join(f'- {note}' for note in notes),
    ]
    words = [
        line
        for method, pairs in comparisons.items()
        for line in describe_comparisons(pairs, method_name(method))
    ]
    if words:
        pages += [
            '## Which differences are resolved',
            'Paired on the videos that both files have scored: AUC by DeLong, accuracy by McNemar '
            '(exact), at 0.5 unless a threshold was given. p-values are corrected for the number '
            'of pairs (Holm) within a method and metric, intervals are not. Videos are taken as '
            'independent. Every pair is in comparisons.csv.',
            '\n'.join(f'- {line}' for line in words),
        ]
    rows = _paper_rows(runs)
    if rows:
        headings = ['file', 'method', 'accuracy of all (%)', 'AUC of all', 'kept']
        headings += ['accuracy of the kept (%)', 'AUC of the kept']
        pages += [
            '## If the last incomplete batch were dropped',
            'arXiv 2308.13503 seems to score 256 of 280 videos (batches of 32, inferred). In '
            'brackets: where 95 % of all orders of the videos would put the accuracy.',
            markdown_table(headings, rows, left=2),
        ]
    return '\n\n'.join(page for page in pages if page) + '\n'


def _paper_rows(runs: Sequence[RunScores]) -> List[List[str]]:
    """A row for each run of at least one whole batch."""
    rows = []
    for run in runs:
        found = paper_compat(run.frame)
        if not found['n_kept']:
            continue
        low, high = 100 * found['acc_kept_low'], 100 * found['acc_kept_high']
        rows.append(
            [
                run.regime,
                method_name(run.holdout),
                f'{100 * found["acc"]:.2f}',
                f'{found["auc"]:.3f}',
                f'{found["n_kept"]} of {found["n"]}',
                f'{100 * found["acc_kept"]:.2f} [{low:.2f}, {high:.2f}]',
                f'{found["auc_kept"]:.3f}',
            ]
        )
    return rows
