"""Heads of the two streams."""

from .contrastive_head import ContrastiveHead
from .mlp_head import MLPHead

__all__ = ['ContrastiveHead', 'MLPHead']
