"""Boxes that do not tremble."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .face_track import FaceTrack


def smooth_track(track: FaceTrack, sigma: float = 4.0) -> FaceTrack:
    """Smooth boxes and points over the frames with a Gaussian, cut off at 4 sigma.

    Smoothing is linear, so smoothing the corners smooths centre, width and height alike. At the
    ends the first and the last box are taken to go on for ever.

    Args:
        track (FaceTrack): Left as it is.
        sigma (float): Standard deviation, frames; 0 changes nothing. Defaults to 4.0.

    Returns:
        FaceTrack: As long as before.

    Raises:
        ValueError: If sigma is negative.
    """
    if sigma < 0:
        raise ValueError(f'sigma={sigma} of a smoothing is negative')
    if sigma == 0:
        return track

    def smooth(values: np.ndarray) -> np.ndarray:
        # in float64: float32 would round each of the sums on the way
        smoothed = gaussian_filter1d(values.astype(np.float64), sigma, axis=0, mode='nearest')
        return smoothed.astype(np.float32)

    points = None if track.points is None else smooth(track.points)
    return replace(track, boxes=smooth(track.boxes), points=points)
