"""Identity: shape and colours of one person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import rng_for

# sRGB, from light to dark; a person's skin is a point on the line through them.
SKIN_TONES = (
    (245, 216, 198),
    (234, 194, 167),
    (216, 168, 134),
    (186, 135, 100),
    (143, 96, 68),
    (99, 66, 49),
)
HAIR_COLOURS = (
    (28, 22, 20),
    (46, 32, 24),
    (78, 52, 34),
    (112, 74, 44),
    (168, 128, 78),
    (120, 52, 30),
    (150, 148, 146),
)
IRIS_COLOURS = ((62, 38, 22), (92, 60, 32), (92, 94, 52), (78, 106, 130), (96, 112, 112))
HAIR_STYLES = ('short', 'short', 'parted', 'fringe', 'long', 'long', 'receding')


@dataclass(frozen=True)
class Identity:
    """Shape and colour of one head, in head units.

    A head unit is half the height of the skull: the crown is at v = -1, the chin at v = +1, u runs
    to the right. Colours are linear light (sRGB squared), shape (3,).
    """

    number: str
    head_width: float
    jaw_taper: float
    squareness: float
    eye_x: float
    eye_y: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    iris: np.ndarray
    brow_y: float
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    nose_y: float
    nose_width: float
    nose_height: float
    mouth_y: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    lip_tint: np.ndarray
    ear_size: float
    skin: np.ndarray
    blush: float
    freckles: float
    age: float
    stubble: float
    beard: float
    hair_style: str
    hair: np.ndarray
    hair_volume: float
    hairline: float
    parting: float
    glasses: bool


def linear(colour: np.ndarray) -> np.ndarray:
    """Linear light of an 8-bit sRGB colour: gamma 2, whose inverse is a cheap square root."""
    return ((np.asarray(colour, dtype=np.float32) / 255.0) ** 2).astype(np.float32)


def sample_identity(seed: int, number: str) -> Identity:
    """Draw the person of an id."""
    rng = rng_for(seed, 'identity', number)
    u = rng.uniform
    tone = u(0, len(SKIN_TONES) - 1.001)
    low, share = int(tone), tone % 1.0
    skin = (1 - share) * np.array(SKIN_TONES[low]) + share * np.array(SKIN_TONES[low + 1])
    skin = linear(np.clip(skin * (1 + rng.normal(0, 0.02, 3)), 0, 246))
    age = float(rng.beta(1.5, 2.0))
    # Light hair is rare on dark skin, grey hair is rare on young heads.
    choices = HAIR_COLOURS[:3] if tone > 2.6 else HAIR_COLOURS[:6]
    hair = HAIR_COLOURS[-1] if u() < age - 0.45 else choices[rng.integers(len(choices))]
    masculine = u() < 0.5
    style = HAIR_STYLES[rng.integers(len(HAIR_STYLES))]
    if style == 'long' and masculine and u() < 0.8:
        style = 'short'
    lips = np.array([0.80, 0.50, 0.48]) if masculine else np.array([0.86, 0.40, 0.42])
    return Identity(
        number=number,
        head_width=u(0.67, 0.77) + 0.02 * masculine,
        jaw_taper=u(0.14, 0.36) - 0.06 * masculine,
        squareness=u(2.05, 2.6),
        eye_x=u(0.275, 0.325),
        eye_y=u(-0.03, 0.05),
        eye_width=u(0.138, 0.166),
        eye_height=u(0.35, 0.51),
        eye_tilt=u(-0.06, 0.16),
        iris=linear(IRIS_COLOURS[0 if tone > 2.6 else rng.integers(len(IRIS_COLOURS))]),
        brow_y=u(0.17, 0.22) - 0.02 * masculine,
        brow_thickness=u(0.022, 0.036) + 0.014 * masculine,
        brow_arch=u(0.02, 0.07),
        brow_tilt=u(-0.10, 0.12),
        nose_y=u(0.36, 0.45),
        nose_width=u(0.10, 0.15) + 0.01 * masculine,
        nose_height=u(0.15, 0.24),
        mouth_y=u(0.62, 0.67),
        mouth_width=u(0.20, 0.265),
        upper_lip=u(0.030, 0.052),
        lower_lip=u(0.045, 0.075),
        lip_tint=(lips * (1 + rng.normal(0, 0.05, 3))).astype(np.float32),
        ear_size=u(0.85, 1.2),
        skin=skin,
        blush=u(0.1, 0.9),
        freckles=max(0.0, u(-1.5, 1.0)),
        age=age,
        stubble=u(0, 0.8) * masculine,
        beard=float(masculine and u() < 0.3) * u(0.6, 1.0),
        hair_style=style,
        hair=linear(np.array(hair) * u(0.85, 1.15)),
        hair_volume=u(0.03, 0.10),
        hairline=u(-0.66, -0.52),
        parting=u(-0.35, 0.35),
        glasses=bool(u() < 0.16),
    )
