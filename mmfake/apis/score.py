"""Scores: metrics, paired comparisons, tables and figures of anybody's files of video scores."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

import pandas as pd

from ..datasets.manipulations import method_name
from ..errors import MMFakeError, sample_of
from ..evaluation.calibration import calibration_markdown, calibration_rows
from ..evaluation.comparisons import Comparison, compare_regimes
from ..evaluation.cross_table import comparison_markdown, comparison_table, run_record
from ..evaluation.foreign_scores import (
    read_foreign_scores,
    refuse_unaveraged,
    told_of_copies,
    told_of_parts,
)
from ..evaluation.paper import paper_compat
from ..evaluation.scores import RunScores, scored_only
from ..evaluation.scores_file import (
    known_temperature,
    known_threshold,
    known_warnings,
    read_sidecar,
    threshold_text,
)
from ..evaluation.statistics import FALSE_ALARMS
from ..evaluation.tables import (
    FEW_ORIGINALS,
    grid_markdown,
    grid_table,
    markdown_table,
    method_rows_markdown,
    report_card,
)
from ..evaluation.video_metrics import OVERALL, format_summary, score_warnings
from ..files import write_json, write_text
from ..visualization.calibration_figures import draw_coverage, draw_reliability
from ..visualization.matrix_figures import draw_intervals
from ..visualization.score_figures import draw_confusion, draw_roc_curves, draw_score_histogram
from ..visualization.style import save_png_and_svg

PathLike = Union[str, Path]

_METRICS = ('auc', 'acc', 'bacc', 'acc_val', 'ap', 'eer')

_WIDEST = 5  # methods that a table has as columns; more become its rows

# in the files of this command a row is a file and a column a method
_COLUMNS = dict(regime='file', holdout='method')


def score_files(
    paths: Sequence[PathLike],
    out_dir: PathLike,
    thresholds: Optional[Sequence[float]] = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    names: Optional[Sequence[str]] = None,
    average_frames: bool = False,
    dropped_batch: bool = False,
) -> str:
    """Judge files of video scores, compare them with each other and draw them.

    Each method is judged against all originals of its file, then all methods together. Files are
    compared in pairs where they share videos, on those videos alone.

    Args:
        paths (Sequence[str | Path]): The files, see
            :func:`~mmfake.evaluation.foreign_scores.read_foreign_scores`.
        out_dir (str | Path): Folder of ``table.csv``, ``table.md``, ``table.json``,
            ``comparisons.csv`` and the figures ``intervals``, ``roc``, ``histogram``,
            ``confusion``, ``reliability`` and ``coverage`` (PNG and SVG).
        thresholds (Sequence[float], optional): Threshold of ``acc_val`` and of the comparison of
            accuracies, one for all files or one a file. Defaults to None: the one chosen on
            validation, which ``tools/test.py`` leaves beside its scores, else 0.5 in comparisons.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.
        seed (int): Seed of the resampling. Defaults to 0.
        names (Sequence[str], optional): What the files are called. Defaults to None: by what
            differs in their paths.
        average_frames (bool): Whether rows of frames are averaged to videos, see
            :func:`~mmfake.evaluation.foreign_scores.read_foreign_scores`. Defaults to False.
        dropped_batch (bool): Whether accuracies without the last incomplete batch are given, see
            :func:`~mmfake.evaluation.paper.paper_compat`. Defaults to False.

    Returns:
        str: The text of ``table.md``.

    Raises:
        MMFakeError: A file is given twice, cannot be read or has a bad row, no file has rows to
            average, two files contradict each other on a label, a threshold is out of range or a
            file cannot be written.
    """
    # one run a file, then one a file and method
    names = _names(names, paths)
    facts, stale = zip(*map(read_sidecar, paths))
    levels = _levels(thresholds, facts)
    whole = []
    for name, path, about, (level, _) in zip(names, paths, facts, levels):
        frame = read_foreign_scores(path, average_frames)
        info = dict(about, file=str(path))
        whole.append(RunScores(name, OVERALL, 0, frame, level, info=info))
    if average_frames:
        refuse_unaveraged([run.frame for run in whole], paths)
    runs = _by_method(whole)
    missing = _missing(runs)
    notes = [f'{name}: threshold {threshold_text(*level)}.' for name, level in zip(names, levels)]
    notes += [f'**{name}: {line}**' for name, line in zip(names, stale) if line]
    warnings = zip(names, map(known_warnings, facts))
    notes += [f'**{name}: {line}**' for name, lines in warnings for line in lines]
    notes += _averaged(whole) if average_frames else []
    notes += _lost(whole, complete=not missing) + _one_sided(whole) + missing
    notes += _suspicious(whole, n_bootstrap, seed) + _alike(whole)
    compared = {run.holdout for run in runs} - _without_common_videos(runs, notes)

    # numbers
    table = grid_table(runs, with_mean=False, n_bootstrap=n_bootstrap, seed=seed)
    comparisons = compare_regimes(
        [run for run in runs if run.holdout in compared],
        {run.regime: 0.5 if run.threshold is None else run.threshold for run in whole},
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    temperatures = {name: known_temperature(about) for name, about in zip(names, facts)}
    calibration = calibration_rows(whole, temperatures, n_bootstrap, seed)
    text = _page(runs, table, comparisons, notes, dropped_batch, calibration)

    pairs = comparison_table(comparisons).rename(columns=_COLUMNS)
    described = dict(
        bootstrap=dict(replicates=n_bootstrap, seed=seed, confidence=0.95),
        cells=table.rename(columns=_COLUMNS).to_dict('records'),
        files=[run_record(run) for run in runs],
        comparisons=pairs.to_dict('records'),
        calibration=calibration,
        notes=notes,
    )

    # files
    out_dir, what = Path(out_dir), 'the table'
    write_text(out_dir / 'table.csv', table.rename(columns=_COLUMNS).to_csv(index=False), what)
    write_text(out_dir / 'table.md', text, what)
    write_text(out_dir / 'comparisons.csv', pairs.to_csv(index=False), what)
    write_json(out_dir / 'table.json', described, what)
    figures = dict(
        intervals=draw_intervals(table, runs, column_name=method_name),
        roc=draw_roc_curves(runs, column_name=method_name),
        histogram=draw_score_histogram(whole),
        confusion=draw_confusion(whole, threshold=None),
    )
    sided = {row['name'] for row in calibration}
    both = [run for run in whole if run.regime in sided]
    if both:
        figures['reliability'] = draw_reliability(both, temperatures)
        figures['coverage'] = draw_coverage(both, temperatures)
    for name, figure in figures.items():
        save_png_and_svg(figure, out_dir / name)
    return text


def file_names(paths: Sequence[PathLike]) -> List[str]:
    """Name files by what differs in their paths: without the parts that all begin or end with."""
    resolved = [Path(path).resolve() for path in paths]
    twice = sorted({str(path) for path in resolved if resolved.count(path) > 1})
    if twice:
        raise MMFakeError(f'{twice[0]} is given twice; give each file of scores once')
    if len(resolved) == 1:
        return [resolved[0].stem]
    stems = [path.with_suffix('') for path in resolved]
    named = stems if len(set(stems)) == len(stems) else resolved  # 'a.csv' and 'a.tsv'
    parts = [list(path.parts) for path in named]
    for end in (0, -1):  # shared beginning, shared end
        while len({one[end] for one in parts}) == 1 and min(map(len, parts)) > 1:
            for one in parts:
                del one[end]
    return ['/'.join(one) for one in parts]


def _names(names: Optional[Sequence[str]], paths: Sequence[PathLike]) -> List[str]:
    found = file_names(paths)
    if names is None:
        return found
    if len(names) != len(paths) or len(set(names)) < len(names) or not all(names):
        raise MMFakeError(
            f'--names {" ".join(names)}: give {len(paths)} different names, one for each file'
        )
    return list(names)


def _levels(
    thresholds: Optional[Sequence[float]], facts: Sequence[Dict]
) -> List[Tuple[Optional[float], str]]:
    """The threshold of each file and where it is from; None where there is none."""
    if thresholds is None:
        return [known_threshold(about) for about in facts]
    n = len(facts)
    if len(thresholds) not in (1, n):
        raise MMFakeError(
            f'--threshold has {len(thresholds)} values for {n} files; give one for all or one each'
        )
    for value in thresholds:
        if not 0 <= value <= 1:
            raise MMFakeError(f'--threshold {value}: use a score from 0 to 1')
    return [(level, 'given') for level in thresholds] * (n if len(thresholds) == 1 else 1)


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


def _averaged(whole: Sequence[RunScores]) -> List[str]:
    """A line for each file on what its scores are the means of."""
    return [
        f'{run.regime}: the scores of {len(run.frame)} videos are means over '
        f'{run.frame["clips"].sum()} frames, clips or rows (--average-frames).'
        for run in whole
    ]


def _suspicious(whole: Sequence[RunScores], n_bootstrap: int, seed: int) -> List[str]:
    """A line for each file and reason to doubt its scores."""
    return [
        f'**{run.regime}: {line}**'
        for run in whole
        for line in [
            *(told_of_parts(run.frame), *told_of_copies(run.frame)),
            *score_warnings(run.frame, n_bootstrap, seed=seed),
        ]
        if line
    ]


def _alike(whole: Sequence[RunScores]) -> List[str]:
    """A line for each two files that hold the same scores, or scores of other clips of one name."""
    lines = []
    for one, other in combinations(whole, 2):
        names = f'{one.regime} and {other.regime}'
        ours, theirs = (run.frame[['video', 'label', 'score']] for run in (one, other))
        if ours.equals(theirs):
            lines.append(f'**{names} hold the same scores: is one a copy of the other?**')
        clips, videos = (
            [run.info.get(f'{key}_sha256') for run in (one, other)] for key in ('clips', 'videos')
        )
        if None not in clips and videos[0] == videos[1] and clips[0] != clips[1]:
            lines.append(
                f'**{names} were not tested on the same clips: files of the dataset were '
                'exchanged, or are missing in one of the tests.**'
            )
    return lines


def _lost(whole: Sequence[RunScores], complete: bool) -> List[str]:
    """A line for each file with videos that were not scored; or one if all files are complete."""
    lost = [run for run in whole if len(run.scored) < len(run.frame)]
    lines = [f'{run.regime}: {format_summary(run.frame)}' for run in lost]
    return lines or (['Every video of every file is scored.'] if complete else [])


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
    dropped_batch: bool,
    calibration: Sequence[Mapping],
) -> str:
    """``table.md``; the notes are on what was not scored, is missing or cannot be compared."""
    metrics = [name for name in _METRICS if name in table]
    if table['holdout'].nunique() > _WIDEST:
        grid = method_rows_markdown(table, metrics, column_name=method_name)
    else:
        grid = grid_markdown(table, [*metrics, *FALSE_ALARMS], 'file', column_name=method_name)
        grid += f'\n\n{FEW_ORIGINALS}'
    pages = [
        '# Scores per video',
        grid,
        'In brackets: 95 % stratified bootstrap interval over videos. n: originals + manipulated '
        'videos. A method is judged against all originals; "-" is undefined or not there. A video '
        'is called manipulated when its score is at least the threshold.',
        '\n'.join(f'- {note}' for note in notes),
    ]
    card = report_card(table, 'file', column_name=method_name, leave_out=[OVERALL])
    if card:
        pages += ['## Weakest and strongest method', card]
    if any(comparisons.values()):
        pages += [
            '## Differences between files',
            'A and B on the videos that both have scored (n): difference [95 % interval]. AUC by '
            'DeLong, accuracy by McNemar (exact), at the threshold of each file. p is '
            'corrected for the number of pairs (Holm) within a method and metric, intervals are '
            'not. Videos are taken as independent. comparisons.csv has more of every pair.',
            comparison_markdown(comparisons, 'method', column_name=method_name),
        ]
    if calibration:
        pages += [
            '## Calibration',
            'The scores taken as probabilities, and with the temperature found on validation where '
            'the test has left it; it changes no order, and no AUC. Each class counts half: as if '
            'half of all videos were manipulated. ECE: mean distance from the share that is '
            'manipulated over ten bins; with few videos it is too high. 95 % bootstrap intervals '
            'over videos.',
            calibration_markdown(calibration),
        ]
    rows = _paper_rows(runs) if dropped_batch else []
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
