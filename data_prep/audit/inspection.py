"""Clip inspection: every frame decoded and perceptually hashed, in worker processes."""

from __future__ import annotations

from concurrent.futures import TimeoutError as JobTimeout
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

import cv2
import decord
import numpy as np
from PIL import Image

from mmfake.errors import MMFakeError
from mmfake.video.frame_reader import FrameReader, VideoError
from mmfake.video.stored_clip import open_stored_clip

from ..prepare.video_job import file_hash
from ..worker_pool import run_jobs
from .index_table import ClipFacts

TIMEOUT = 60.0
"""float: Seconds after which a decoder is taken to hang; a clip of 300 frames takes 0.1."""

LOOKS = 5
"""int: Frames of a clip that are hashed."""

# 16 x 16 low frequencies of a picture of 64 x 64 px. Hashes of 8 x 8 are too coarse for faces that
# all fill the picture alike: those of two strangers came within the reach of copies.
HASH_SIZE = 16
THUMBNAIL = 4 * HASH_SIZE

# what FFmpeg has to say about a damaged clip is said once, by the finding
decord.logging.set_level(decord.logging.QUIET)


# ---- reading one clip


def clip_pictures(clip: Path) -> Iterator[np.ndarray]:
    """Read a video, an ``.npy`` array or a folder of jpg files, (H, W, 3) uint8 RGB each."""
    stored = open_stored_clip(clip)
    if stored is not None:
        for number in range(len(stored)):
            yield stored.get_batch([number]).asnumpy()[0]
        return
    with FrameReader(clip) as reader:
        for frame in reader:
            yield frame.picture


def inspect_clip(path: str) -> ClipFacts:
    """Decode every frame of a clip; one that cannot be read gives facts with an error."""
    clip = Path(path)
    decord_frames: Optional[int] = None
    sizes, thumbnails = set(), []
    try:
        if not clip.exists():
            raise FileNotFoundError('it is not there')
        if open_stored_clip(clip) is None:
            decord_frames = len(decord.VideoReader(path, num_threads=1))
        for picture in clip_pictures(clip):
            sizes.add((picture.shape[1], picture.shape[0]))
            thumbnails.append(thumbnail(picture))
        if not thumbnails:
            raise ValueError('it has no frame')
        digest, look = file_hash(clip), look_of(thumbnails)
    except Exception as error:  # whatever a decoder throws is what the caller wants to know
        reason = error.reason if isinstance(error, VideoError) else ' '.join(str(error).split())
        reason = reason or type(error).__name__
        if thumbnails:
            reason = f'frame {len(thumbnails)}: {reason}'
        return ClipFacts(error=reason[:200])
    return ClipFacts('', len(thumbnails), decord_frames, frozenset(sizes), digest, look)


# ---- perceptual hashes


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """Make a picture as small as its hash needs it, (64, 64) uint8 grey."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)


def look_of(thumbnails: List[np.ndarray]) -> np.ndarray:
    """Hash five frames of a clip, evenly spaced: (5, 256) bool."""
    imagehash = load_imagehash()
    places = ((np.arange(LOOKS) + 0.5) * len(thumbnails) / LOOKS).astype(int)
    pictures = (Image.fromarray(thumbnails[place]) for place in places)
    return np.stack([imagehash.phash(picture, HASH_SIZE).hash.ravel() for picture in pictures])


def load_imagehash():
    """Import ImageHash, which nothing else needs."""
    try:
        import imagehash
    except ImportError:
        raise MMFakeError(
            'near-duplicates are found with ImageHash, which is not installed: pip install '
            '"mmfake[data]" (or pip install ImageHash), or leave the clips unread with --no-decode'
        ) from None
    return imagehash


# ---- many clips


def inspect_clips(
    files: Dict[str, Path], processes: int, timeout: float = TIMEOUT
) -> Dict[str, ClipFacts]:
    """Read clips, by their names in the index; one that hangs or crashes harms only itself."""
    facts: Dict[str, ClipFacts] = dict.fromkeys(files, ClipFacts())
    for (name, _), future in run_jobs(_inspect, list(files.items()), processes, 'clips', timeout):
        try:
            facts[name] = future.result()
        except JobTimeout:
            facts[name] = ClipFacts(error=f'reading it did not end in {timeout:g} s')
        except Exception as error:  # the process died: a decoder crashed, or memory ran out
            facts[name] = ClipFacts(error=f'the process that read it died ({error})')
    return facts


def _inspect(job: Tuple[str, Path]) -> ClipFacts:
    """Do one job in a process of its own."""
    cv2.setNumThreads(1)  # the processes are the parallelism
    return inspect_clip(str(job[1]))
