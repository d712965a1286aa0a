"""Scene: light, camera, and what is behind the head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import cv2
import numpy as np

from .identity import Identity, linear
from .noise import bump, drift, field, rng_for, smoothstep


@dataclass(frozen=True)
class Light:
    """One soft lamp and the light from everywhere else.

    ``direction`` is a unit vector (3,) to the lamp: right, down, towards the camera. ``key`` and
    ``ambient`` are linear RGB (3,).
    """

    direction: np.ndarray
    key: np.ndarray
    ambient: np.ndarray

    def mixed_with(self, other: Light, share: float) -> Light:
        """Mix two lights; ``share`` is the other's."""
        mean = [
            (1 - share) * mine + share * theirs
            for mine, theirs in zip(vars(self).values(), vars(other).values())
        ]
        return Light((mean[0] / np.linalg.norm(mean[0])).astype(np.float32), *mean[1:])


def sample_light(seed: int, number: str) -> Light:
    """Draw the light in which an id was filmed."""
    rng = rng_for(seed, 'light', number)
    direction = np.array([rng.normal(0, 0.6), -rng.uniform(0.2, 0.8), 1.0])
    warmth = rng.normal(0, 0.06)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    contrast = rng.uniform(0.5, 0.85)  # share of the lamp in the light on a cheek
    level = rng.uniform(0.85, 1.1)
    # Light from elsewhere is often of the other colour: a window beside a lamp.
    fill = np.array([1 - 0.6 * warmth, 1.0, 1 + 0.6 * warmth])
    return Light(
        direction=(direction / np.linalg.norm(direction)).astype(np.float32),
        key=(level * contrast * tint).astype(np.float32),
        ambient=(level * (1 - contrast) * fill).astype(np.float32),
    )


@dataclass(frozen=True)
class Camera:
    """The camera of one video; originals and manipulations of a target share it.

    ``zoom`` is the side of the picture in head units, ``blur`` in pixels, ``gain`` (T,) and
    ``vignette`` (S, S, 1) are factors, ``noise`` (T, S, S, 3) is added to the coded picture.
    """

    zoom: float
    blur: float
    gain: np.ndarray
    vignette: np.ndarray
    noise: np.ndarray

    def develop(self, light: np.ndarray) -> np.ndarray:
        """Turn linear light (T, S, S, 3) into a gamma coded picture, without sensor noise."""
        coded = np.empty_like(light)
        for t, frame in enumerate(light):
            exposed = np.clip(frame * (self.vignette * self.gain[t]), 0.0, None)
            # A shoulder instead of hard clipping: x / (1 + x^4 / 3)^(1/4) needs no power function.
            bright = exposed * exposed
            coded[t] = np.sqrt(exposed / np.sqrt(np.sqrt(1.0 + bright * bright / 3.0)))
            if self.blur > 0.3:
                coded[t] = cv2.GaussianBlur(coded[t], (0, 0), self.blur)
        return coded


def sample_camera(seed: int, number: str, frames: int, side: int) -> Camera:
    """Draw the camera of an id."""
    rng = rng_for(seed, 'camera', number)
    axis = np.linspace(-1, 1, side, dtype=np.float32) ** 2
    fall = rng.uniform(0.0, 0.22)
    zoom, blur = rng.uniform(2.2, 2.4), rng.uniform(0.0, 0.75) * side / 128
    gain = rng.uniform(0.85, 1.1) * (1 + 0.015 * drift(rng, frames, 15))
    # From a studio camera to a webcam at night. The noise costs more or less of the bits, so that
    # the size of a file says more about the camera than about a manipulation.
    sigma = 0.003 * np.exp(rng.uniform(0.0, 2.3))
    grain = rng.standard_normal((frames, side, side, 3), dtype=np.float32)
    # Sensor noise is mostly noise of brightness: demosaicing couples the channels.
    grain = 0.5 * grain + 0.75 * grain[..., 1:2]
    return Camera(
        zoom=zoom,
        blur=blur,
        gain=gain.astype(np.float32),
        vignette=(1 - fall * (axis[None, :] + axis[:, None]))[..., None],
        noise=np.float32(sigma) * grain,
    )


# Layers are drawn this much wider than the picture, so that they can move.
MARGIN = 1.25


def _pale(rng: np.random.Generator, low: float = 30, high: float = 215) -> np.ndarray:
    """A colour with little saturation, as walls, books and clothes mostly have; linear light."""
    grey = rng.uniform(low, high)
    return linear(np.clip(grey * (1 + rng.normal(0, 0.09, 3)), 5, 245))


def _background(rng: np.random.Generator, pixels: int) -> np.ndarray:
    """A blurred room: wall, furniture, lamps or foliage out of focus, (pixels, pixels, 3)."""
    ramp = np.linspace(0, 1, pixels, dtype=np.float32)
    across = ramp[None, :, None] if rng.uniform() < 0.5 else ramp[:, None, None]
    wall = _pale(rng, 60)
    picture = wall * (0.7 + 0.6 * across) * np.ones((pixels, pixels, 1), np.float32)
    kind = rng.integers(4)
    if kind == 0:  # furniture and pictures
        for _ in range(rng.integers(4, 10)):
            x, y = (pixels * rng.uniform(-0.15, 1.0, 2)).astype(int)
            w, h = (pixels * rng.uniform(0.08, 0.5, 2)).astype(int)
            colour = _pale(rng).tolist()
            cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    elif kind == 1:  # shelf of books or a curtain
        edges = (np.cumsum(rng.uniform(0.025, 0.085, 40)) * pixels).astype(int)
        for left, right in zip(edges[:-1], edges[1:]):
            if left < pixels:
                picture[:, left:right] = _pale(rng) * 0.4 + wall * 0.6
        for level in range(0, pixels, int(pixels * rng.uniform(0.25, 0.5))):
            picture[level : level + pixels // 30] = wall * 0.5
    elif kind == 2:  # foliage or a crowd
        for cells in (6, 14, 30):
            picture *= np.exp(0.25 * field(rng, pixels, pixels, cells))[..., None]
        picture *= np.array([0.85, 1.1, 0.75]) if rng.uniform() < 0.6 else np.ones(3)
    focus = pixels * 0.0025 * np.exp(rng.uniform(0.0, 2.6))
    picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), focus)
    for _ in range(rng.integers(0, 7)):  # lamps out of focus
        x, y = (pixels * rng.uniform(0.0, 1.0, 2)).astype(int)
        disc = np.zeros((pixels, pixels), np.float32)
        radius = int(round(pixels * rng.uniform(0.02, 0.07)))
        cv2.circle(disc, (int(x), int(y)), radius, 1.0, -1, cv2.LINE_AA)
        glow = cv2.GaussianBlur(disc, (0, 0), 1.0 + focus / 3)[..., None]
        picture += 0.35 * glow * (_pale(rng, 120, 230) + 0.1)
    grain = 0.015 * np.exp(rng.uniform(0.0, 2.4))  # from a bare wall to a rough one
    return picture * (1 + grain * field(rng, pixels, pixels, pixels // 3))[..., None]


def _body(
    rng: np.random.Generator, who: Identity, light: Light, pixels: int, zoom: float
) -> np.ndarray:
    """Neck and clothes, premultiplied, (pixels, pixels, 4)."""
    axis = ((np.arange(pixels, dtype=np.float32) + 0.5) / pixels - 0.5) * zoom * MARGIN
    u, v = axis[None, :], axis[:, None] + 0.06
    side, pixel = np.abs(u), zoom * MARGIN / pixels
    width = who.head_width * rng.uniform(0.56, 0.68) + 0.10 * smoothstep(0.9, 1.4, v)
    neck = smoothstep(pixel, -pixel, side - width) * (v > 0.3)
    round_form = np.sqrt(np.clip(1 - (side / (width + 0.05)) ** 2, 0.05, 1))
    lamp = 1 + 0.5 * light.direction[0] * u / width
    chin_shadow = 0.45 + 0.5 * smoothstep(0.92, 1.30, v - 0.25 * side)
    skin = who.skin * (light.key * 0.75 + light.ambient) * 0.95
    picture = skin * (round_form * lamp * chin_shadow)[..., None]
    cloth = _pale(rng, 15, 230)
    shoulder = 1.16 + rng.uniform(0.0, 0.06) + 0.20 * side**2 - 0.16 * smoothstep(0.6, 0.2, side)
    collar = v - shoulder - rng.uniform(0.1, 0.45) * smoothstep(0.34, 0.0, side)
    dressed = smoothstep(-pixel, pixel, collar)
    weave = (
        1 + 0.05 * field(rng, pixels, pixels, pixels // 2) + 0.12 * field(rng, pixels, pixels, 9)
    )
    if rng.uniform() < 0.3:
        weave = weave + 0.25 * np.sign(np.sin(u * rng.uniform(25, 70) + 0.0 * v))
    fabric = cloth * (light.key * 0.6 + light.ambient) * weave[..., None]
    fabric = fabric * (0.75 + 0.4 * bump(collar, 0 * u, 0.05, 1.0))[..., None]
    picture = picture + (fabric - picture) * dressed[..., None]
    opacity = np.maximum(neck, dressed)[..., None]
    return np.dstack([picture * opacity, opacity]).astype(np.float32)


def draw_backdrop(
    seed: int,
    who: Identity,
    light: Light,
    sway: Tuple[np.ndarray, np.ndarray],
    side: int,
    zoom: float,
) -> np.ndarray:
    """Background, and the body that follows half of the head's sway: (T, S, S, 3), linear light."""
    rng = rng_for(seed, 'scene', who.number)
    wide = int(round(side * MARGIN))
    room = _background(rng, wide) * (0.5 * light.key + light.ambient)
    body = _body(rng, who, light, wide, zoom)
    frames = len(sway[0])
    # Half of the cameras are held by hand.
    shake = side * rng.uniform(0.005, 0.02) * (rng.uniform() < 0.5)
    hand = shake * np.stack([drift(rng, frames, 9), drift(rng, frames, 9)])
    offset = (wide - side) / 2
    out = np.empty((frames, side, side, 3), np.float32)
    for t in range(frames):
        shift = np.array([[1, 0, offset + hand[0, t]], [0, 1, offset + hand[1, t]]])
        inverse = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        behind = cv2.warpAffine(room.astype(np.float32), shift, (side, side), flags=inverse)
        shift[:, 2] = offset - 0.5 * side / zoom * np.array([sway[0][t], sway[1][t]])
        front = cv2.warpAffine(body, shift, (side, side), flags=inverse)
        out[t] = behind * (1 - front[..., 3:]) + front[..., :3]
    return out
