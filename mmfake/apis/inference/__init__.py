"""Running a trained detector on videos."""

from .deepfake_inferencer import DeepfakeInferencer
from .detect_command import detect_videos
from .results_schema import RESULTS_SCHEMA

__all__ = [
    'RESULTS_SCHEMA',
    'DeepfakeInferencer',
    'detect_videos',
]
