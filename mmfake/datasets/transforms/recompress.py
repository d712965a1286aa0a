"""Recompress: code the frames of a sample anew, JPEG or H.264, at a quality drawn once per clip."""

from __future__ import annotations

from typing import Tuple

from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ...errors import MMFakeError
from ...video.degradations import h264_coded, jpeg_coded
from .face_blending import own_generator

# the fastest of x264, without look-ahead, which would take most of the time
_FAST = dict(preset='ultrafast', tune='zerolatency', sc_threshold='0')


@TRANSFORMS.register_module()
class Recompress(BaseTransform):
    """Code all frames of a sample anew, whether or not it is forged.

    A clip that :class:`mmfake.SelfBlend` or :class:`mmfake.AttributeForgery` has forged was coded
    once before the blending, and so was its original. Without a compression of BOTH after it, "not
    coded since" would tell a forgery. Stands directly after these transforms, before the crop. An
    original and its forgery, loaded with the same seed, get the same codec and quality.

    Required Keys:

        - imgs
        - clip_len (optional)

    Modified Keys:

        - imgs

    Args:
        jpeg (tuple[int, int]): Lowest and highest JPEG quality. Those of SBI are 40 to 100, in half
            of the pictures. Defaults to ``(60, 100)``.
        h264 (tuple[int, int]): Lowest and highest constant rate factor of x264: 23 is that of FF++
            c23. Defaults to ``(12, 28)``.
        prob_h264 (float): Share of H.264; the rest is JPEG. Defaults to 0.5.

    Raises:
        MMFakeError: If a quality is out of range.
    """

    def __init__(
        self,
        jpeg: Tuple[int, int] = (60, 100),
        h264: Tuple[int, int] = (12, 28),
        prob_h264: float = 0.5,
    ) -> None:
        for name, (low, high), most in (('jpeg', jpeg, 100), ('h264', h264, 51)):
            if not 0 <= low <= high <= most:
                raise MMFakeError(f'Recompress: {name}=({low}, {high}) is not within 0 and {most}')
        if not 0 <= prob_h264 <= 1:
            raise MMFakeError(f'Recompress: prob_h264={prob_h264} is not from 0 to 1')
        self.jpeg, self.h264, self.prob_h264 = tuple(jpeg), tuple(h264), prob_h264

    def transform(self, results: dict) -> dict:
        """Code the frames.

        Args:
            results (dict): A sample with decoded frames, each (H, W, 3) uint8 RGB.

        Returns:
            dict: The same with other ``imgs``.
        """
        rng = own_generator()
        if 'unreadable' in results:
            return results
        frames = results['imgs']
        if rng.uniform() >= self.prob_h264:
            quality = int(rng.integers(self.jpeg[0], self.jpeg[1] + 1))
            results['imgs'] = [jpeg_coded(frame, quality) for frame in frames]
            return results
        settings = dict(_FAST, crf=str(int(rng.integers(self.h264[0], self.h264[1] + 1))))
        # clip by clip: those of a test need not follow each other in the video
        length = results.get('clip_len') or len(frames)
        results['imgs'] = [
            frame
            for start in range(0, len(frames), length)
            for frame in h264_coded(frames[start : start + length], settings)
        ]
        return results
