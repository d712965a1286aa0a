"""Figures."""

from .plot_training import plot_training
from .training_curves import plot_training_curves
from .training_log import TrainingLog, read_training_log

__all__ = ['TrainingLog', 'plot_training', 'plot_training_curves', 'read_training_log']
