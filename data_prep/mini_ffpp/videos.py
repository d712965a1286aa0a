"""All videos of one target: the original and its four manipulations."""

from __future__ import annotations

from typing import Dict

import cv2
import numpy as np

from .deepfakes import deepfakes
from .face2face import face2face
from .faceswap import faceswap
from .head_model import HeadModel
from .neural_textures import neural_textures
from .take import shoot

FAMILIES = {'df': deepfakes, 'f2f': face2face, 'fs': faceswap, 'nt': neural_textures}


def render_target(
    seed: int, target: str, source: str, frames: int, side: int
) -> Dict[str, np.ndarray]:
    """Render the videos of one target.

    Args:
        seed (int): Seed of the dataset.
        target (str): Id whose background and head are seen.
        source (str): Id whose face or expression is put there.
        frames (int): Number of frames T.
        side (int): Side S of the picture in pixels.

    Returns:
        dict[str, np.ndarray]: 'original', 'df', 'f2f', 'fs', 'nt' to (T, S, S, 3) uint8 RGB. A
        video depends on the seed and the ids it shows, on nothing else.
    """
    # One thread: parallelism is over targets, and threads would only contend.
    cv2.setNumThreads(1)
    take = shoot(seed, target, frames, side)
    other = HeadModel(seed, source, 2 * side)
    videos = {'original': take.video}
    videos.update({key: family(take, other) for key, family in FAMILIES.items()})
    return {
        key: np.clip(video * 255.0 + 0.5, 0, 255).astype(np.uint8) for key, video in videos.items()
    }
