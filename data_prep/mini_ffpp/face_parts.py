"""Face parts: skin, ears, eyes, spectacles, hair, mouth.

``u`` (1, P) and ``v`` (P, 1) are the head coordinates of a canvas of P pixels, or of a patch of it
of H x W pixels. Colours are albedo in linear light; those of moving parts are (T, H, W, 3) with an
opacity (T, H, W).
"""

from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from .identity import Identity
from .motion import Motion
from .noise import bump, field, smoothstep
from .relief import SPAN, outline

# ---- skin and ears


def coverage(implicit: np.ndarray, pixels: int) -> np.ndarray:
    """Anti-aliased inside of an implicit outline that is 1 on the edge: (P, P) in [0, 1]."""
    down, right = np.gradient(implicit)
    slope = np.maximum(np.hypot(down, right), 1e-4)
    # Distance to the edge in pixels, spread over two of them; finer canvases keep the softness.
    return np.clip(0.5 + (1.0 - implicit) / slope / (pixels / 128), 0.0, 1.0).astype(np.float32)


def ears(who: Identity, u: np.ndarray, v: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Both ears, behind the cheeks: implicit outline and shading factor inside it, (P, P)."""
    x = (np.abs(u) - who.head_width - 0.005) / (0.085 * who.ear_size)
    y = (v - who.eye_y - 0.12) / (0.19 * who.ear_size)
    shape = (x - 0.25 * y * (y < 0)) ** 2 + y**2
    bowl = 1.0 - 0.45 * np.exp(-0.5 * (((x - 0.15) / 0.4) ** 2 + ((y + 0.05) / 0.5) ** 2))
    return shape, bowl * (0.72 + 0.2 * smoothstep(0.2, 0.9, shape))


def _blemishes(rng: np.random.Generator, who: Identity, pixels: int) -> np.ndarray:
    """Factor of pores, blotches and freckles."""
    pores = 0.030 * field(rng, pixels, pixels, int(pixels * 0.55))
    blotches = 0.035 * field(rng, pixels, pixels, 14) + 0.03 * field(rng, pixels, pixels, 6)
    spots = np.clip(field(rng, pixels, pixels, int(pixels * 0.38)) - 1.6, 0.0, 1.0)
    return 1.0 + pores + blotches - 0.35 * who.freckles * spots


def _whiskers(rng: np.random.Generator, who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Where and how densely a beard grows, 0..1."""
    side, mouth = np.abs(u), v - who.mouth_y
    cheek = smoothstep(0.10, 0.34, v - 0.55 + 0.95 * side**1.5)
    lips = bump(u, mouth - 0.01, who.mouth_width * 0.75, 0.055)
    moustache = bump(u, mouth + 0.125, who.mouth_width * 0.75, 0.035)
    patchy = 1 + 0.25 * field(rng, v.size, u.size, 24)
    below_nose = smoothstep(who.nose_y + 0.02, who.nose_y + 0.1, v)
    density = np.clip(cheek * below_nose + moustache - 1.3 * lips, 0.0, 1.0)
    return np.clip(density * patchy, 0.0, 1.0)


def skin_colour(
    rng: np.random.Generator, who: Identity, u: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """Albedo of the head without eyes, brows, lips and scalp hair: (P, P, 3)."""
    pixels = u.size
    side = np.abs(u)
    red = 0.9 * who.blush * bump(side - 0.40, v - 0.30, 0.15, 0.12)
    red = red + 0.8 * bump(u, v - who.nose_y, 0.10, 0.08) + 0.25 * bump(u, v - 0.9, 0.12, 0.08)
    under_eye = (0.35 + 0.5 * who.age) * bump(side - who.eye_x, v - who.eye_y - 0.10, 0.10, 0.035)
    colour = who.skin * np.ones((pixels, pixels, 1), np.float32)  # (P, P, 3)
    colour *= 1 + red[..., None] * np.array([0.06, -0.13, -0.12])
    colour *= 1 - under_eye[..., None] * np.array([0.14, 0.17, 0.10])
    colour *= _blemishes(rng, who, pixels)[..., None]
    nostril = bump(side - 0.45 * who.nose_width, v - who.nose_y - 0.068, 0.022, 0.012)
    colour *= 1 - 0.75 * nostril[..., None]
    whiskers = _whiskers(rng, who, u, v)[..., None]
    grain = 0.75 + 0.5 * rng.random((pixels, pixels, 1), dtype=np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.006 * pixels / SPAN / 2)[..., None]
    strength = np.clip(0.35 * who.stubble + 0.9 * who.beard, 0.0, 0.92)
    colour += (0.85 * who.hair * grain - colour) * whiskers * strength
    ear, bowl = ears(who, u, v)
    on_ear = (outline(who, u, v) > 1.0) & (ear < 1.3)
    reddish = np.where(on_ear, bowl, 1.0)[..., None] ** np.array([0.8, 1.15, 1.1])
    return (colour * reddish).astype(np.float32)


# ---- eyes and spectacles

LASH = np.array([0.012, 0.008, 0.007], dtype=np.float32)


def _lids(
    who: Identity, x: np.ndarray, blink: np.ndarray, wide: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Height of the upper and the lower lid edge over x; y grows downwards, unit half eye width."""
    arc = np.clip(1.0 - np.abs(x) ** 2.1, 0.0, None)
    tilt = -who.eye_tilt * x
    upper = -who.eye_height * (1 + 0.25 * wide) * arc**0.75 + tilt
    lower = 0.62 * who.eye_height * arc + tilt
    return upper + blink * (0.97 * (lower - upper)), lower


def draw_eye(
    who: Identity, motion: Motion, side: int, u: np.ndarray, v: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """One eye (side -1 or 1) with lids, lashes, iris and catchlight: albedo and opacity."""
    x = ((u - side * who.eye_x) / who.eye_width * side)[None]  # (1, 1, W), outwards positive
    y = ((v - who.eye_y) / who.eye_width)[None]  # (1, H, 1)
    blink = motion.blink[:, None, None]
    upper, lower = _lids(who, x, blink, motion.brow[:, None, None])  # (T, 1, W)
    edge = 0.6 * (u[0, 1] - u[0, 0]) / who.eye_width  # half a pixel or so
    opening = smoothstep(-edge, edge, y - upper) * smoothstep(edge, -edge, y - lower)
    opening = opening * smoothstep(1.02, 0.96, np.abs(x))  # (T, H, W)

    gaze_x = (motion.gaze_x * side)[:, None, None]
    radius = np.hypot(x - gaze_x, y - motion.gaze_y[:, None, None] + 0.06)  # (T, H, W)
    iris_radius = 0.46
    angle = np.arctan2(y + 0.06, x)
    fibres = 0.85 + 0.25 * np.cos(17 * angle) * np.cos(7 * angle + 1)
    ring = (0.35 + 0.9 * smoothstep(iris_radius, 0.25, radius)) * fibres
    inside = smoothstep(iris_radius + edge, iris_radius - edge, radius)
    pupil = smoothstep(0.19 + edge, 0.19 - edge, radius)
    shadow = 0.42 + 0.58 * smoothstep(0.0, 0.42, y - upper)
    white = np.array([0.56, 0.51, 0.48], np.float32) * (1.0 - 0.35 * np.abs(x[..., None]) ** 3)
    colour = white + (who.iris * ring[..., None] - white) * inside[..., None]
    colour = colour * (1.0 - 0.96 * pupil[..., None]) * shadow[..., None]
    # The lamp's reflection stays put while the eye turns.
    glint = np.exp(-0.5 * (((x + 0.14 * side) / 0.085) ** 2 + ((y + 0.20) / 0.085) ** 2))
    colour = colour + 1.6 * glint[..., None] * opening[..., None]

    within = smoothstep(1.12, 0.85, np.abs(x))
    lash = 0.9 * np.exp(-0.5 * ((y - upper + 0.02) / 0.065) ** 2) * within
    lower_lash = 0.28 * np.exp(-0.5 * ((y - lower) / 0.05) ** 2) * within
    crease = 0.38 * np.exp(-0.5 * ((y - upper * 0.8 + 0.26) / 0.05) ** 2) * within * (1 - blink)
    lash = np.clip(np.maximum(lash, lower_lash), 0.0, 1.0)
    dark = np.clip(np.maximum(lash, crease * (1 - opening)), 0.0, 1.0)
    opacity = np.maximum(opening, dark)
    crease_colour = np.where((crease > lash)[..., None], who.skin * 0.35, LASH)
    share = (dark / np.maximum(opacity, 1e-6))[..., None]
    colour = colour * (1 - share) + crease_colour * share
    return colour.astype(np.float32), opacity.astype(np.float32)


def draw_glasses(who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Opacity of a dark spectacle frame: (P, P) float32 in [0, 1]."""
    side = np.abs(u)
    x, y = (side - who.eye_x - 0.01) / 0.215, (v - who.eye_y - 0.03) / 0.165
    rim = np.abs((np.abs(x) ** 3 + np.abs(y) ** 3) ** (1 / 3) - 1.0) * 0.18
    bridge = np.abs(v - who.eye_y + 0.02 + 0.3 * u**2) + 2 * np.clip(side - 0.10, 0, None)
    temple = np.abs(v - who.eye_y) + 2 * np.clip(who.eye_x + 0.22 - side, 0, None)
    temple = temple + 2 * np.clip(side - who.head_width - 0.02, 0, None)
    nearest = np.minimum(rim, np.minimum(bridge, temple))
    return (0.93 * smoothstep(0.030, 0.012, nearest)).astype(np.float32)


# ---- hair and brows


def _strands(
    rng: np.random.Generator, who: Identity, u: np.ndarray, v: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Brightness of single strands, and the way along them, both (P, P)."""
    left = u < who.parting
    angle = np.arctan2(u - who.parting, v + 1.35) + 0.0 * v
    along = np.hypot(u - who.parting, v + 1.0)
    # Each strand keeps its angle seen from above the parting; a slow wave bends them together.
    bend = 0.05 * field(rng, v.size, u.size, 6) + 0.015 * field(rng, v.size, u.size, 16)
    across = (angle + bend + left * 0.5) * 60.0
    loose = rng.standard_normal((64, 512), dtype=np.float32)
    lookup = np.mod(across, 500.0).astype(np.float32), np.mod(along * 9, 60).astype(np.float32)
    fine = cv2.remap(loose, lookup[0], lookup[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    lookup = np.mod(across * 0.22, 500.0).astype(np.float32), lookup[1] * np.float32(0.4)
    locks = cv2.remap(loose, lookup[0], lookup[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
    return 1.0 + 0.16 * fine + 0.26 * locks, along


def _region(rng: np.random.Generator, who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Implicit area of the scalp hair: 1 on its edge, below 1 inside."""
    side = np.abs(u)
    ragged = 0.014 * field(rng, v.size, u.size, 60) + 0.018 * field(rng, v.size, u.size, 14)
    outer = outline(who, u, v, who.hair_volume + 0.4 * np.abs(ragged).mean())
    temple = np.clip((side / who.head_width - 0.55) / 0.42, 0.0, 1.0)
    edge = who.hairline + 0.42 * temple**2.2
    if who.hair_style == 'fringe':
        edge = edge + 0.17 * (1 - temple) + 0.05 * np.cos(9 * (u - who.parting))
    elif who.hair_style == 'parted':
        edge = edge + 0.16 * np.minimum(np.abs(u - who.parting) * 1.6, 0.8) - 0.05
    elif who.hair_style == 'receding':
        edge = edge - 0.10 - 0.14 * np.exp(-0.5 * ((side - 0.34) / 0.13) ** 2)
    sideburn = smoothstep(0.80, 0.97, side / who.head_width) * 0.40
    edge = edge + sideburn + ragged
    scalp = np.maximum(outer, 1.0 + (v - edge) * 2.5)
    if who.hair_style != 'long':
        return scalp
    # Two curtains that leave the face and the neck free and end in a ragged fringe.
    inner = who.head_width * (0.93 - 0.16 * smoothstep(0.2, 1.1, v))
    rim = who.head_width + who.hair_volume + 0.015 + 0.10 * smoothstep(0.0, 0.8, v)
    middle, half = (inner + rim) / 2, (rim - inner) / 2
    curtain = np.abs(side - middle + 0.5 * ragged) / half
    curtain = np.maximum(curtain, 1.0 + (v - 1.12 - 2 * ragged) * 4)
    curtain = np.maximum(curtain, 1.0 + (-0.05 - v) * 4)
    return np.minimum(scalp, curtain)


def scalp_hair(
    rng: np.random.Generator, who: Identity, u: np.ndarray, v: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Hair of the head: albedo (P, P, 3) and opacity (P, P)."""
    strands, along = _strands(rng, who, u, v)
    region = _region(rng, who, u, v)
    # A sheen where the strands turn away from the top light, darker roots and tips.
    sheen = 0.9 * np.exp(-0.5 * ((along - 0.33) / 0.10) ** 2)
    body = np.clip(strands * (0.75 + sheen), 0.12, None) * (
        0.55 + 0.45 * smoothstep(1.0, 0.75, region)
    )
    colour = who.hair * body[..., None] + 0.02 * (sheen * strands)[..., None]
    opacity = coverage(region, u.size)
    opacity = cv2.GaussianBlur(opacity, (0, 0), 0.004 * u.size)
    return colour.astype(np.float32), opacity


def eyebrows(rng: np.random.Generator, who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Opacity of both brows: (P, P) float32 in [0, 1]."""
    x = (np.abs(u) - who.eye_x) / (who.eye_width * 1.35)
    arch = who.brow_arch * (1 - (x - 0.25) ** 2) - who.brow_tilt * 0.2 * x
    y = v - (who.eye_y - who.brow_y + who.brow_arch - arch - 0.02)
    thick = who.brow_thickness * np.clip(1.05 - 0.55 * smoothstep(0.0, 1.1, x), 0.3, None)
    hairs = 0.9 + 0.18 * field(rng, v.size, u.size, v.size // 2)
    body = np.exp(-0.5 * np.abs(y / thick) ** 2.6)
    ends = smoothstep(-1.12, -0.7, x) * smoothstep(1.12, 0.75, x)
    return np.clip(0.92 * body * ends * hairs, 0.0, 1.0).astype(np.float32)


# ---- mouth

INSIDE = np.array([0.030, 0.006, 0.006], dtype=np.float32)
TEETH = np.array([0.70, 0.64, 0.55], dtype=np.float32)
TONGUE = np.array([0.30, 0.085, 0.085], dtype=np.float32)


def _contours(
    who: Identity, motion: Motion, x: np.ndarray
) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Heights over x, downwards from the mouth line: outer and inner edge of both lips."""
    jaw = motion.jaw[:, None, None]
    arc = np.clip(1.0 - np.abs(x) ** 2.3, 0.0, None)
    line = -0.055 * motion.smile[:, None, None] * x**2  # smiling lifts the corners
    inner_top = line - 0.028 * jaw * arc
    inner_bottom = line + 0.125 * jaw * arc**0.8
    bow = 1.0 + 0.16 * bump(np.abs(x) - 0.24, 0.0, 0.13, 1.0) - 0.22 * bump(x, 0.0, 0.09, 1.0)
    outer_top = inner_top - who.upper_lip * arc**0.85 * bow
    outer_bottom = inner_bottom + who.lower_lip * arc**0.7
    return outer_top, inner_top, inner_bottom, outer_bottom


def draw_mouth(
    who: Identity, motion: Motion, u: np.ndarray, v: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Lips, teeth and tongue: albedo and opacity."""
    stretch = 1.0 + 0.14 * motion.wide + 0.10 * motion.smile - 0.10 * motion.jaw
    x = u[None] / (who.mouth_width * stretch[:, None, None])  # (T, 1, W)
    y = (v - who.mouth_y)[None]  # (1, H, 1)
    outer_top, inner_top, inner_bottom, outer_bottom = _contours(who, motion, x)
    soft = 1.2 * (u[0, 1] - u[0, 0])
    shape = smoothstep(-soft, soft, y - outer_top) * smoothstep(soft, -soft, y - outer_bottom)
    shape = shape * smoothstep(1.0, 0.9, np.abs(x))  # (T, H, W)

    hollow = smoothstep(-0.6 * soft, 0.6 * soft, y - inner_top)
    hollow = hollow * smoothstep(0.6 * soft, -0.6 * soft, y - inner_bottom)
    hollow = hollow * smoothstep(0.98, 0.90, np.abs(x))
    gap = inner_bottom - inner_top  # (T, 1, W)
    upper_teeth = smoothstep(0.052, 0.040, y - inner_top) * smoothstep(0.82, 0.6, np.abs(x))
    tongue = 0.8 * smoothstep(0.055, 0.0, inner_bottom - y) * smoothstep(0.05, 0.11, gap)
    shade = (1.0 - 0.5 * np.abs(x) ** 2) * (0.55 + 0.45 * smoothstep(0.0, 0.02, y - inner_top))
    inside = INSIDE + (TONGUE - INSIDE) * tongue[..., None]
    inside = inside + (TEETH * shade[..., None] - inside) * upper_teeth[..., None]

    upper_side = smoothstep(0.6 * soft, -0.6 * soft, y - (inner_top + inner_bottom) / 2)
    depth = (y - inner_bottom) / who.lower_lip
    wet = 0.30 * bump(x, depth - 0.38, 0.35, 0.22) * (depth > 0)
    tone = 0.94 - 0.24 * upper_side - 0.22 * smoothstep(0.55, 1.0, depth)
    lips = who.skin * who.lip_tint * tone[..., None] + wet[..., None] * who.skin * 0.5
    seam = np.exp(-0.5 * ((y - (inner_top + inner_bottom) / 2) / 0.010) ** 2)
    seam = 0.8 * seam * smoothstep(0.05, 0.0, gap) * smoothstep(1.08, 0.9, np.abs(x))
    colour = lips + (inside - lips) * hollow[..., None]
    colour = colour * (1 - seam[..., None])
    opacity = np.maximum(0.88 * shape, np.maximum(hollow, seam))
    return colour.astype(np.float32), opacity.astype(np.float32)
