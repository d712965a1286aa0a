"""Resampling of videos that several runs share."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np
import pandas as pd

from .bootstrap import draw_counts


def joint_counts(
    frames: Sequence[pd.DataFrame], n_bootstrap: int = 1000, seed: int = 0
) -> List[np.ndarray]:
    """Draw videos with replacement, alike in every run.

    Runs are judged on the same originals and, across hold-outs, on fakes of the same people: where
    one run has a video twice, all have. So the replicates may be averaged over seeds and hold-outs
    without taking the runs for independent. Originals and manipulated videos are drawn separately.
    Fakes that differ by nothing but their method (same file name) go together across runs, unless
    a run itself has several methods.

    Args:
        frames (Sequence[pandas.DataFrame]): Scored videos of each run, sorted by video, with the
            columns ``video``, ``method`` and ``label``.
        n_bootstrap (int): Number of replicates B. Defaults to 1000.
        seed (int): Seed of the draws. Defaults to 0.

    Returns:
        list[np.ndarray]: For each run how often each replicate holds each of its videos, (B, N). Of
        a single run, or of runs on the same videos, they are those of
        :func:`~.bootstrap.bootstrap_intervals`.
    """
    units = [_units(frame) for frame in frames]
    # every unit once, sorted, with its label
    all_units = pd.concat(
        [pd.DataFrame(dict(unit=unit, label=frame['label'])) for unit, frame in zip(units, frames)]
    )
    all_units = all_units.drop_duplicates().sort_values(['unit', 'label'], ignore_index=True)
    counts = draw_counts(all_units['label'].to_numpy(), n_bootstrap, np.random.default_rng(seed))
    index = pd.MultiIndex.from_frame(all_units)
    return [
        counts[:, index.get_indexer(pd.MultiIndex.from_arrays([unit, frame['label']]))]
        for unit, frame in zip(units, frames)
    ]


def _units(frame: pd.DataFrame) -> List[str]:
    """What is drawn: a video, or all fakes of one file name."""
    if frame.loc[frame['label'] == 1, 'method'].nunique() != 1:
        return list(frame['video'])
    return [
        '/'.join('*' if part == method else part for part in video.split('/'))
        for video, method in zip(frame['video'], frame['method'])
    ]
