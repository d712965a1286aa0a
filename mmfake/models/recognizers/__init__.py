"""Recognizers."""

from .dual_stream_recognizer import DualStreamRecognizer

__all__ = ['DualStreamRecognizer']
