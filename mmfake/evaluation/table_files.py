"""The files that tables end up in."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Dict, List, Mapping

import pandas as pd

from ..atomic_file import atomic_file
from .compare_runs import Comparison, PairedDifference
from .paper_compat import paper_compat
from .run_scores import RunScores
from .verdicts import verdict

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
