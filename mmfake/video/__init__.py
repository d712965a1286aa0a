"""Exact reading of videos and writing of clips."""

from .clip_writer import clip_suffix, codec_settings, write_clip
from .frame import Frame
from .frame_reader import FrameReader
from .jpg_clip import JpgClip
from .npy_clip import NpyClip
from .video_error import VideoError

__all__ = [
    'Frame',
    'FrameReader',
    'JpgClip',
    'NpyClip',
    'VideoError',
    'clip_suffix',
    'codec_settings',
    'write_clip',
]
