"""Published figures of arXiv 2308.13503 beside ours, and its dropped-batch convention."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from ..errors import MMFakeError, sample_of
from .scores import RunScores, scored_only
from .statistics import binary_metrics
from .tables import MEAN, cell_text, markdown_table

PAPER = 'arXiv 2308.13503'
"""str: Where the figures come from."""

TEST_VIDEOS = (140, 140)
"""tuple[int, int]: Originals and manipulated test videos of FaceForensics++ a hold-out."""


# --- what is printed ------------------------------------------------------------------------------


@dataclass(frozen=True)
class PaperFigures:
    """One row of the paper's Tables 2 and 3, on FaceForensics++.

    Args:
        name (str): Name of the row as printed.
        acc (dict[str, float]): Table 2, accuracy in percent by held-out method.
        printed_mean (float): Table 3, average accuracy in percent as printed. Those of
            ``bin_con`` and ``bin_ce_con`` do not follow from Table 2.
        drops_batch (bool): Whether its accuracies may be those of the whole batches alone, see
            :func:`paper_compat`. Defaults to True.
    """

    name: str
    acc: Dict[str, float]
    printed_mean: float
    drops_batch: bool = True

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
    # 240, 204, 143 and 168 of 280: another script scored this row, and dropped nothing
    'dfdc_winner': PaperFigures(
        'DFDC winner', dict(df=85.71, f2f=72.86, fs=51.07, nt=60.00), 67.41, drops_batch=False
    ),
}
"""dict[str, PaperFigures]: Key of the regime (and of the paper's reference) -> its row."""


def regime_name(regime: str) -> str:
    """Give the paper's name of a regime, or the key where the paper has no such regime."""
    return PAPER_FIGURES[regime].name if regime in PAPER_FIGURES else regime


def drops_batch(regime: str) -> bool:
    """Whether the paper's protocol, :func:`paper_compat`, is one of this row."""
    return regime not in PAPER_FIGURES or PAPER_FIGURES[regime].drops_batch


# --- the paper's test protocol --------------------------------------------------------------------


def paper_compat(
    frame: pd.DataFrame, batch_size: int = 32, order: Optional[Sequence[str]] = None
) -> Dict[str, float]:
    """Score as arXiv 2308.13503 seems to: the last, incomplete batch of the test is dropped.

    All accuracies of its five trained regimes are multiples of 1/256, and 256 is what a loader with
    ``drop_last`` and batch size 32 leaves of 280 videos. That is inferred, and so is the order,
    which decides who is dropped. The answer says by how much another order would change it.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~mmfake.evaluation.scores.score_videos` makes
            them.
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
    # the scored videos in the order of the test
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

    # the whole batches of them
    kept = len(labels) // batch_size * batch_size
    ours, paper = binary_metrics(labels, scores), binary_metrics(labels[:kept], scores[:kept])

    # any order: kept videos are drawn without replacement from all, some of them judged rightly
    ends = (math.nan, math.nan)
    if kept:
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


# --- ours beside the paper's ----------------------------------------------------------------------


def paper_comparison(runs: Sequence[RunScores], table: pd.DataFrame) -> str:
    """Write ``comparison.md``: our accuracies beside those of the paper's Tables 2 and 3.

    It has the cells that were run. The column of the paper is marked as published, for
    FaceForensics++ with 140 + 140 videos a hold-out; the first line says which data ours are of.

    Args:
        runs (Sequence[RunScores]): The runs.
        table (pandas.DataFrame): Their :func:`~mmfake.evaluation.tables.grid_table`.

    Returns:
        str: The page in Markdown.
    """
    rows = [
        [
            regime_name(row['regime']),
            row['holdout'] if row['holdout'] == MEAN else row['holdout'].upper(),
            _published(row['regime'], row['holdout'], table['holdout']) or '-',
            cell_text(row, 'acc'),
            _whole_batches(runs, row),
        ]
        for _, row in table.iterrows()
    ]
    headings = ['regime', 'held out', f'published in {PAPER} (%)']
    headings += ['ours (%)', 'ours, whole batches of 32 (%)']
    pages = [
        '# Beside the paper',
        _data_of(runs),
        f'Accuracy at 0.5. Published: Tables 2 and 3 of {PAPER}, FaceForensics++, 140 originals '
        'and 140 manipulated videos a hold-out; a mean in parentheses is recomputed from Table 2, '
        'because the printed one does not follow from it, or ours is of fewer hold-outs and so is '
        'this one. Ours: mean over seeds ± standard '
        'deviation over seeds [95 % interval over videos]. Whole batches of 32: the same scores '
        'less the last incomplete batch, which the paper seems to drop (256 of its 280 videos; '
        'inferred); not in its row DFDC winner, whose accuracies are of all 280.',
        markdown_table(headings, rows, left=2),
    ]
    return '\n\n'.join(pages) + '\n'


def _published(regime: str, holdout: str, columns: Sequence[str]) -> str:
    """What the paper prints for a cell; the mean is over the hold-outs of the columns."""
    paper = PAPER_FIGURES.get(regime)
    if paper is None:
        return ''
    if holdout != MEAN:
        return f'{paper.acc[holdout]:.2f}' if holdout in paper.acc else ''
    holdouts = set(columns) - {MEAN}
    if holdouts != set(paper.acc):
        known = [paper.acc[name] for name in holdouts if name in paper.acc]
        return f'({np.mean(known):.2f})' if len(known) == len(holdouts) else ''
    follows = abs(paper.printed_mean - paper.mean) < 0.0051
    return f'{paper.printed_mean:.2f}' + ('' if follows else f' ({paper.mean:.2f})')


def _whole_batches(runs: Sequence[RunScores], row: pd.Series) -> str:
    """Accuracy of a row under the paper's protocol: the mean over seeds and hold-outs."""
    if not drops_batch(row['regime']):
        return '-'
    found: Dict[str, List[float]] = {}
    seeds = row['seeds'].split()  # the mean is over those that all its hold-outs have
    for run in runs:
        mine = run.regime == row['regime'] and row['holdout'] in (MEAN, run.holdout)
        if mine and str(run.seed) in seeds:
            kept = paper_compat(run.frame, order=run.test_order)['acc_kept']
            found.setdefault(run.holdout, []).append(kept)
    acc = 100 * np.mean([np.mean(values) for values in found.values()])
    return '-' if math.isnan(acc) else f'{acc:.2f}'


def _data_of(runs: Sequence[RunScores]) -> str:
    """Which data ours are of, and whether the columns can be compared."""
    counts = {
        (
            run.dataset or 'unknown data',
            *(int((run.frame['label'] == label).sum()) for label in (0, 1)),
        )
        for run in runs
    }
    shown = '; '.join(f'{name}, {n} + {m} videos' for name, n, m in sorted(counts))
    text = f'Ours are of: {shown}.'
    if counts != {('ffpp', *TEST_VIDEOS)}:
        text += ' **That is not the test set of the paper, so the columns cannot be compared.**'
    return text
