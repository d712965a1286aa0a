"""Losses."""

from .multi_instance_info_nce_loss import MultiInstanceInfoNCELoss, contrast_sets

__all__ = ['MultiInstanceInfoNCELoss', 'contrast_sets']
