"""Clips of nobody, with points, for the transforms that forge faces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

# eyes, nose, corners of the mouth as data preparation finds them, in sides of the clip
FACE = np.float64([(0.37, 0.41), (0.63, 0.41), (0.5, 0.56), (0.4, 0.72), (0.6, 0.72)])


@pytest.fixture
def make_sample(tmp_path):
    """A clip of cloudy colours and the points of a face in it, as a sample after decoding."""

    def make(method, number=0, frames=6, side=96, still=False):
        rng = np.random.default_rng(number)
        cloud = cv2.resize(
            rng.uniform(30, 220, (12, 12, 3)), (side, side), None, 0, 0, cv2.INTER_CUBIC
        )
        cloud += rng.normal(0, 6, (side, side, 3))
        steps = np.zeros(frames, int) if still else np.arange(frames)
        imgs = [np.uint8(np.clip(np.roll(cloud, step, axis=1), 0, 255)) for step in steps]
        points = side * FACE[None] + steps[:, None, None] * np.float64([1, 0])
        path = tmp_path / f'{number}_{frames}_{side}_{still}.npy'
        np.save(path, points.astype(np.float32))
        return dict(
            imgs=imgs,
            method=method,
            frame_inds=np.arange(frames),
            clip_len=frames,
            points=str(path),
            target=f'{number:03d}',
        )

    return make


@pytest.fixture
def apply():
    """Apply a transform to a sample with a seed: its frames, (T, H, W, 3)."""

    def run(transform, sample, seed=0):
        np.random.seed(seed)
        return np.stack(transform(dict(sample))['imgs'])

    return run
