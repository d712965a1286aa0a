"""Hooks."""

from .label_moco_hook import LabelMoCoHook
from .protocol_hook import ProtocolHook
from .unreadable_videos_hook import UnreadableVideosHook
from .validation_threshold_hook import ValidationThresholdHook

__all__ = ['LabelMoCoHook', 'ProtocolHook', 'UnreadableVideosHook', 'ValidationThresholdHook']
