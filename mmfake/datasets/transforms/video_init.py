"""VideoInit: open a video file, or a clip stored as jpg pictures or as an npy array."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Optional

from mmaction.datasets.transforms import DecordInit
from mmaction.registry import TRANSFORMS
from mmengine.logging import print_log

from ...video.stored_clip import JpgClip, NpyClip, StoredClip


@TRANSFORMS.register_module()
class VideoInit(DecordInit):
    """Open a video as DecordInit does, or a clip stored as pictures, for DecordDecode.

    A ``.npy`` file or a folder of JPEG files gets a reader with decord's interface, so SampleFrames
    and DecordDecode after it work unchanged; anything else is opened by decord. These clips do not
    know their own rate: it is the ``fps`` of the annotation, or else 25.

    Required Keys:

        - filename
        - fps (optional)

    Added Keys:

        - video_reader
        - total_frames
        - avg_fps

    Args:
        io_backend (str): As of DecordInit; stored pictures are always read from disk. Defaults to
            ``'disk'``.
        num_threads (int): Threads that decode a video: one, since the workers of the data loader
            are the parallelism. Defaults to 1.
        decode_timeout (float, optional): Has no effect any more; configs that set it still load.
            The ``timeout`` of the data loader is the limit now. Defaults to None.
        **kwargs: Further arguments of DecordInit.

    Raises:
        VideoError: On opening, if stored pictures are damaged or incomplete.
    """

    def __init__(
        self,
        io_backend: str = 'disk',
        num_threads: int = 1,
        decode_timeout: Optional[float] = None,
        **kwargs,
    ) -> None:
        super().__init__(io_backend, num_threads, **kwargs)
        if decode_timeout is not None:
            print_log(
                f'VideoInit(decode_timeout={decode_timeout!r}) has no effect any more: set the '
                'timeout of the dataloader',
                logger='current',
                level=logging.WARNING,
            )

    def transform(self, results: dict) -> dict:
        """Open the clip.

        Args:
            results (dict): Annotation of one video.

        Returns:
            dict: The same with the keys above.
        """
        clip = _stored_clip(results['filename'], results.get('fps') or 25.0)
        if clip is None:
            return super().transform(results)
        results.update(video_reader=clip, total_frames=len(clip), avg_fps=clip.get_avg_fps())
        return results


def _stored_clip(filename: str, fps: float) -> Optional[StoredClip]:
    """Open stored pictures, if it is such a clip."""
    path = Path(filename)
    if path.suffix.lower() == '.npy':
        return NpyClip(path, fps)
    return JpgClip(path, fps) if path.is_dir() else None
