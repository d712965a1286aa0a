"""Data structures."""

from .labelled_queue import LabelledQueue
from .unreadable import is_unreadable, readable

__all__ = ['LabelledQueue', 'is_unreadable', 'readable']
