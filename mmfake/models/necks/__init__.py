"""Necks between the encoder and the heads."""

from .gradient_detach_neck import GradientDetachNeck

__all__ = ['GradientDetachNeck']
