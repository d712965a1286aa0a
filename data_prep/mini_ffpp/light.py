"""Light of one scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .seeding import rng_for


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
        """Something between two lights.

        Args:
            other (Light): The other light.
            share (float): Its share, 0 to 1.

        Returns:
            Light: The mixture.
        """
        mean = [
            (1 - share) * mine + share * theirs
            for mine, theirs in zip(vars(self).values(), vars(other).values())
        ]
        return Light((mean[0] / np.linalg.norm(mean[0])).astype(np.float32), *mean[1:])


def sample_light(seed: int, number: str) -> Light:
    """Draw the light in which an id was filmed.

    Args:
        seed (int): Seed of the dataset.
        number (str): Id of the person.

    Returns:
        Light: The same for the same arguments.
    """
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
