"""Regimes x hold-outs x seeds in one resumable command."""

from .command import cross_manipulation

__all__ = ['cross_manipulation']
