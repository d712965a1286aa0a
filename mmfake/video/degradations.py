"""Degradations of a video at five levels: DeeperForensics-1.0, JPEG, resize, frame rate."""

from __future__ import annotations

import io
import math
from types import MappingProxyType
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import av
import cv2
import numpy as np

from ..errors import MMFakeError
from .mp4_file import frame_rate, write_mp4

LEVELS: Mapping[str, Tuple[float, ...]] = MappingProxyType(
    {
        # The script of DeeperForensics-1.0 (Jiang et al., CVPR 2020), its codes in brackets
        'patch': (16, 32, 48, 64, 80),  # [BW] squares for every 256 px of the shorter side
        'noise': (0.001, 0.002, 0.005, 0.01, 0.05),  # [GNC] variance in YCbCr, range 0 to 1
        'blur': (7, 9, 13, 17, 21),  # [GB] side of the Gaussian kernel in px; sigma is a sixth
        'pixelate': (2, 3, 4, 5, 6),  # [JPEG, which it is not] how many times smaller
        'contrast': (0.85, 0.725, 0.6, 0.475, 0.35),  # [CC] factor of all values
        'saturation': (0.4, 0.3, 0.2, 0.1, 0.0),  # [CS] factor of the chroma
        'h264': (30, 32, 35, 38, 40),  # [VC] constant rate factor of x264
        # our own, of what happens to videos on their way: what players and messengers do to them
        'jpeg': (90, 75, 60, 40, 20),  # quality
        'resize': (0.8, 0.65, 0.5, 0.35, 0.25),  # factor of both sides
        'frame_rate': (2, 3, 4, 5, 6),  # for how many frames a frame stands still
    }
)
"""Mapping[str, tuple[float, ...]]: Kind -> parameter at level 1, 2, 3, 4, 5."""

DEEPERFORENSICS = ('saturation', 'contrast', 'patch', 'noise', 'blur', 'pixelate', 'h264')
"""tuple[str, ...]: The seven kinds of DeeperForensics-1.0, in its order."""

PATCH = 8  # px, side of a square; grey, 128
_PATCH_UNIT = 256  # px: the number of squares is per whole 256 px of the shorter side


def degrade(
    pictures: Sequence[np.ndarray],
    kind: str,
    level: int,
    seed: Sequence[int] = (0,),
    indices: Optional[Sequence[int]] = None,
    fps: float = 25.0,
) -> List[np.ndarray]:
    """Degrade the consecutive pictures of one clip.

    What is random depends on ``seed`` and on the index of the frame alone: noise is another in each
    frame, as a camera's is, while the patches of a clip stay where they are, because patches that
    jump would be a cue of their own (the script of DeeperForensics-1.0 draws them in each frame).

    Args:
        pictures (Sequence[np.ndarray]): (H, W, 3) uint8 RGB, all of one shape.
        kind (str): A key of :data:`LEVELS`.
        level (int): 1 to 5, or 0 for the pictures as they are.
        seed (Sequence[int]): Numbers from 0 that name the draw, such as a seed and a hash of the
            video. Defaults to (0,).
        indices (Sequence[int], optional): Index of each picture in its video. Defaults to None,
            0, 1, 2 ...
        fps (float): Frames per s of the video, for h264. Defaults to 25.0.

    Returns:
        list[np.ndarray]: As many pictures of the same shape.

    Raises:
        MMFakeError: If kind or level do not exist, or would do nothing to these pictures.
    """
    check_degradation(kind, level)
    if level == 0 or not len(pictures):
        return list(pictures)
    parameter = LEVELS[kind][level - 1]
    indices = range(len(pictures)) if indices is None else [int(index) for index in indices]
    if kind == 'patch':
        return _patch(pictures, int(parameter), np.random.default_rng(seed))
    if kind == 'noise':
        draws = [np.random.default_rng((*seed, index)) for index in indices]
        return [_noise(picture, parameter, rng) for picture, rng in zip(pictures, draws)]
    if kind == 'h264':
        # With x264's macroblock tree, on by default, the same pictures do not always give the same
        # bytes. Without it they are 0.2 dB better (0 to 0.7; four real clips, five levels).
        return h264_coded(pictures, {'crf': str(int(parameter)), 'mbtree': '0'}, fps)
    if kind == 'frame_rate':
        return _hold(pictures, int(parameter), indices)
    return [_OF_A_PICTURE[kind](picture, parameter) for picture in pictures]


def check_degradation(kind: str, level: int) -> None:
    """Check the name and the level of a degradation.

    Raises:
        MMFakeError: If there is none of that name or level.
    """
    if kind not in LEVELS:
        raise MMFakeError(f'unknown degradation {kind!r}: choose from {", ".join(LEVELS)}')
    if isinstance(level, bool) or level not in range(len(LEVELS[kind]) + 1):
        raise MMFakeError(
            f'degradation {kind!r} has no level {level!r}: choose 1 to {len(LEVELS[kind])}, or 0 '
            'for none'
        )


def check_patch_size(height: int, width: int) -> None:
    """Refuse patches on pictures that are too small to get one.

    Raises:
        MMFakeError: If they are.
    """
    if min(height, width) < _PATCH_UNIT:
        raise MMFakeError(
            f"degradation 'patch' puts its squares per whole {_PATCH_UNIT} px of the shorter side, "
            f'which is none on pictures of {width} x {height} px: prepare face clips of at least '
            f'{_PATCH_UNIT} px (--size; the paper of the joint embedding has 317), or leave it out'
        )


# --- of several pictures --------------------------------------------------------------------------


def _patch(
    pictures: Sequence[np.ndarray], count: int, rng: np.random.Generator
) -> List[np.ndarray]:
    """Cover the same random places of all pictures with grey squares."""
    height, width = pictures[0].shape[:2]
    check_patch_size(height, width)
    count *= min(height, width) // _PATCH_UNIT
    rows, columns = rng.integers(0, (height - PATCH, width - PATCH), (count, 2)).T
    covered = [picture.copy() for picture in pictures]
    for picture in covered:
        for row, column in zip(rows, columns):
            picture[row : row + PATCH, column : column + PATCH] = 128
    return covered


def h264_coded(
    pictures: Sequence[np.ndarray], settings: Mapping[str, str], fps: float = 25.0
) -> List[np.ndarray]:
    """Encode with options of x264 and decode; sides are made even by repeating the last pixels."""
    height, width = pictures[0].shape[:2]
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    even = (np.pad(picture, padding, mode='edge') for picture in pictures)
    file = io.BytesIO()
    write_mp4(file, even, frame_rate(fps), settings)
    file.seek(0)
    with av.open(file) as container:
        container.streams.video[0].thread_count = 1  # data workers share the cores
        frames = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    if len(frames) != len(pictures):
        raise RuntimeError(f'{len(pictures)} frames were encoded, {len(frames)} decoded')
    return [np.ascontiguousarray(frame[:height, :width]) for frame in frames]


def _hold(pictures: Sequence[np.ndarray], hold: int, indices: Sequence[int]) -> List[np.ndarray]:
    """Let every ``hold``-th frame of the video stand still until the next."""
    steps = np.diff(indices)
    if not len(steps) or steps.min() >= hold:
        raise MMFakeError(
            f"degradation 'frame_rate' shows one of {hold} frames, and the clip has no frames that "
            'are nearer to each other: it is for clips of consecutive frames, leave it out'
        )
    # where a clip begins between two shown frames, its first frame stands for the one before
    first: Dict[int, int] = {}
    order = [first.setdefault(index // hold, place) for place, index in enumerate(indices)]
    return [pictures[place] for place in order]


# --- of one picture -------------------------------------------------------------------------------


def _noise(picture: np.ndarray, variance: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise to luma and chroma, all of one variance."""
    studio = _studio(picture) / 255  # 0 to 1
    studio += math.sqrt(variance) * rng.standard_normal(studio.shape)
    return _back(studio * 255).clip(0, 255).astype(np.uint8)


def _blur(picture: np.ndarray, side: float) -> np.ndarray:
    """Blur with a Gaussian kernel."""
    return cv2.GaussianBlur(picture, (int(side), int(side)), side / 6)


def _pixelate(picture: np.ndarray, times: float) -> np.ndarray:
    """Shrink and enlarge by bilinear sampling, without a filter against aliasing."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (int(width // times), int(height // times)))
    return cv2.resize(small, (width, height))


def _contrast(picture: np.ndarray, factor: float) -> np.ndarray:
    """Multiply by a factor below 1, which darkens as well; truncated."""
    return (picture.astype(np.float32) * factor).astype(np.uint8)


def _saturation(picture: np.ndarray, factor: float) -> np.ndarray:
    """Draw the chroma towards grey; truncated."""
    studio = _studio(picture)
    studio[..., 1:] = 0.5 + factor * (studio[..., 1:] - 0.5)
    # Less chroma leaves no value outside 0 to 255 by more than float32 rounds, so that the script's
    # truncation without clipping is the same; an overflow would depend on the machine.
    return _back(studio).clip(0, 255).astype(np.uint8)


def jpeg_coded(picture: np.ndarray, quality: float) -> np.ndarray:
    """Code a picture as JPEG, colour at half the resolution, and decode it."""
    swapped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, code = cv2.imencode('.jpg', swapped, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return cv2.cvtColor(cv2.imdecode(code, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _resize(picture: np.ndarray, factor: float) -> np.ndarray:
    """Shrink by averaging areas, as a good converter does, and enlarge by bicubic sampling."""
    height, width = picture.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


_OF_A_PICTURE: Dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    'blur': _blur,
    'pixelate': _pixelate,
    'contrast': _contrast,
    'saturation': _saturation,
    'jpeg': jpeg_coded,
    'resize': _resize,
}


def _studio(picture: np.ndarray) -> np.ndarray:
    """RGB, 0 to 255, -> luma, blue and red chroma as the script has them, float32 (H, W, 3).

    OpenCV gives a floating picture of 0 to 255 chroma around 0.5, not 128. Hence grey has the
    chroma 0.5 (* 224 / 255 + 16 / 255) here, which is where the script's 0.5 in the saturation
    comes from.
    """
    luma, red, blue = cv2.split(cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2YCrCb))
    studio = cv2.merge((luma * (235 - 16), blue * (240 - 16), red * (240 - 16)))
    return (studio + 16) / 255


def _back(studio: np.ndarray) -> np.ndarray:
    """The inverse of :func:`_studio`, float32."""
    luma, blue, red = cv2.split(studio.astype(np.float32) * 255 - 16)
    full = cv2.merge((luma / (235 - 16), red / (240 - 16), blue / (240 - 16)))
    return cv2.cvtColor(full, cv2.COLOR_YCrCb2RGB)
