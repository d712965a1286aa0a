"""Transforms that mmaction2 lacks."""

from .video_init import VideoInit

__all__ = ['VideoInit']
