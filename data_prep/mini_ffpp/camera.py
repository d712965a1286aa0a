"""What the camera does to the light: lens, vignette, exposure, sensor noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .noise import drift
from .seeding import rng_for


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
        """Turn light into a coded picture, without sensor noise.

        Args:
            light (np.ndarray): (T, S, S, 3) linear light.

        Returns:
            np.ndarray: (T, S, S, 3) float32, gamma coded, nominally 0..1.
        """
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
    """Draw the camera of an id.

    Args:
        seed (int): Seed of the dataset.
        number (str): Id of the person filmed.
        frames (int): Number of frames T.
        side (int): Side S of the picture in pixels.

    Returns:
        Camera: The same for the same arguments.
    """
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
