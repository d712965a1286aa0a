"""Transforms that mmaction2 lacks."""

from .attribute_forgery import AttributeForgery
from .perturb import Perturb
from .planar_color_jitter import PlanarColorJitter
from .recompress import Recompress
from .self_blend import SelfBlend
from .video_init import VideoInit

__all__ = [
    'AttributeForgery',
    'Perturb',
    'PlanarColorJitter',
    'Recompress',
    'SelfBlend',
    'VideoInit',
]
