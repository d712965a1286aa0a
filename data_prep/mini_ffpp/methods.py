"""Manipulation methods: Deepfakes, Face2Face, FaceSwap and NeuralTextures, rendered.

``points`` are the head coordinates that every pixel sees, (T, S, S, 2); a video is (T, S, S, 3)
float32, coded.
"""

from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from .head_model import HeadModel, Take
from .identity import Identity
from .motion import Motion, head_maps, sample_motion
from .noise import drift, field, rng_for, smoothstep
from .relief import outline
from .scene import sample_light

# ---- what the four methods share: regions, tracking errors, alignment, pasting


def ellipse(
    points: np.ndarray, centre: Tuple[float, float], half: Tuple[float, float], softness: float
) -> np.ndarray:
    """Opacity of an ellipse, half on its edge and ramping over a share of its radius: (T, S, S)."""
    radius = np.hypot(
        (points[..., 0] - centre[0]) / half[0], (points[..., 1] - centre[1]) / half[1]
    )
    return smoothstep(1 + softness, 1 - softness, radius)


def within_head(who: Identity, points: np.ndarray) -> np.ndarray:
    """Opacity of the head, soft inside its outline so that the background stays: (T, S, S)."""
    return smoothstep(0.97, 0.85, outline(who, points[..., 0], points[..., 1]))


def inner_face(who: Identity, points: np.ndarray, softness: float) -> np.ndarray:
    """Opacity of the face from brows to chin, never beyond the outline of the head: (T, S, S)."""
    top = who.eye_y - who.brow_y - 0.12
    half = (0.92 - top) / 2
    region = ellipse(points, (0.0, top + half), (0.72 * who.head_width, half), softness)
    return region * within_head(who, points)


def shake(
    rng: np.random.Generator, points: np.ndarray, amount: float, smooth: float = 0.5
) -> np.ndarray:
    """Move head coordinates by a tracking error, of which a share drifts and the rest jumps."""
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
    """Head coordinates of the source that lie where the target's eyes and mouth are."""
    across = source.eye_x / target.eye_x
    down = (source.mouth_y - source.eye_y) / (target.mouth_y - target.eye_y)
    scale = np.array([across, down], np.float32)
    return points * scale + np.array([0.0, source.eye_y - down * target.eye_y], np.float32)


def trace_strength(rng: np.random.Generator) -> float:
    """How visible the traces of a video are, from 0.15 (an expert might miss them) to 1.1."""
    return rng.uniform(0.15, 1.1)


def overshoot(picture: np.ndarray, amount: float) -> np.ndarray:
    """Exaggerate edges, with halos, as decoders and texture filters do."""
    around = cv2.GaussianBlur(picture, (0, 0), 2.6 * picture.shape[0] / 128)
    return picture + np.float32(amount) * (picture - around)


def paste(
    video: np.ndarray, fake: np.ndarray, opacity: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Blend a synthetic region into a video, which stays as it is outside the region."""
    return video + (fake + noise - video) * opacity[..., None].astype(np.float32)


# ---- the four methods; what they leave behind is as strong as `trace_strength` draws


def deepfakes(take: Take, source: HeadModel) -> np.ndarray:
    """Render the Deepfakes version of a take.

    Traces, their strength drawn per video: the face has the few pixels of a small decoder and its
    overshooting edges, its shading wavers from frame to frame, a soft mask trembles, and the skin
    tone is not quite the neck's.
    """
    who = take.head.who
    rng = rng_for(take.seed, 'df', who.number, source.who.number)
    strength = trace_strength(rng)
    maps = align(shake(rng, take.maps, 0.007 * strength, smooth=0.6), who, source.who)
    layers = source.render(take.motion, maps, take.light)
    match = rng.uniform(0.8, 1.0)
    tint = np.clip(who.skin / source.who.skin, 0.5, 2.0) ** match * (
        1 + 0.05 * strength * rng.normal(size=3)
    )
    fake = take.reshoot(layers, tint)
    side = fake.shape[1]
    small = int(side * (0.75 - 0.30 * strength))
    for t, frame in enumerate(fake):
        code = cv2.resize(frame, (small, small), interpolation=cv2.INTER_AREA)
        code *= 1 + 0.045 * strength * field(rng, small, small, 12)[..., None]
        face = cv2.resize(code, (side, side), interpolation=cv2.INTER_CUBIC)
        fake[t] = overshoot(face, strength * rng.normal(2.2, 0.4))
    region = shake(rng, take.points, 0.015 * strength, smooth=0.2)
    opacity = inner_face(who, region, rng.uniform(0.18, 0.30))
    noise = take.camera.noise * (1 - 0.7 * strength)
    return paste(take.video, fake, opacity, noise)


def faceswap(take: Take, source: HeadModel) -> np.ndarray:
    """Render the FaceSwap version of a take.

    Traces, their strength drawn per video: a harder edge, oversharp texture, the source's own
    light, a skin tone matched only in part, and landmarks that are found a little elsewhere in
    every frame.
    """
    who = take.head.who
    rng = rng_for(take.seed, 'fs', who.number, source.who.number)
    strength = trace_strength(rng)
    maps = align(shake(rng, take.maps, 0.016 * strength, smooth=0.3), who, source.who)
    light = sample_light(take.seed, source.who.number).mixed_with(take.light, 1 - 0.6 * strength)
    layers = source.render(take.motion, maps, light)
    match = 1.0 - 0.45 * strength * rng.uniform()
    tint = np.clip(who.skin / source.who.skin, 0.5, 2.0) ** match * (
        1 + 0.05 * strength * rng.normal(size=3)
    )
    fake = take.reshoot(layers, tint)
    for t, frame in enumerate(fake):
        fake[t] = overshoot(frame, strength * rng.normal(1.8, 0.3))
    region = shake(rng, take.points, 0.010 * strength, smooth=0.4)
    opacity = inner_face(who, region, 0.16 - 0.08 * strength)
    noise = take.camera.noise * (1 - 0.5 * strength)
    return paste(take.video, fake, opacity, noise)


def reenact(take: Take, source: HeadModel) -> Tuple[Motion, np.ndarray]:
    """The target's head with mouth and brows of the source: motion and maps (T, 2 S, 2 S, 2)."""
    frames = len(take.motion.jaw)
    actor = sample_motion(take.seed, source.who.number, frames)
    mixed = Motion(
        **{
            **vars(take.motion),
            **{name: getattr(actor, name) for name in ('jaw', 'wide', 'smile', 'brow')},
        }
    )
    side = take.video.shape[1]
    return mixed, head_maps(take.head.who, mixed, side, take.camera.zoom)


def face2face(take: Take, source: HeadModel) -> np.ndarray:
    """Render the Face2Face version of a take.

    Traces, their strength drawn per video: the fitted model's light wavers and is not quite the
    scene's, its texture lacks the finest detail and has halos instead, its pose trembles, and the
    expression does not belong to the movement of the head.
    """
    who = take.head.who
    rng = rng_for(take.seed, 'f2f', who.number, source.who.number)
    strength = trace_strength(rng)
    motion, maps = reenact(take, source)
    layers = take.head.render(motion, shake(rng, maps, 0.010 * strength), take.light)
    fake = take.reshoot(layers, 1 + 0.05 * strength * rng.normal(size=3))
    frames, side = fake.shape[:2]
    waver = 1 + 0.035 * strength * (0.6 * rng.standard_normal(frames) + drift(rng, frames, 4))
    for t in range(frames):
        soft = cv2.GaussianBlur(fake[t], (0, 0), 0.7 * side / 128)
        fake[t] = overshoot(soft, strength * rng.normal(1.6, 0.3)) * np.float32(waver[t])
    opacity = inner_face(who, take.points, rng.uniform(0.08, 0.16))
    noise = take.camera.noise * (1 - 0.6 * strength)
    return paste(take.video, fake, opacity, noise)


def neural_textures(take: Take, source: HeadModel) -> np.ndarray:
    """Render the NeuralTextures version of a take.

    Traces, their strength drawn per video: below the nose, skin is smoothed and edges overshoot,
    and the texture shimmers from frame to frame. Above, the video is untouched.
    """
    who = take.head.who
    rng = rng_for(take.seed, 'nt', who.number, source.who.number)
    strength = trace_strength(rng)
    motion, maps = reenact(take, source)
    layers = take.head.render(motion, shake(rng, maps, 0.010 * strength, smooth=0.3), take.light)
    fake = take.reshoot(layers, np.ones(3))
    side = fake.shape[1]
    for t, frame in enumerate(fake):
        soft = cv2.GaussianBlur(frame, (0, 0), 0.8 * side / 128)
        shimmer = 1 + 0.06 * strength * field(rng, side, side, 20)[..., None]
        fake[t] = overshoot(soft, strength * rng.normal(4.2, 0.8)) * shimmer
    half = 1.6 * who.mouth_width, 0.52 * (0.95 - who.nose_y)
    centre = 0.0, who.nose_y + 0.06 + half[1]
    opacity = ellipse(take.points, centre, half, rng.uniform(0.12, 0.2))
    opacity = opacity * within_head(who, take.points)
    noise = take.camera.noise * (1 - 0.7 * strength)
    return paste(take.video, fake, opacity, noise)


FAMILIES = {'df': deepfakes, 'f2f': face2face, 'fs': faceswap, 'nt': neural_textures}
"""dict[str, Callable]: What renders each manipulation of a take, by its key."""
