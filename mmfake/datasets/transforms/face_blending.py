"""Face blending: soft masks from five points, warps drawn once per clip, alpha blending of frames.

Masks and warps are drawn on a canonical face of 40 px between the eyes and laid onto each frame by
the affine map that takes the canonical points nearest to those of the frame. So they follow the
face, turn with it, and stand still where it does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from ...faces.clip_points import read_points

UNIT = 40.0  # px between the eyes of the canonical face
CANVAS = 160  # px, side of its picture: 2 eye distances to each side, 1.3 above, 2.7 below the eyes
_CENTRE = np.float64([CANVAS / 2, 1.3 * UNIT])  # between the eyes

# Eyes, nose and corners of the mouth in eye distances from the point between the eyes, x and y: the
# places that the public code of the joint-embedding detector (SJEDD) aligns faces to.
CANONICAL = np.float64([(-0.5, 0), (0.5, 0), (0, 0.57), (-0.413, 1.155), (0.413, 1.155)])
_CANONICAL_PX = _CENTRE + UNIT * CANONICAL

# how much each point counts for the pose of a face, and of a part of it
_WEIGHTS = {
    '': (1, 1, 0.5, 1, 1),
    'eyes': (4, 4, 1, 1, 1),
    'nose': (2, 2, 4, 1, 1),
    'mouth': (1, 1, 1, 4, 4),
}

# Where the face is in a clip cut out with the margin of 1.3: eye distance and height of the eyes in
# units of the side, means over 51 real frames.
_EYE_DISTANCE, _EYE_HEIGHT = 0.269, 0.41

# x and y of each canonical pixel, (CANVAS, CANVAS, 2)
_GRID = np.stack(np.meshgrid(*2 * [np.arange(CANVAS, dtype=np.float32)]), axis=-1)

PARTS = ('eyes', 'nose', 'mouth')
"""tuple[str]: What :func:`part_mask` knows."""


# ---- Where the face is ----------------------------------------------------------------------


def own_generator() -> np.random.Generator:
    """Draw a generator from numpy.random, with which a transform draws all that it needs.

    Whatever the transform does, it takes ONE number from the stream of the sample, so an original
    and its forgery, loaded with the same seed, go on with the same crop and flip.
    """
    return np.random.default_rng(np.random.randint(2**31 - 1))


def points_of(results: dict) -> np.ndarray:
    """Get the points of the frames of a sample, (T, 5, 2) px; of a centred face if it has none.

    Raises:
        ValueError: If points of a frame are lacking.
    """
    frames = np.ravel(results['frame_inds'])
    if results['points']:
        points = read_points(results['points'])
        if frames.max() >= len(points):
            raise ValueError(f'points of {len(points)} frames, frame {frames.max()} is asked for')
        return points[frames]
    height, width = results['imgs'][0].shape[:2]
    side = min(height, width)
    eyes = np.float64([width / 2, height / 2 + (_EYE_HEIGHT - 0.5) * side])
    return np.broadcast_to(eyes + _EYE_DISTANCE * side * CANONICAL, (len(frames), 5, 2))


def fit_poses(points: np.ndarray, part: str = '') -> np.ndarray:
    """Fit the affine maps from the canonical face to faces, weighted least squares.

    Args:
        points (np.ndarray): (T, 5, 2) px, (0, 0) the upper left corner of the picture.
        part (str): ``'eyes'``, ``'nose'`` or ``'mouth'`` to fit that best. Defaults to ``''``:
            eyes and mouth, which lie in one plane, count twice as much as the nose, which swings
            out of it as a head turns.

    Returns:
        np.ndarray: (T, 2, 3) float64, from canonical px to indices of pixels.
    """
    weights = np.float64(_WEIGHTS[part])[:, None]
    known = np.hstack([_CANONICAL_PX, np.ones((5, 1))])  # (5, 3)
    fitted = np.linalg.pinv(weights * known) @ (weights * (points.astype(np.float64) - 0.5))
    return np.swapaxes(fitted, 1, 2)


# ---- Masks on the canonical face, (CANVAS, CANVAS) float32 from 0 to 1 ----------------------


@lru_cache(maxsize=None)
def part_mask(part: str) -> np.ndarray:
    """Draw the mask of a part as SLADD does (Chen et al., CVPR 2022), a widened segment.

    Eyes: from eye to eye, a quarter of its length to each side. Nose: from between the eyes to the
    tip, a quarter of the eye distance to each side. Mouth: from corner to corner, a third of its
    length to each side. The array is shared: not to be changed.
    """
    left, right, tip, *corners = _CANONICAL_PX
    ends, share = dict(
        eyes=((left, right), 1 / 4), nose=((_CENTRE, tip), UNIT / 4), mouth=(corners, 1 / 3)
    )[part]
    width = share if part == 'nose' else share * np.linalg.norm(ends[1] - ends[0])
    return _near_segment(*ends, width)


def face_mask(rng: np.random.Generator) -> np.ndarray:
    """Draw a face from the brows to the chin: an ellipse that narrows to the jaw.

    Half width 0.8 to 1 eye distance, from 0.35 to 0.6 above to 1.55 to 1.8 below the eyes. These
    are ours, in place of the hull of 68 landmarks that SBI takes.
    """
    low, high = np.float64([(0.8, -0.6, 1.55), (1.0, -0.35, 1.8)])
    half, top, bottom = rng.uniform(low, high)
    middle, angle = (top + bottom) / 2, np.linspace(0, 2 * np.pi, 73)[:-1]
    down = np.clip(np.sin(angle), 0, 1)
    x = half * np.cos(angle) * (1 - 0.22 * down**2)
    y = middle + (bottom - top) / 2 * np.sin(angle)
    return _polygon(_CENTRE + UNIT * np.stack([x, y], axis=1))


def _near_segment(start: np.ndarray, end: np.ndarray, width: float) -> np.ndarray:
    """Mark the pixels that are at most ``width`` px from a segment, with a soft edge of 1 px."""
    place, along = _GRID - start, end - start
    share = np.clip(place @ along / (along @ along), 0, 1)[..., None]
    distance = np.linalg.norm(place - share * along, axis=-1)
    return np.clip(width + 0.5 - distance, 0, 1).astype(np.float32)


def _polygon(corners: np.ndarray) -> np.ndarray:
    """Fill a polygon."""
    mask = np.zeros((CANVAS, CANVAS), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners * 8).astype(np.int32)], 255, cv2.LINE_AA, shift=3)
    return mask.astype(np.float32) / 255


def soften(mask: np.ndarray, inwards: float, width: float) -> np.ndarray:
    """Draw the edge of a mask inwards, then blur it; lengths in eye distances.

    A mask that would vanish is blurred alone. Values below 1/512, which change no pixel, become 0.
    """
    reach = round(inwards * UNIT)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    smaller = cv2.erode(mask, kernel)
    soft = cv2.GaussianBlur(smaller if smaller.max() > 0.5 else mask, (0, 0), width * UNIT)
    soft /= max(soft.max(), 1e-6)
    return np.where(soft < 1 / 512, np.float32(0), soft)


def random_warp(
    rng: np.random.Generator,
    shift: Tuple[float, float] = (0, 0),
    scale: Tuple[float, float] = (1, 1),
    elastic: float = 0,
) -> np.ndarray:
    """Draw where each canonical pixel takes its value from: offsets (CANVAS, CANVAS, 2), px.

    Args:
        rng (np.random.Generator): What draws.
        shift (tuple[float, float]): Largest shift in x and y, eye distances. Defaults to none.
        scale (tuple[float, float]): Smallest and largest factor. Defaults to none.
        elastic (float): Standard deviation of a smooth random field, eye distances. Defaults to 0.
    """
    place = _GRID - np.float32(_CENTRE + (0, 0.6 * UNIT))
    moved = UNIT * rng.uniform(-1, 1, 2) * shift
    factor = np.exp(rng.uniform(*np.log(scale)))
    field = rng.standard_normal((20, 20, 2)).astype(np.float32)
    field = cv2.resize(field, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)
    field /= max(float(field.std()), 1e-6)
    return np.float32((1 / factor - 1) * place - moved + elastic * UNIT * field)


def warp_mask(mask: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """Warp a canonical mask."""
    return cv2.remap(mask, _GRID + warp, None, cv2.INTER_LINEAR)


# ---- Blending -------------------------------------------------------------------------------


class Place(NamedTuple):
    """Where a mask lies in a frame.

    Attributes:
        rows (slice): Its rows.
        columns (slice): Its columns.
        mask (np.ndarray): (h, w) float32, the opacity there; outside it is 0.
        pose (np.ndarray): (2, 3), from canonical px to px of this part of the frame.
    """

    rows: slice
    columns: slice
    mask: np.ndarray
    pose: np.ndarray


def place_mask(mask: np.ndarray, pose: np.ndarray, shape: Sequence[int]) -> Optional[Place]:
    """Lay a canonical mask onto a frame of ``shape`` (H, W, ...); None if it lies outside."""
    found = cv2.boundingRect((mask > 0).astype(np.uint8))
    left, top, width, height = found
    corners = [
        (left - 1 + x * (width + 1), top - 1 + y * (height + 1), 1) for x in (0, 1) for y in (0, 1)
    ]
    corners = np.float64(corners) @ pose.T  # (4, 2)
    low = np.clip(np.floor(corners.min(axis=0)), 0, (shape[1], shape[0])).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (shape[1], shape[0])).astype(int)
    if not width or (high <= low).any():
        return None
    inside = pose - np.float64([(0, 0, low[0]), (0, 0, low[1])])
    laid = cv2.warpAffine(mask, inside, tuple(int(n) for n in high - low), flags=cv2.INTER_LINEAR)
    return Place(slice(low[1], high[1]), slice(low[0], high[0]), laid, inside)


def place_masks(mask: np.ndarray, poses: np.ndarray, shape: Sequence[int]) -> List[Optional[Place]]:
    """Lay a canonical mask onto the frames of a clip; ValueError if it lies in none of them."""
    places = [place_mask(mask, pose, shape) for pose in poses]
    if not any(places):
        raise ValueError('the face is outside the picture')
    return places


def warped_part(picture: np.ndarray, place: Place, warp: np.ndarray) -> np.ndarray:
    """Cut the part under a mask out of a picture, warped by canonical offsets."""
    offsets = cv2.warpAffine(warp, place.pose, place.mask.shape[::-1], flags=cv2.INTER_LINEAR)
    offsets = cv2.transform(offsets, place.pose[:, :2])  # canonical px -> px of the frame
    offsets[..., 0] += np.arange(place.columns.start, place.columns.stop, dtype=np.float32)
    offsets[..., 1] += np.arange(place.rows.start, place.rows.stop, dtype=np.float32)[:, None]
    return cv2.remap(picture, offsets, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def blend(
    frames: Sequence[np.ndarray],
    parts: Sequence[np.ndarray],
    places: Sequence[Optional[Place]],
    strength: float,
) -> List[np.ndarray]:
    """Blend what is put in into the frames of a clip; outside the masks no bit changes.

    Args:
        frames (Sequence[np.ndarray]): T frames, (H, W, 3) uint8; they are not changed.
        parts (Sequence[np.ndarray]): What is put in, of the shape of each place, (h, w, 3).
        places (Sequence[Place | None]): Where; a frame with None stays as it is.
        strength (float): Opacity where the mask is 1, from 0 to 1.
    """
    blended = []
    for frame, part, place in zip(frames, parts, places):
        frame = frame.copy()
        if place is not None:
            below, opacity = frame[place.rows, place.columns], np.float32(strength) * place.mask
            above = np.clip(part, 0, 255).astype(np.uint8) if part.dtype != np.uint8 else part
            # rounds; where the opacity is 0 this gives what is below, bit for bit
            below[:] = cv2.blendLinear(above, below, opacity, 1 - opacity)
        blended.append(frame)
    return blended
