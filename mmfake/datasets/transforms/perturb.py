"""Perturb: degrade the frames of a sample (noise, blur, compression ...) at one of five levels."""

from __future__ import annotations

import zlib
from typing import Optional, Sequence, Union

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ...errors import MMFakeError
from ...video.degradations import check_degradation, check_patch_size, degrade


@TRANSFORMS.register_module()
class Perturb(BaseTransform):
    """Degrade a video, as it may have been on its way to the detector.

    The seven kinds and five levels of DeeperForensics-1.0 (Jiang et al., CVPR 2020) and three more:
    :data:`mmfake.video.degradations.LEVELS` says what each does. It is for decoded frames, before
    they are resized. It is applied to the frames as they are stored, usually face crops; the
    scripts of DeeperForensics-1.0 had whole videos before the crop. Sizes are in px of these
    frames.

    With several kinds or levels each sample gets one of each, for all its frames. As augmentation::

        dict(
            type='RandomApply',
            prob=0.3,
            transforms=[dict(type='mmfake.Perturb', kind=['noise', 'blur'], level=[1, 2])],
        )

    ``h264`` encodes each clip by itself; a clip of one frame is one key frame. The black frames of
    a video that cannot be used pass as they are.

    Required Keys:

        - imgs
        - frame_inds (optional)
        - clip_len (optional)
        - avg_fps (optional)
        - video_id or filename, with a seed

    Modified Keys:

        - imgs

    Args:
        kind (str | Sequence[str]): ``patch`` (squares of grey), ``noise``, ``blur``, ``pixelate``,
            ``contrast``, ``saturation``, ``h264``, ``jpeg``, ``resize`` or ``frame_rate``; one of
            several is drawn.
        level (int | Sequence[int]): 1 to 5, 0 leaves the frames as they are; one of several is
            drawn.
        seed (int, optional): What is drawn depends on it, the video and the frame alone, as a test
            needs. Defaults to None: drawn anew whenever a sample is loaded, from
            ``numpy.random``, which the samplers seed.

    Raises:
        MMFakeError: If kind or level do not exist. In use: if they would do nothing, as patches
            on frames below 256 px.
    """

    def __init__(
        self,
        kind: Union[str, Sequence[str]],
        level: Union[int, Sequence[int]],
        seed: Optional[int] = None,
    ) -> None:
        self.kinds = (kind,) if isinstance(kind, str) else tuple(kind)
        self.levels = (level,) if isinstance(level, int) else tuple(level)
        if not self.kinds or not self.levels:
            raise MMFakeError(f'Perturb(kind={kind!r}, level={level!r}): give at least one of each')
        for one in self.kinds:
            for step in self.levels:
                check_degradation(one, step)
        if seed is not None and seed < 0:
            raise MMFakeError(f'Perturb(seed={seed}): give a number from 0')
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Degrade the frames.

        Args:
            results (dict): A sample with decoded frames, each (H, W, 3) uint8 RGB.

        Returns:
            dict: The same with other ``imgs``.
        """
        pictures = results['imgs']
        if 'unreadable' in results:
            return results
        if 'patch' in self.kinds and any(
            self.levels
        ):  # whatever is drawn: found in the first batch
            check_patch_size(*pictures[0].shape[:2])

        # 1. what is drawn for the whole sample
        seed = self._seed(results)
        rng = np.random.default_rng(seed)
        kind = self.kinds[rng.integers(len(self.kinds))]
        level = self.levels[rng.integers(len(self.levels))]

        # 2. clip by clip: they need not follow each other in the video
        length = results.get('clip_len') or len(pictures)
        indices = results.get('frame_inds')
        indices = np.arange(len(pictures)) if indices is None else np.ravel(indices)
        fps = results.get('avg_fps') or 25.0
        results['imgs'] = [
            degraded
            for start in range(0, len(pictures), length)
            for degraded in degrade(
                pictures[start : start + length],
                kind,
                level,
                seed,
                indices[start : start + length],
                fps,
            )
        ]
        return results

    def _seed(self, results: dict) -> Sequence[int]:
        """Numbers that name the draw of a sample."""
        if self.seed is None:
            return (int(np.random.randint(2**31)),)
        name = results.get('video_id') or results['filename']
        return (self.seed, zlib.crc32(name.encode('utf-8', 'surrogateescape')))

    def __repr__(self) -> str:
        return f'Perturb(kind={self.kinds}, level={self.levels}, seed={self.seed})'
