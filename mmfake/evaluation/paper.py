"""Published figures of arXiv 2308.13503 beside ours, and its dropped-batch convention."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from ..errors import MMFakeError, sample_of
from .scores import RunScores, scored_only
from .statistics import binary_metrics
from .tables import MEAN, cell_text, markdown_table

PAPER = 'arXiv 2308.13503'
"""str: Where the figures come from."""


@dataclass(frozen=True)
class PaperFigures:
    """One row of the paper's Tables 2 and 3, on FaceForensics++.

    Args:
        name (str): Name of the row as printed.
        acc (dict[str, float]): Table 2, accuracy in percent by held-out method.
        printed_mean (float): Table 3, average accuracy in percent as printed. Those of
            ``bin_con`` and ``bin_ce_con`` do not follow from Table 2.
    """

    name: str
    acc: Dict[str, float]
    printed_mean: float

    @property
    def mean(self) -> float:
        """float: Average recomputed from Table 2, in percent."""
        return sum(self.acc.values()) / len(self.acc)


PAPER_FIGURES: Dict[str, PaperFigures] = {
    'baseline_s3d': PaperFigures(
        'Baseline(S3D)', dict(df=76.08, f2f=66.08, fs=75.12, nt=69.18), 71.62
    ),
    'bin_ce': PaperFigures('Binary CE', dict(df=80.08, f2f=73.44, fs=79.30, nt=75.78), 77.15),
    'bin_con': PaperFigures(
        'Binary Contrastive', dict(df=84.77, f2f=68.36, fs=82.42, nt=69.92), 76.17
    ),
    'bin_ce_con': PaperFigures(
        'Binary CE + Contrastive', dict(df=81.64, f2f=66.02, fs=85.55, nt=70.31), 75.98
    ),
    'bin_multi_ce': PaperFigures(
        'Binary CE + Multi CE', dict(df=85.16, f2f=68.75, fs=83.59, nt=73.44), 77.74
    ),
    'bin_multi_con': PaperFigures(
        'Binary Contrastive + Multi Contrastive',
        dict(df=83.20, f2f=58.98, fs=80.08, nt=64.06),
        71.58,
    ),
    'dfdc_winner': PaperFigures(
        'DFDC winner', dict(df=85.71, f2f=72.86, fs=51.07, nt=60.00), 67.41
    ),
}
"""dict[str, PaperFigures]: Key of the regime (and of the paper's reference) -> its row."""


def regime_name(regime: str) -> str:
    """Give the name of a regime to show.

    Args:
        regime (str): Its key, such as ``'bin_ce'``.

    Returns:
        str: Its name in the paper, or the key where the paper has no such regime.
    """
    return PAPER_FIGURES[regime].name if regime in PAPER_FIGURES else regime


def paper_compat(
    frame: pd.DataFrame, batch_size: int = 32, order: Optional[Sequence[str]] = None
) -> Dict[str, float]:
    """Score as arXiv 2308.13503 seems to: the last, incomplete batch of the test is dropped.

    All accuracies of its five trained regimes are multiples of 1/256, and 256 is what a loader with
    ``drop_last`` and batch size 32 leaves of 280 videos. That is inferred, and so is the order,
    which decides who is dropped. The answer says by how much another order would change it.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~.scores_file.read_scores_file` makes them.
        batch_size (int): Videos a batch. Defaults to 32.
        order (Sequence[str], optional): The videos in the order of the test; those that are not
            scored are passed over. Defaults to None: by target id, the original first, as
            :class:`mmfake.FFPPDataset` reads an index. A folder tree it reads in the order of the
            split file, which a file of scores does not hold.

    Returns:
        dict[str, float]: ``n`` scored videos and ``n_kept`` of them; ``acc`` and ``auc`` of all;
        ``acc_kept`` and ``auc_kept`` of those kept (NaN if none); ``acc_kept_low`` and
        ``acc_kept_high``, between which the former lies for 95 % of all orders.

    Raises:
        MMFakeError: A scored video is not in the order.
    """
    scored = scored_only(frame)
    if order is None:
        order = sorted(scored['video'], key=_test_order(scored))
    scored = scored.set_index('video')
    unknown = sorted(set(scored.index) - set(order))
    if unknown:
        raise MMFakeError(
            f'{len(unknown)} scored videos are not in the order of the test: {sample_of(unknown)}; '
            'give the order of the dataset that was tested'
        )
    scored = scored.loc[[video for video in order if video in scored.index]]
    labels, scores = scored['label'].to_numpy(), scored['score'].to_numpy()
    kept = len(labels) // batch_size * batch_size
    ours, paper = binary_metrics(labels, scores), binary_metrics(labels[:kept], scores[:kept])
    ends = (math.nan, math.nan)
    if kept:
        # kept videos are drawn without replacement from all, some of which are judged rightly
        right = int(np.sum((scores >= 0.5) == labels))
        ends = hypergeom.interval(0.95, len(labels), right, kept)
    return dict(
        n=len(labels),
        n_kept=kept,
        acc=ours['acc'],
        auc=ours['auc'],
        acc_kept=paper['acc'],
        auc_kept=paper['auc'],
        acc_kept_low=float(ends[0]) / max(kept, 1),
        acc_kept_high=float(ends[1]) / max(kept, 1),
    )


def _test_order(frame: pd.DataFrame):
    """A key that sorts ``ffpp/f2f/c23/033_097`` after its original ``ffpp/original/c23/033``."""
    labels = dict(zip(frame['video'], frame['label']))

    def key(video: str) -> tuple:
        stem = video.split('/')[-1]
        return stem.split('_')[0], labels[video], video

    return key


_N = 140  # originals, and manipulated videos, of the official test split
_EXPLANATION = (
    'Accuracy at 0.5. Ours: mean over seeds ± standard deviation over seeds [95 % interval over '
    'videos]. "Paper protocol": the same scores, less the last incomplete batch of 32, which '
    'leaves 256 of the 280 videos of FaceForensics++ (inferred); in brackets, where 95 % of all '
    'orders of the videos would put it.'
)
_PRINTED = (
    f'The figures of {PAPER} (Tables 2 and 3) are FaceForensics++ figures. A mean in parentheses '
    'is recomputed from Table 2, because the printed one does not follow from it.'
)
_HIDDEN = (
    f'The figures of {PAPER} are FaceForensics++ figures, and are shown beside such data only.'
)


def paper_comparison(runs: Sequence[RunScores], table: pd.DataFrame) -> str:
    """Write ``comparison.md``: our table beside the paper's Tables 2 and 3.

    Every cell of ours also stands there as the paper's protocol would have it. The paper's figures
    are FaceForensics++ figures: they are shown only if some run of ours is of the dataset
    ``'ffpp'``, and a cell is compared with them only where all its runs are, and their protocol has
    140 originals and 140 manipulated videos; otherwise the page says why not.

    Args:
        runs (Sequence[RunScores]): The runs.
        table (pandas.DataFrame): Their :func:`~.grid_table.grid_table`.

    Returns:
        str: The page in Markdown.
    """
    cells = {(row['regime'], row['holdout']): row for _, row in table.iterrows()}
    regimes = list(dict.fromkeys(table['regime']))
    obstacles = {(regime, holdout): _obstacle(runs, regime, holdout) for regime, holdout in cells}
    rows, reasons = [], {}
    beside = any(run.dataset == 'ffpp' for run in runs)
    others = [key for key in PAPER_FIGURES if key not in regimes] if beside else []
    for regime in [*regimes, *others]:
        paper = PAPER_FIGURES.get(regime)
        for holdout in [*dict.fromkeys(key for key in _holdouts(table)), MEAN]:
            row, obstacle = cells.get((regime, holdout)), obstacles.get((regime, holdout))
            shown = beside if row is None else _is_ffpp(runs, row)
            printed = _printed(paper, holdout) if shown else ''
            if row is None and not printed:
                continue
            if row is not None and obstacle:
                reasons.setdefault(obstacle, []).append(f'{regime}/{holdout}')
            compared = row is not None and not obstacle
            rows.append(
                [
                    regime_name(regime),
                    holdout if holdout == MEAN else holdout.upper(),
                    printed or '-',
                    '-' if row is None else cell_text(row, 'acc'),
                    *(('-', '-') if row is None else _kept(runs, row)),
                    _place(paper, holdout, row) if compared else '-',
                ]
            )
    headings = ['regime', 'held out', f'{PAPER}, FF++ (%)', 'ours (%)']
    headings += ['ours, paper protocol (%)', 'videos kept', 'the printed figure']
    if not beside:
        headings, rows = _without(headings, rows, 2, 6)
    return (
        '\n\n'.join(
            [
                '# Beside the paper',
                f'{_EXPLANATION} {_PRINTED if beside else _HIDDEN}',
                markdown_table(headings, rows, left=2),
                *(
                    f'Not compared with the paper: {_cells_text(names)}: {reason}.'
                    for reason, names in reasons.items()
                ),
            ]
        )
        + '\n'
    )


def _holdouts(table: pd.DataFrame) -> List[str]:
    ours = [name for name in table['holdout'] if name != MEAN]
    return ours + list(next(iter(PAPER_FIGURES.values())).acc)


def _without(headings: List[str], rows: List[List[str]], *places: int) -> tuple:
    """The table without some columns."""
    cut = [[part for at, part in enumerate(row) if at not in places] for row in (headings, *rows)]
    return cut[0], cut[1:]


def _is_ffpp(runs: Sequence[RunScores], row: pd.Series) -> bool:
    return all(run.dataset == 'ffpp' for run in _runs_of(runs, row))


def _runs_of(runs: Sequence[RunScores], row: pd.Series) -> List[RunScores]:
    """The runs that a row of the table is made of."""
    seeds = row['seeds'].split()  # the mean is over those that all its hold-outs have
    return [
        run
        for run in runs
        if run.regime == row['regime']
        and row['holdout'] in (MEAN, run.holdout)
        and str(run.seed) in seeds
    ]


def _obstacle(runs: Sequence[RunScores], regime: str, holdout: str) -> Optional[str]:
    """Why a cell cannot stand beside the paper's, or None."""
    cell = [run for run in runs if run.regime == regime and holdout in (MEAN, run.holdout)]
    for run in cell:
        if run.dataset != 'ffpp':
            return f'the dataset is {run.dataset or "unknown"!r}, not FaceForensics++'
    if holdout == MEAN and {run.holdout for run in cell} != set(PAPER_FIGURES['bin_ce'].acc):
        return "the mean is not over the paper's four hold-outs"
    for run in cell:
        manipulated = int((run.frame['label'] == 1).sum())
        original = len(run.frame) - manipulated
        if (original, manipulated) != (_N, _N):
            return f'the test has {original} + {manipulated} videos, not {_N} + {_N}'
    if regime not in PAPER_FIGURES:
        return 'the paper has no such regime'
    if holdout != MEAN and holdout not in PAPER_FIGURES[regime].acc:
        return 'the paper has no such hold-out'
    return None


def _printed(paper: Optional[PaperFigures], holdout: str) -> str:
    if paper is None:
        return ''
    if holdout != MEAN:
        return f'{paper.acc[holdout]:.2f}' if holdout in paper.acc else ''
    follows = abs(paper.printed_mean - paper.mean) < 0.0051
    return f'{paper.printed_mean:.2f}' + ('' if follows else f' ({paper.mean:.2f})')


def _kept(runs: Sequence[RunScores], row: pd.Series) -> Tuple[str, str]:
    """Accuracy of the runs of a cell under the paper's protocol, and how many videos it keeps."""
    found: Dict[str, List[Dict[str, float]]] = {}
    for run in _runs_of(runs, row):
        kept = paper_compat(run.frame, order=run.test_order)
        found.setdefault(run.holdout, []).append(kept)
    acc, low, high = (
        100 * np.mean([np.mean([one[key] for one in cell]) for cell in found.values()])
        for key in ('acc_kept', 'acc_kept_low', 'acc_kept_high')
    )
    if row['holdout'] == MEAN:  # the orders of several tests together are another question
        return '-' if math.isnan(acc) else f'{acc:.2f}', '-'
    counts = sorted({f'{one["n_kept"]} of {one["n"]}' for cell in found.values() for one in cell})
    kept = ', '.join(counts)
    return ('-' if math.isnan(acc) else f'{acc:.2f} [{low:.2f}, {high:.2f}]'), kept


def _place(paper: PaperFigures, holdout: str, row: pd.Series) -> str:
    figure = paper.mean if holdout == MEAN else paper.acc[holdout]
    inside = 100 * row['acc_low'] <= figure <= 100 * row['acc_high']
    return f'{"inside" if inside else "outside"} our interval'


def _cells_text(names: Sequence[str]) -> str:
    return (
        ', '.join(names) if len(names) <= 6 else f'{", ".join(names[:6])} and {len(names) - 6} more'
    )
