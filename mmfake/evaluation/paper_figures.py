"""What arXiv 2308.13503 printed: FaceForensics++ figures, not ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

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
