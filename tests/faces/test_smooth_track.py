import math

import numpy as np
import pytest

from mmfake.faces.face_track import smooth_track


def loop(values, sigma):
    """The definition: weights up to 4 sigma away, the ends repeated."""
    radius = int(4 * sigma + 0.5)
    weights = [math.exp(-0.5 * (d / sigma) ** 2) for d in range(-radius, radius + 1)]
    smoothed = []
    for n in range(len(values)):
        total = 0
        for d, weight in zip(range(-radius, radius + 1), weights):
            total += weight * values[min(max(n + d, 0), len(values) - 1)]
        smoothed.append(total / sum(weights))
    return np.array(smoothed)


@pytest.mark.parametrize('sigma', [0.5, 4.0])
def test_centre_and_side_equal_a_loop(track, sigma):
    rng = np.random.default_rng(0)
    centre, side = rng.uniform(40, 60, (30, 2)), rng.uniform(10, 30, (30, 2))
    shaky = track(np.hstack([centre - side / 2, centre + side / 2]), start=5, with_points=True)
    smooth = smooth_track(shaky, sigma)
    low, high = np.split(smooth.boxes, 2, axis=1)
    assert (low + high) / 2 == pytest.approx(loop(centre, sigma), abs=1e-4)
    assert high - low == pytest.approx(loop(side, sigma), abs=1e-4)
    for point in range(5):
        assert smooth.points[:, point] == pytest.approx(loop(centre, sigma), abs=1e-4)
    assert smooth.start == 5
    assert smooth.boxes.dtype == smooth.points.dtype == np.float32


def test_the_default_is_four_frames(track):
    step = track([[0, 0, 9, 9]] * 20 + [[50, 0, 59, 9]] * 20)
    expected = loop(step.boxes.astype(float), 4)
    assert smooth_track(step).boxes == pytest.approx(expected, abs=1e-4)


def test_what_is_still_stays(track):
    still = track([3, 4, 33, 54], length=9)
    assert smooth_track(still).boxes == pytest.approx(still.boxes, abs=1e-5)
    one = track([3, 4, 33, 54])
    assert smooth_track(one).boxes == pytest.approx(one.boxes, abs=1e-5)


def test_no_smoothing(track):
    shaky = track([[0, 0, 9, 9], [5, 5, 9, 9]])
    assert smooth_track(shaky, 0).boxes.tolist() == shaky.boxes.tolist()
    with pytest.raises(ValueError, match=r'sigma=-1'):
        smooth_track(shaky, -1)
