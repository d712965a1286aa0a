"""Tables and figures of a matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Sequence

import pandas as pd

from ...datasets.protocol import method_name
from ...evaluation.cross_table import write_cross_table
from ...evaluation.paper import regime_name
from ...evaluation.scores import RunScores
from ...visualization.matrix_figures import draw_heat_map, draw_intervals
from ...visualization.score_figures import draw_confusion, draw_roc_curves
from ...visualization.style import save_figure
from .doubts import doubts

_DATA = {
    'ffpp': 'Data: FaceForensics++.',
    'mini_ffpp': '**Mini results, not FaceForensics++ results**: the faces are rendered (mini_ffpp)'
    '; they say nothing about real videos.',
}


def write_matrix_report(
    runs: Sequence[RunScores], out_dir: Path, inputs: Mapping[str, Any], lost: Sequence[str] = ()
) -> pd.DataFrame:
    """Write the files of :func:`~mmfake.evaluation.cross_table.write_cross_table` and the figures.

    The figures, each as PNG and SVG, are ``heat_map``, ``intervals`` (of the AUC), ``roc`` and
    ``confusion`` (at 0.5).

    Args:
        runs (Sequence[RunScores]): The finished runs, in the order of the table.
        out_dir (Path): Where the files go.
        inputs (Mapping): What ``table.json`` says of all runs.
        lost (Sequence[str]): Names of cells that are not finished. Defaults to ``()``.

    Returns:
        pandas.DataFrame: The table.

    Raises:
        MMFakeError: There is no run, runs contradict each other, or a file cannot be written.
    """
    datasets = sorted({run.dataset for run in runs})
    note = [_DATA.get(name, f'Data: {name}, not FaceForensics++.') for name in datasets]
    if lost:
        note.append(f'Not finished, and so not in the table: {", ".join(lost)}.')
    note += doubts(runs)
    table = write_cross_table(runs, out_dir, inputs, ' '.join(note))
    title = ' + '.join(datasets)
    names = dict(title=title, row_name=regime_name)
    figures = dict(
        heat_map=draw_heat_map(table, **names),
        intervals=draw_intervals(table, runs, column_name=method_name, **names),
        roc=draw_roc_curves(runs, column_name=method_name, **names),
        confusion=draw_confusion(runs, **names),
    )
    for name, figure in figures.items():
        for ending in ('png', 'svg'):
            save_figure(figure, out_dir / f'{name}.{ending}')
    return table
