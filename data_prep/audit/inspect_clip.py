"""Reading one clip to its end."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Optional

import decord

from mmfake.video import VideoError

from .clip_facts import ClipFacts
from .clip_pictures import clip_pictures
from .perceptual_hash import look_of, thumbnail

# what FFmpeg has to say about a damaged clip is said once, by the finding
decord.logging.set_level(decord.logging.QUIET)


def inspect_clip(path: str) -> ClipFacts:
    """Decode every frame of a clip.

    Args:
        path (str): A video, an ``.npy`` array or a folder of ``000000.jpg`` and so on.

    Returns:
        ClipFacts: With an error if it cannot be read; nothing is raised.
    """
    clip = Path(path)
    decord_frames: Optional[int] = None
    sizes, thumbnails = set(), []
    try:
        if not clip.exists():
            raise FileNotFoundError('it is not there')
        if clip.is_file() and clip.suffix != '.npy':
            decord_frames = len(decord.VideoReader(path, num_threads=1))
        for picture in clip_pictures(clip):
            sizes.add((picture.shape[1], picture.shape[0]))
            thumbnails.append(thumbnail(picture))
        if not thumbnails:
            raise ValueError('it has no frame')
        return ClipFacts(
            '', len(thumbnails), decord_frames, frozenset(sizes), _digest(clip), look_of(thumbnails)
        )
    except Exception as error:  # whatever a decoder throws is what the caller wants to know
        reason = error.reason if isinstance(error, VideoError) else ' '.join(str(error).split())
        reason = reason or type(error).__name__
        if thumbnails:
            reason = f'frame {len(thumbnails)}: {reason}'
        return ClipFacts(error=reason[:200])


def _digest(clip: Path) -> str:
    """Hash the bytes of a file, or of all files of a folder."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(clip.iterdir()) if clip.is_dir() else [clip]:
        with open(file, 'rb') as stream:
            for block in iter(lambda: stream.read(1 << 20), b''):
                digest.update(block)
    return digest.hexdigest()
