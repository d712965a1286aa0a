"""One filmed performance: all that its manipulations start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import Camera, sample_camera
from .head_model import HeadModel
from .light import Light, sample_light
from .motion import Motion, sample_motion
from .pose import head_maps
from .scene import draw_backdrop


@dataclass(frozen=True)
class Take:
    """The original video of one id and how it was made.

    ``maps`` (T, 2 S, 2 S, 2) are the head coordinates seen by every pixel at twice the resolution;
    ``light_field`` (T, S, S, 3) is linear light; ``video`` (T, S, S, 3) the noisy coded picture.
    """

    seed: int
    head: HeadModel
    motion: Motion
    light: Light
    camera: Camera
    maps: np.ndarray
    light_field: np.ndarray
    video: np.ndarray

    @property
    def points(self) -> np.ndarray:
        """Head coordinates seen by every pixel, (T, S, S, 2)."""
        return self.maps[:, ::2, ::2]

    def reshoot(self, layers: np.ndarray, tint: np.ndarray) -> np.ndarray:
        """Film another head in place of the own one, without sensor noise.

        Args:
            layers (np.ndarray): (T, S, S, 4) from :meth:`HeadModel.render`.
            tint (np.ndarray): (3,) factor on the light of these layers.

        Returns:
            np.ndarray: (T, S, S, 3) float32, coded.
        """
        behind = self.light_field * (1 - layers[..., 3:])
        return self.camera.develop(behind + layers[..., :3] * tint.astype(np.float32))


def shoot(seed: int, number: str, frames: int, side: int) -> Take:
    """Film the person of an id.

    Args:
        seed (int): Seed of the dataset.
        number (str): Id of the person.
        frames (int): Number of frames T.
        side (int): Side S of the picture in pixels.

    Returns:
        Take: The same for the same arguments.
    """
    head = HeadModel(seed, number, 2 * side)
    motion = sample_motion(seed, number, frames)
    light = sample_light(seed, number)
    camera = sample_camera(seed, number, frames, side)
    maps = head_maps(head.who, motion, side, camera.zoom)
    sway = motion.x, motion.y
    backdrop = draw_backdrop(seed, head.who, light, sway, side, camera.zoom)
    layers = head.render(motion, maps, light)
    light_field = backdrop * (1 - layers[..., 3:]) + layers[..., :3]
    video = camera.develop(light_field) + camera.noise
    return Take(seed, head, motion, light, camera, maps, light_field, video)
