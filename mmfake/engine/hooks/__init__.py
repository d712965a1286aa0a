"""Hooks."""

from .checkpoint_facts import ClipShapeHook, ProtocolHook, ValidationThresholdHook
from .gradient_conflict_hook import GradientConflictHook
from .label_moco_hook import LabelMoCoHook
from .non_finite_loss_hook import NonFiniteLossHook
from .safe_checkpoint_hook import SafeCheckpointHook
from .seeded_iteration_hook import SeededIterationHook
from .unreadable_videos_hook import UnreadableVideosHook

__all__ = [
    'ClipShapeHook',
    'GradientConflictHook',
    'LabelMoCoHook',
    'NonFiniteLossHook',
    'ProtocolHook',
    'SafeCheckpointHook',
    'SeededIterationHook',
    'UnreadableVideosHook',
    'ValidationThresholdHook',
]
