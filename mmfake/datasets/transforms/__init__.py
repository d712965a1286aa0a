"""Transforms that mmaction2 lacks."""

from .perturb import Perturb
from .video_init import VideoInit

__all__ = ['Perturb', 'VideoInit']
