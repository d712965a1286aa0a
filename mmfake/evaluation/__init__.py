"""Metrics per video with confidence intervals, and the files and tables they end up in."""

from .binary_metrics import binary_metrics, equal_error_rate
from .bootstrap import bootstrap_intervals, replicate_metrics
from .compare_regimes import compare_regimes
from .compare_runs import Comparison, PairedDifference, compare_runs
from .cross_table import write_cross_table
from .deepfake_metric import DeepfakeMetric
from .delong import delong, delong_test
from .evaluate_videos import evaluate_videos
from .foreign_scores import read_foreign_scores
from .grid_table import grid_table
from .holm import holm
from .mcnemar import mcnemar, sign_flip
from .operating_point import best_threshold
from .paper_comparison import paper_comparison
from .paper_compat import paper_compat
from .paper_figures import PAPER_FIGURES, PaperFigures
from .report import format_summary, format_table
from .run_scores import RunScores
from .sample_score import SampleScore
from .scores_file import read_scores_file, write_scores_file
from .verdicts import describe_comparisons, verdict
from .video_scores import score_videos, scored_only

__all__ = [
    'Comparison',
    'DeepfakeMetric',
    'PAPER_FIGURES',
    'PairedDifference',
    'PaperFigures',
    'RunScores',
    'SampleScore',
    'best_threshold',
    'binary_metrics',
    'bootstrap_intervals',
    'compare_regimes',
    'compare_runs',
    'delong',
    'delong_test',
    'describe_comparisons',
    'equal_error_rate',
    'evaluate_videos',
    'format_summary',
    'format_table',
    'grid_table',
    'holm',
    'mcnemar',
    'paper_comparison',
    'paper_compat',
    'read_foreign_scores',
    'read_scores_file',
    'replicate_metrics',
    'score_videos',
    'scored_only',
    'sign_flip',
    'verdict',
    'write_cross_table',
    'write_scores_file',
]
