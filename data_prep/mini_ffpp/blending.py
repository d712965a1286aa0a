"""Parts all manipulations share: regions of the face, tracking errors, alignment, pasting."""

from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from .identity import Identity
from .noise import drift, smoothstep
from .relief import outline


def ellipse(
    points: np.ndarray, centre: Tuple[float, float], half: Tuple[float, float], softness: float
) -> np.ndarray:
    """Opacity of an elliptic region of the head.

    Args:
        points (np.ndarray): (T, S, S, 2) head coordinates seen by every pixel.
        centre (tuple[float, float]): Its centre, head units.
        half (tuple[float, float]): Half its width and half its height, where the opacity is 0.5.
        softness (float): Share of the radius over which the edge ramps on either side.

    Returns:
        np.ndarray: (T, S, S) in [0, 1].
    """
    radius = np.hypot(
        (points[..., 0] - centre[0]) / half[0], (points[..., 1] - centre[1]) / half[1]
    )
    return smoothstep(1 + softness, 1 - softness, radius)


def within_head(who: Identity, points: np.ndarray) -> np.ndarray:
    """Opacity of the head, with a soft edge inside its outline: the background stays untouched.

    Args:
        who (Identity): Whose head.
        points (np.ndarray): (T, S, S, 2) head coordinates seen by every pixel.

    Returns:
        np.ndarray: (T, S, S) in [0, 1].
    """
    return smoothstep(0.97, 0.85, outline(who, points[..., 0], points[..., 1]))


def inner_face(who: Identity, points: np.ndarray, softness: float) -> np.ndarray:
    """Opacity of the face from the brows to the chin, never beyond the outline of the head.

    Args:
        who (Identity): Whose face.
        points (np.ndarray): (T, S, S, 2) head coordinates seen by every pixel.
        softness (float): Share of the radius over which the edge ramps on either side.

    Returns:
        np.ndarray: (T, S, S) in [0, 1].
    """
    top = who.eye_y - who.brow_y - 0.12
    half = (0.92 - top) / 2
    region = ellipse(points, (0.0, top + half), (0.72 * who.head_width, half), softness)
    return region * within_head(who, points)


def shake(
    rng: np.random.Generator, points: np.ndarray, amount: float, smooth: float = 0.5
) -> np.ndarray:
    """Move head coordinates by an error of tracking that changes from frame to frame.

    Args:
        rng (np.random.Generator): Source of randomness.
        points (np.ndarray): (T, ..., 2) head coordinates.
        amount (float): Standard deviation of the shift, head units; size and turn follow it.
        smooth (float): Share of the error that drifts instead of jumping. Defaults to 0.5.

    Returns:
        np.ndarray: Moved coordinates, same shape.
    """
    frames = len(points)
    jump = rng.standard_normal((4, frames))
    slow = np.stack([drift(rng, frames, 6) for _ in range(4)])
    error = amount * ((1 - smooth) * jump + smooth * slow)
    x, y, turn, size = (e.astype(np.float32).reshape(-1, 1, 1) for e in error)
    u, v = points[..., 0], points[..., 1] - np.float32(0.3)  # about the middle of the face
    scale = 1 + size
    return np.stack(
        [scale * (u - turn * v) + x, scale * (v + turn * u) + y + np.float32(0.3)], axis=-1
    )


def align(points: np.ndarray, target: Identity, source: Identity) -> np.ndarray:
    """Head coordinates of the source that lie where the target's eyes and mouth are.

    Args:
        points (np.ndarray): (..., 2) head coordinates of the target.
        target (Identity): The person in the picture.
        source (Identity): The person to put there.

    Returns:
        np.ndarray: (..., 2) float32 head coordinates of the source.
    """
    across = source.eye_x / target.eye_x
    down = (source.mouth_y - source.eye_y) / (target.mouth_y - target.eye_y)
    scale = np.array([across, down], np.float32)
    return points * scale + np.array([0.0, source.eye_y - down * target.eye_y], np.float32)


def trace_strength(rng: np.random.Generator) -> float:
    """How visible the traces of one manipulated video are.

    Args:
        rng (np.random.Generator): Source of randomness of this video.

    Returns:
        float: 0.15 (an expert might miss it) to 1.1 (anyone sees it), all equally likely.
    """
    return rng.uniform(0.15, 1.1)


def overshoot(picture: np.ndarray, amount: float) -> np.ndarray:
    """Exaggerate edges, with halos, as decoders and texture filters do.

    Args:
        picture (np.ndarray): (S, S, 3) float32.
        amount (float): 0 changes nothing.

    Returns:
        np.ndarray: Same shape.
    """
    around = cv2.GaussianBlur(picture, (0, 0), 2.6 * picture.shape[0] / 128)
    return picture + np.float32(amount) * (picture - around)


def paste(
    video: np.ndarray, fake: np.ndarray, opacity: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Blend a synthetic region into a video; outside the region the video stays as it is.

    Args:
        video (np.ndarray): (T, S, S, 3) noisy original.
        fake (np.ndarray): (T, S, S, 3) synthetic picture.
        opacity (np.ndarray): (T, S, S) of the region.
        noise (np.ndarray): (T, S, S, 3) noise of the synthetic region.

    Returns:
        np.ndarray: (T, S, S, 3) float32.
    """
    return video + (fake + noise - video) * opacity[..., None].astype(np.float32)
