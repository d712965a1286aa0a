"""Scalp hair and eyebrows."""

from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from .identity import Identity
from .noise import field, smoothstep
from .relief import outline
from .skin import coverage


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
    """Hair of the head.

    Args:
        rng (np.random.Generator): Source of randomness.
        who (Identity): Whose hair.
        u (np.ndarray): (1, P) horizontal head coordinate.
        v (np.ndarray): (P, 1) vertical head coordinate.

    Returns:
        tuple[np.ndarray, np.ndarray]: Albedo (P, P, 3) and opacity (P, P), float32.
    """
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
    """Opacity of both brows.

    Args:
        rng (np.random.Generator): Source of randomness.
        who (Identity): Whose brows.
        u (np.ndarray): (1, P) horizontal head coordinate.
        v (np.ndarray): (P, 1) vertical head coordinate.

    Returns:
        np.ndarray: (P, P) float32 in [0, 1].
    """
    x = (np.abs(u) - who.eye_x) / (who.eye_width * 1.35)
    arch = who.brow_arch * (1 - (x - 0.25) ** 2) - who.brow_tilt * 0.2 * x
    y = v - (who.eye_y - who.brow_y + who.brow_arch - arch - 0.02)
    thick = who.brow_thickness * np.clip(1.05 - 0.55 * smoothstep(0.0, 1.1, x), 0.3, None)
    hairs = 0.9 + 0.18 * field(rng, v.size, u.size, v.size // 2)
    body = np.exp(-0.5 * np.abs(y / thick) ** 2.6)
    ends = smoothstep(-1.12, -0.7, x) * smoothstep(1.12, 0.75, x)
    return np.clip(0.92 * body * ends * hairs, 0.0, 1.0).astype(np.float32)
