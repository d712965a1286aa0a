"""Video: exact reading."""

from .frame_reader import FrameReader, VideoError

__all__ = ['FrameReader', 'VideoError']
