"""Metrics per video with confidence intervals, and the files and tables they end up in."""

from .binary_metrics import binary_metrics, equal_error_rate
from .bootstrap import bootstrap_intervals, replicate_metrics
from .deepfake_metric import DeepfakeMetric
from .evaluate_videos import evaluate_videos
from .operating_point import best_threshold
from .report import format_summary, format_table
from .sample_score import SampleScore
from .scores_file import read_scores_file, write_scores_file
from .video_scores import score_videos, scored_only

__all__ = [
    'DeepfakeMetric',
    'SampleScore',
    'best_threshold',
    'binary_metrics',
    'bootstrap_intervals',
    'equal_error_rate',
    'evaluate_videos',
    'format_summary',
    'format_table',
    'read_scores_file',
    'replicate_metrics',
    'score_videos',
    'scored_only',
    'write_scores_file',
]
