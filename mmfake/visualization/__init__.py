"""Figures."""

from .confusion_panels import draw_confusion
from .embedding_map import draw_embedding_map
from .figure_style import save_figure
from .heat_map import draw_heat_map
from .interval_panels import draw_intervals
from .plot_training import plot_training
from .roc_panels import draw_roc_curves
from .score_histogram import draw_score_histogram
from .training_curves import plot_training_curves
from .training_log import TrainingLog, read_training_log

__all__ = [
    'TrainingLog',
    'draw_confusion',
    'draw_embedding_map',
    'draw_heat_map',
    'draw_intervals',
    'draw_roc_curves',
    'draw_score_histogram',
    'plot_training',
    'plot_training_curves',
    'read_training_log',
    'save_figure',
]
