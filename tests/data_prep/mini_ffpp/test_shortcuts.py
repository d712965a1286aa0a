"""After encoding, nothing outside the face tells originals from manipulations."""

from __future__ import annotations

import av
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from data_prep.mini_ffpp.tree import FAMILIES, render_target, write_video

TARGETS = 12


@pytest.fixture(scope='module')
def statistics(tmp_path_factory):
    """Statistics of the decoded videos: kind to name to values, one per target."""
    folder = tmp_path_factory.mktemp('videos')
    table = {key: {} for key in ('original', *FAMILIES)}
    for k in range(TARGETS):
        for key, video in render_target(0, f'{k:03d}', f'{k + TARGETS:03d}', 8, 64).items():
            write_video(folder / f'{key}{k}.mp4', video)
            with av.open(str(folder / f'{key}{k}.mp4')) as container:
                frames = [f.to_ndarray(format='gray') for f in container.decode(video=0)]
            grey = np.stack(frames).astype(float)
            edge = np.concatenate([grey[:, :, :6], grey[:, :, -6:]], axis=2)
            values = {
                'frames': len(grey),
                'background level': edge.mean(),
                'background noise': np.abs(np.diff(edge, axis=0)).mean(),
                'background detail': np.abs(np.diff(edge, axis=1)).mean(),
                'brightness': grey.mean(),
            }
            for name, value in values.items():
                table[key].setdefault(name, []).append(value)
    return table


@pytest.mark.parametrize('key', list(FAMILIES))
@pytest.mark.parametrize(
    'name', ['frames', 'background level', 'background noise', 'background detail', 'brightness']
)
def test_no_shortcut(statistics, key, name):
    originals, fakes = statistics['original'][name], statistics[key][name]
    labels = [0] * TARGETS + [1] * TARGETS
    assert abs(roc_auc_score(labels, originals + fakes) - 0.5) < 0.1
