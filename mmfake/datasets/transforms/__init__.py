"""Transforms that mmaction2 lacks."""

from .attribute_forgery import AttributeForgery
from .perturb import Perturb
from .recompress import Recompress
from .self_blend import SelfBlend
from .video_init import VideoInit

__all__ = ['AttributeForgery', 'Perturb', 'Recompress', 'SelfBlend', 'VideoInit']
