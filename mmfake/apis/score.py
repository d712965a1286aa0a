"""Scores: metrics, paired comparisons, tables and figures of anybody's files of video scores."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Union

import pandas as pd

from ..datasets.protocol import method_name
from ..errors import MMFakeError, sample_of
from ..evaluation.comparisons import Comparison, compare_regimes
from ..evaluation.cross_table import comparison_markdown, comparison_table, run_record
from ..evaluation.foreign_scores import read_foreign_scores
from ..evaluation.paper import paper_compat
from ..evaluation.scores import RunScores, scored_only
from ..evaluation.tables import grid_markdown, grid_table, markdown_table
from ..evaluation.video_metrics import OVERALL, format_summary
from ..files import write_json, write_text
from ..visualization.matrix_figures import draw_intervals
from ..visualization.score_figures import draw_confusion, draw_roc_curves, draw_score_histogram
from ..visualization.style import save_png_and_svg

PathLike = Union[str, Path]

_METRICS = ('auc', 'acc', 'bacc', 'acc_val', 'ap', 'eer')

# in the files of this command a row is a file and a column a method
_COLUMNS = dict(regime='file', holdout='method')


def score_files(
    paths: Sequence[PathLike],
    out_dir: PathLike,
    thresholds: Optional[Sequence[float]] = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> str:
    """Judge files of video scores, compare them with each other and draw them.

    Each method is judged against all originals of its file, then all methods together. Files are
    compared in pairs where they share videos, on those videos alone.

    Args:
        paths (Sequence[str | Path]): The files, see
            :func:`~mmfake.evaluation.foreign_scores.read_foreign_scores`.
        out_dir (str | Path): Folder of ``table.csv``, ``table.md``, ``table.json``,
            ``comparisons.csv`` and the figures ``intervals``, ``roc``, ``histogram`` and
            ``confusion`` (PNG and SVG).
        thresholds (Sequence[float], optional): Threshold of ``acc_val`` and of the comparison of
            accuracies, one for all files or one a file. Defaults to None, 0.5 in comparisons.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        str: The text of ``table.md``.

    Raises:
        MMFakeError: A file is given twice, cannot be read or has a bad row, two files contradict
            each other on a label, a threshold is out of range or a file cannot be written.
    """
    # one run a file, then one a file and method
    levels = _levels(thresholds, len(paths))
    names = file_names(paths)
    whole = [
        RunScores(name, OVERALL, 0, read_foreign_scores(path), level, info=dict(file=str(path)))
        for name, path, level in zip(names, paths, levels)
    ]
    runs = _by_method(whole)
    notes = _lost(whole) + _one_sided(whole) + _missing(runs)
    compared = {run.holdout for run in runs} - _without_common_videos(runs, notes)

    # numbers
    table = grid_table(runs, with_mean=False, n_bootstrap=n_bootstrap, seed=seed)
    comparisons = compare_regimes(
        [run for run in runs if run.holdout in compared],
        {run.regime: 0.5 if run.threshold is None else run.threshold for run in whole},
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    text = _page(runs, table, comparisons, notes)

    pairs = comparison_table(comparisons).rename(columns=_COLUMNS)
    described = dict(
        bootstrap=dict(replicates=n_bootstrap, seed=seed, confidence=0.95),
        cells=table.rename(columns=_COLUMNS).to_dict('records'),
        files=[run_record(run) for run in runs],
        comparisons=pairs.to_dict('records'),
        notes=notes,
    )

    # files
    out_dir, what = Path(out_dir), 'the table'
    write_text(out_dir / 'table.csv', table.rename(columns=_COLUMNS).to_csv(index=False), what)
    write_text(out_dir / 'table.md', text, what)
    write_text(out_dir / 'comparisons.csv', pairs.to_csv(index=False), what)
    write_json(out_dir / 'table.json', described, what)
    level = 0.5 if thresholds is None or len(set(levels)) > 1 else levels[0]
    figures = dict(
        intervals=draw_intervals(table, runs, column_name=method_name),
        roc=draw_roc_curves(runs, column_name=method_name),
        histogram=draw_score_histogram(whole),
        confusion=draw_confusion(whole, level),
    )
    for name, figure in figures.items():
        save_png_and_svg(figure, out_dir / name)
    return text


def file_names(paths: Sequence[PathLike]) -> List[str]:
    """Name files as shortly as tells them apart: by name, by folder, or by their path."""
    resolved = [Path(path).resolve() for path in paths]
    twice = sorted({str(path) for path in resolved if resolved.count(path) > 1})
    if twice:
        raise MMFakeError(f'{twice[0]} is given twice; give each file of scores once')
    candidates = [
        [path.stem for path in resolved],
        [path.parent.name for path in resolved],
        [f'{path.parent.name}/{path.stem}' for path in resolved],
        [str(path) for path in resolved],
    ]
    return next(names for names in candidates if len(set(names)) == len(names))


def _levels(thresholds: Optional[Sequence[float]], n: int) -> List[Optional[float]]:
    if thresholds is None:
        return [None] * n
    if len(thresholds) not in (1, n):
        raise MMFakeError(
            f'--threshold has {len(thresholds)} values for {n} files; give one for all or one each'
        )
    for value in thresholds:
        if not 0 <= value <= 1:
            raise MMFakeError(f'--threshold {value}: use a probability between 0 and 1')
    return list(thresholds) * (n if len(thresholds) == 1 else 1)


def _by_method(whole: Sequence[RunScores]) -> List[RunScores]:
    """Each method of each file against the originals, and all methods together."""
    frames: Dict[tuple, pd.DataFrame] = {}
    for run in whole:
        frame = run.frame
        for method in sorted(frame.loc[frame['label'] == 1, 'method'].unique()):
            mine = (frame['label'] == 0) | (frame['method'] == method)
            frames[run.regime, method] = frame[mine]
    methods = sorted({method for _, method in frames})
    runs = []
    for method in methods:
        runs += [
            RunScores(
                run.regime, method, 0, frames[run.regime, method], run.threshold, '', run.info
            )
            for run in whole
            if (run.regime, method) in frames
        ]
    # with one method in every file, all methods together would be the same once more
    return runs if len(methods) == 1 and len(runs) == len(whole) else [*runs, *whole]


def _lost(whole: Sequence[RunScores]) -> List[str]:
    """A line for each file with videos that were not scored."""
    lost = [run for run in whole if len(run.scored) < len(run.frame)]
    lines = [f'{run.regime}: {format_summary(run.frame)}' for run in lost]
    return lines or ['Every video of every file is scored.']


def _one_sided(whole: Sequence[RunScores]) -> List[str]:
    """A line for each file that holds one class only."""
    found = {run.regime: set(run.scored['label']) for run in whole}
    return [
        f'{name}: holds {("originals", "manipulated videos")[min(labels)]} only: no AUC'
        for name, labels in found.items()
        if len(labels) == 1
    ]


def _missing(runs: Sequence[RunScores]) -> List[str]:
    """A line for each file that lacks videos another file has of the same method."""
    lost: Dict[str, set] = {}
    for holdout in {run.holdout for run in runs}:
        videos = {run.regime: set(run.frame['video']) for run in runs if run.holdout == holdout}
        everything = set.union(*videos.values())
        for name, mine in videos.items():
            lost.setdefault(name, set()).update(everything - mine)
    return [
        f'{name}: {len(videos)} videos of the other files are missing ({sample_of(sorted(videos))})'
        for name, videos in sorted(lost.items())
        if videos
    ]


def _without_common_videos(runs: Sequence[RunScores], notes: List[str]) -> set:
    """The methods on which two files cannot be compared; why is added to the notes."""
    found = set()
    for one, other in combinations(runs, 2):
        if one.holdout != other.holdout or one.holdout in found:
            continue
        if not set(scored_only(one.frame)['video']) & set(scored_only(other.frame)['video']):
            found.add(one.holdout)
            notes.append(
                f'{method_name(one.holdout)}: not compared, {one.regime} and {other.regime} have '
                'no scored video in common (is a video named alike in both?)'
            )
    return found


def _page(
    runs: Sequence[RunScores],
    table: pd.DataFrame,
    comparisons: Dict[str, List[Comparison]],
    notes: Sequence[str],
) -> str:
    """``table.md``; the notes are on what was not scored, is missing or cannot be compared."""
    metrics = [name for name in _METRICS if name in table]
    pages = [
        '# Scores per video',
        grid_markdown(table, metrics, 'file', column_name=method_name),
        'In brackets: 95 % stratified bootstrap interval over videos. n: originals + manipulated '
        'videos. A method is judged against all originals; "-" is undefined or not there. A video '
        'is called manipulated when its score is at least the threshold.',
        '\n'.join(f'- {note}' for note in notes),
    ]
    if any(comparisons.values()):
        pages += [
            '## Differences between files',
            'A and B on the videos that both have scored (n): difference [95 % interval]. AUC by '
            'DeLong, accuracy by McNemar (exact), at 0.5 unless a threshold was given. p is '
            'corrected for the number of pairs (Holm) within a method and metric, intervals are '
            'not. Videos are taken as independent. comparisons.csv has more of every pair.',
            comparison_markdown(comparisons, 'method', column_name=method_name),
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
