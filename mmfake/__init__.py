"""mmfake: detectors of manipulated face videos for mmaction2.

Importing it checks the host's versions, repairs its released wheels and registers every component.
Configs name the classes below as ``mmfake.<Class>``.
"""

from . import compat  # isort: split  (first: it makes the host importable)
from .datasets import BalancedSampler, FFPPDataset, PairedSampler, VideoInit
from .engine import BriefLogProcessor, ResumableTrainLoop
from .engine.hooks import (
    ClipShapeHook,
    GradientConflictHook,
    LabelMoCoHook,
    NonFiniteLossHook,
    ProtocolHook,
    SafeCheckpointHook,
    SeededIterationHook,
    UnreadableVideosHook,
    ValidationThresholdHook,
)
from .errors import MMFakeError
from .evaluation import DeepfakeMetric
from .models.backbones import S3D
from .models.heads import ContrastiveHead, MLPHead
from .models.losses import MultiInstanceInfoNCELoss
from .models.necks import GradientDetachNeck
from .models.recognizers import DualStreamRecognizer
from .version import __version__

__all__ = [
    'S3D',
    'BalancedSampler',
    'BriefLogProcessor',
    'ClipShapeHook',
    'ContrastiveHead',
    'DeepfakeInferencer',
    'DeepfakeMetric',
    'DualStreamRecognizer',
    'FFPPDataset',
    'GradientConflictHook',
    'GradientDetachNeck',
    'LabelMoCoHook',
    'MLPHead',
    'MMFakeError',
    'MultiInstanceInfoNCELoss',
    'NonFiniteLossHook',
    'PairedSampler',
    'ProtocolHook',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'SeededIterationHook',
    'UnreadableVideosHook',
    'ValidationThresholdHook',
    'VideoInit',
    '__version__',
    'compat',
]


def __getattr__(name: str):
    """Import what only inference needs when it is asked for."""
    if name == 'DeepfakeInferencer':
        from .apis.inference import DeepfakeInferencer

        return DeepfakeInferencer
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
