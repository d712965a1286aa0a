"""Runs with scores that a seed decides."""

import numpy as np
import pandas as pd
import pytest

from mmfake.evaluation.scores import COLUMNS, SCORED, RunScores


def frame_of(scores, holdout='df'):
    """A frame of originals and fakes; ``scores`` is a pair of lists."""
    rows = []
    for label, values in enumerate(scores):
        method = holdout if label else 'original'
        for place, score in enumerate(values):
            stem = f'{place:03d}_{900 + place}' if label else f'{place:03d}'
            rows.append((f'ffpp/{method}/c23/{stem}', method, label, score, 4, SCORED, ''))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.sort_values('video', ignore_index=True)


@pytest.fixture
def make_frame():
    return frame_of


@pytest.fixture
def make_run():
    """A factory: unit normals ``distance`` apart; networks share the difficulty of a video."""

    def make(regime, holdout='df', seed=0, n=20, distance=1.5, noise=0.5, **options):
        shared = np.random.default_rng([7, n]).normal(size=(2, n))
        # crc-like: a stable number for each name
        key = [sum(map(ord, regime)), sum(map(ord, holdout)), seed]
        own = np.random.default_rng(key).normal(size=(2, n))
        logits = (1 - noise) * shared + noise * own + distance * np.array([[-0.5], [0.5]])
        return RunScores(
            regime, holdout, seed, frame_of(1 / (1 + np.exp(-logits)), holdout), **options
        )

    return make
