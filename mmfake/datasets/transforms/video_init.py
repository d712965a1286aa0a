"""VideoInit: open a video file, or a clip stored as pictures or as an npy array."""

from __future__ import annotations

import io
import logging
from typing import Optional

from mmaction.datasets.transforms import DecordInit
from mmaction.registry import TRANSFORMS
from mmengine.fileio import FileClient
from mmengine.logging import print_log

from ...video.exact_video import open_grouped, open_video
from ...video.frame_reader import VideoError
from ...video.stored_clip import StoredClip, open_stored_clip


@TRANSFORMS.register_module()
class VideoInit(DecordInit):
    """Open a video, or a clip stored as pictures, in place of DecordInit, for DecordDecode.

    Any file gives the frames that a player shows, at any index, through a reader with decord's
    interface, so that SampleFrames and DecordDecode after it work unchanged. In H.264 in mp4 with
    closed groups of pictures, as data preparation writes it, decoding starts at the key frame
    before the clip; the pixels are those that decord gives, in two thirds of the time, and damage
    that decord conceals is told. Other videos are decoded from their first frame on. A ``.npy``
    file, a folder of JPEG files and a ``.pictures`` file that names pictures are opened too. A
    stored clip does not know its own rate: it is the ``fps`` of the annotation, or else 25.

    Required Keys:

        - filename
        - fps (optional)

    Added Keys:

        - video_reader
        - total_frames
        - avg_fps

    Args:
        io_backend (str): As of DecordInit, for videos in closed groups; all else is read from disk.
            Defaults to ``'disk'``.
        num_threads (int): Threads that decode a video: one, since the workers of the data loader
            are the parallelism. Defaults to 1.
        decode_timeout (float, optional): Has no effect any more; configs that set it still load.
            The ``timeout`` of the data loader is the limit now. Defaults to None.
        **kwargs: Further arguments of DecordInit.

    Raises:
        VideoError: On opening, if a clip is damaged or incomplete, or neither on disk nor in closed
            groups.
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
        clip = open_stored_clip(results['filename'], results.get('fps') or 25.0)
        if clip is None:
            return super().transform(results)
        results.update(video_reader=clip, total_frames=len(clip), avg_fps=clip.get_avg_fps())
        return results

    def _get_video_reader(self, filename: str) -> StoredClip:
        """Open a video from its disk, or from elsewhere if it is in closed groups."""
        if self.io_backend in ('disk', 'local'):
            return open_video(filename, self.num_threads)
        content = io.BytesIO(FileClient(self.io_backend, **self.kwargs).get(filename))
        video = open_grouped(filename, content, self.num_threads)
        if video is None:
            raise VideoError(
                filename,
                'its frames can only be counted from the first on; copy it to the disk, or make '
                'clips of it',
            )
        return video
