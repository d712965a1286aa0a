"""Hooks."""

from .label_moco_hook import LabelMoCoHook
from .unreadable_videos_hook import UnreadableVideosHook
from .validation_threshold_hook import ValidationThresholdHook

__all__ = ['LabelMoCoHook', 'UnreadableVideosHook', 'ValidationThresholdHook']
