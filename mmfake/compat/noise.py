"""Warnings of the host that a user can do nothing about."""

from __future__ import annotations

import warnings


def silence_mmcv_lite() -> None:
    """Hide mmcv-lite's complaint that it has no compiled operators; mmfake uses none."""
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
