"""Motion and pose: the performance of a person, and which point of the head every pixel sees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .identity import Identity
from .noise import bump, drift, rng_for, smoothstep
from .relief import outline

FPS = 25


@dataclass(frozen=True)
class Motion:
    """Pose and expression per frame; every field is a float32 array of shape (T,).

    ``yaw``, ``pitch``, ``roll`` are radians; ``x``, ``y`` are head units; ``scale`` is a factor;
    ``blink`` and ``jaw`` run from 0 (eye open, mouth shut) to 1; ``gaze_x``, ``gaze_y``, ``brow``,
    ``wide`` and ``smile`` run from about -1 to 1.
    """

    yaw: np.ndarray
    pitch: np.ndarray
    roll: np.ndarray
    x: np.ndarray
    y: np.ndarray
    scale: np.ndarray
    blink: np.ndarray
    gaze_x: np.ndarray
    gaze_y: np.ndarray
    brow: np.ndarray
    jaw: np.ndarray
    wide: np.ndarray
    smile: np.ndarray


def _speech(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Mouth opening of connected speech: 3 to 6 syllables a second, in phrases with short rests."""
    opening = np.zeros(frames + 20, dtype=np.float32)
    at = rng.uniform(-4, 4)
    while at < len(opening):
        if rng.uniform() < 0.12:
            at += rng.uniform(4, 9)  # a rest
        length = FPS / rng.uniform(3.0, 6.0)
        t = (np.arange(len(opening)) - at) / length
        inside = (t > 0) & (t < 1)
        # Half a sine to the power 1.5 closes softly between syllables without standing still.
        opening[inside] += rng.uniform(0.25, 1.0) * np.sin(np.pi * t[inside]) ** 1.5
        at += 0.85 * length
    return np.clip(opening[:frames], 0.0, 1.0)


def _blinks(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Eyelid closure: about one blink in two seconds, closing faster than opening."""
    lid = np.zeros(frames, dtype=np.float32)
    at = rng.uniform(2, 3.5 * FPS)
    while at < frames:
        t = np.arange(frames) - at
        lid = np.maximum(lid, np.clip(np.minimum(1 + t / 2.2, 1.25 - t / 4.0), 0.0, 1.0))
        at += rng.uniform(1.2, 3.5) * FPS
    return lid.astype(np.float32)


def _saccades(rng: np.random.Generator, frames: int, reach: float) -> np.ndarray:
    """Gaze direction: steps between fixations."""
    gaze = np.zeros(frames, dtype=np.float32)
    at = 0
    while at < frames:
        hold = int(rng.uniform(8, 30))
        gaze[at : at + hold] = reach * rng.standard_normal()
        at += hold
    # A saccade of this size lasts about two frames at 25 frames a second.
    return np.convolve(np.pad(gaze, 1, mode='edge'), [0.25, 0.5, 0.25], mode='valid')


def sample_motion(seed: int, number: str, frames: int) -> Motion:
    """Draw the performance of an id, T frames."""
    rng = rng_for(seed, 'motion', number)
    jaw = _speech(rng, frames)
    # From people who hardly move to people who hardly sit still.
    lively = 0.4 * np.exp(rng.uniform(0.0, 1.6))
    nod = lively * drift(rng, frames, 12)
    # Speakers nod and raise their brows with the stress of what they say.
    stress = np.convolve(np.pad(jaw, 4, mode='edge'), np.full(9, 1 / 9), mode='valid') - jaw.mean()
    motion = dict(
        yaw=rng.normal(0, 0.10) + 0.13 * lively * drift(rng, frames, 24),
        pitch=rng.normal(0, 0.05)
        + 0.06 * lively * drift(rng, frames, 20)
        + 0.03 * nod
        + 0.08 * stress,
        roll=rng.normal(0, 0.035) + 0.05 * lively * drift(rng, frames, 26),
        x=0.035 * lively * drift(rng, frames, 22),
        y=0.02 * lively * drift(rng, frames, 22) + 0.012 * nod,
        scale=1 + 0.02 * drift(rng, frames, 30),
        blink=_blinks(rng, frames),
        gaze_x=_saccades(rng, frames, 0.17),
        gaze_y=_saccades(rng, frames, 0.10),
        brow=0.35 * drift(rng, frames, 14) + 0.8 * stress,
        jaw=jaw * rng.uniform(0.75, 1.1),
        wide=0.5 * drift(rng, frames, 6),
        smile=rng.uniform(-0.3, 0.7) + 0.25 * drift(rng, frames, 18),
    )
    return Motion(**{name: np.asarray(value, dtype=np.float32) for name, value in motion.items()})


# The mapping is smooth, so it is computed on a coarse grid and enlarged.
KNOTS = 56


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rotation from head axes to camera axes (right, down, towards the camera), radians: (3, 3)."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ nod @ turn


def _depth(who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Smooth depth for parallax: unlike the relief, not steep at the rim, where it would fold."""
    dome = 0.55 * np.clip(1.25 - outline(who, u, v), 0.0, None)
    return dome + 1.1 * who.nose_height * bump(u, v - who.nose_y + 0.04, 0.09, 0.12)


def picture_grid(pixels: int, zoom: float) -> np.ndarray:
    """Unposed head coordinates of pixel centres, (0, 0.06) in the middle: (pixels, pixels, 2)."""
    axis = ((np.arange(pixels, dtype=np.float32) + 0.5) / pixels - 0.5) * zoom
    return np.dstack(np.meshgrid(axis, axis + np.float32(0.06)))


def head_maps(who: Identity, motion: Motion, side: int, zoom: float) -> np.ndarray:
    """Head coordinates that every pixel sees, at twice the resolution S: (T, 2 S, 2 S, 2)."""
    coarse = picture_grid(KNOTS, zoom)
    maps = np.empty((len(motion.yaw), 2 * side, 2 * side, 2), np.float32)
    for t in range(len(maps)):
        matrix = rotation(motion.yaw[t], motion.pitch[t], motion.roll[t])
        x = (coarse[..., 0] - motion.x[t]) / motion.scale[t]
        y = (coarse[..., 1] - motion.y[t]) / motion.scale[t]
        inverse = np.linalg.inv(matrix[:2, :2])
        u, v = x, y
        for _ in range(4):  # solve x = R (u, v, depth(u, v)) for u, v by fixed-point steps
            depth = _depth(who, u, v)
            flat_x, flat_y = x - matrix[0, 2] * depth, y - matrix[1, 2] * depth
            u = inverse[0, 0] * flat_x + inverse[0, 1] * flat_y
            v = inverse[1, 0] * flat_x + inverse[1, 1] * flat_y
        chin = smoothstep(who.mouth_y + 0.02, who.mouth_y + 0.20, v) * smoothstep(1.35, 1.0, v)
        chin = chin * smoothstep(1.0, 0.5, np.abs(u))
        brow = bump(np.abs(u) - who.eye_x, v - who.eye_y + who.brow_y, 0.2, 0.07)
        v = v - 0.09 * motion.jaw[t] * chin + 0.035 * motion.brow[t] * brow
        knots = np.dstack([u, v]).astype(np.float32)
        # resize, not remap: remap rounds positions to a 32nd of a knot, which would show as steps
        maps[t] = cv2.resize(knots, (2 * side, 2 * side), interpolation=cv2.INTER_LINEAR)
    return maps
