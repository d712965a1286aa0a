"""Spectacle frames."""

from __future__ import annotations

import numpy as np

from .identity import Identity
from .noise import smoothstep


def draw_glasses(who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Opacity of a dark spectacle frame.

    Args:
        who (Identity): Whose glasses; they sit on the eyes and the ears.
        u (np.ndarray): (1, P) horizontal head coordinate.
        v (np.ndarray): (P, 1) vertical head coordinate.

    Returns:
        np.ndarray: (P, P) float32 in [0, 1].
    """
    side = np.abs(u)
    x, y = (side - who.eye_x - 0.01) / 0.215, (v - who.eye_y - 0.03) / 0.165
    rim = np.abs((np.abs(x) ** 3 + np.abs(y) ** 3) ** (1 / 3) - 1.0) * 0.18
    bridge = np.abs(v - who.eye_y + 0.02 + 0.3 * u**2) + 2 * np.clip(side - 0.10, 0, None)
    temple = np.abs(v - who.eye_y) + 2 * np.clip(who.eye_x + 0.22 - side, 0, None)
    temple = temple + 2 * np.clip(side - who.head_width - 0.02, 0, None)
    nearest = np.minimum(rim, np.minimum(bridge, temple))
    return (0.93 * smoothstep(0.030, 0.012, nearest)).astype(np.float32)
