"""Histograms of a prepared dataset: face sizes, track lengths, clip lengths."""

from __future__ import annotations

from collections import Counter
from typing import Dict, List, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmfake.datasets.manipulations import ORIGINAL, in_order, manipulation_keys, method_name
from mmfake.errors import MMFakeError
from mmfake.faces.face_track import FaceTrack
from mmfake.visualization.style import BLACK, CYCLE, figure_style

from ..audit.index_table import IndexTable


class Measures(NamedTuple):
    """Numbers of all used videos.

    Args:
        sides (list[float]): Median side of the face in each track, px.
        tracks (list[int]): Frames of each track.
        clips (dict[str, list[int]]): Frames of the clips of each method.
        unread (int): Tracks that could not be read.
    """

    sides: List[float]
    tracks: List[int]
    clips: Dict[str, List[int]]
    unread: int


def measure(table: IndexTable) -> Measures:
    """Read the tracks of an index.

    A track is counted once: fakes are cropped where the face of their original is.
    """
    sides, lengths, unread = [], [], 0
    for row in table.used:
        if row['track_of'] not in ('', row.video_id):
            continue
        try:
            track = FaceTrack.load(table.file(row['track']))
        except MMFakeError:
            unread += 1
            continue
        sides.append(track.side)
        lengths.append(len(track))
    measured = [(row['method'], row.frames) for row in table.used if row.frames is not None]
    clips = {
        method: [frames for name, frames in measured if name == method]
        for method in in_order(name for name, _ in measured)
    }
    return Measures(sides, lengths, clips, unread)


def draw_histograms(table: IndexTable, measures: Measures) -> Figure:
    """Draw face sizes, track lengths, and clip lengths by method."""
    with figure_style():
        figure = Figure(figsize=(7.1, 2.7), layout='constrained')
        one, two, three = figure.subplots(1, 3)
        unread = f', {measures.unread} not read' if measures.unread else ''
        _histogram(one, measures.sides, '(a) Face sizes', 'px', unread)
        one.set_xlabel('Median side of the face box (px)')
        _histogram(two, measures.tracks, '(b) Track lengths', 'frames', unread)
        two.set_xlabel('Length of the track (frames)')
        for ax in (one, two):
            ax.set_ylabel('Tracks')
        _clip_lengths(three, measures.clips)
        figure.suptitle(_title(table), fontsize=8, fontweight='bold')
    return figure


def _histogram(ax: Axes, values: List[float], title: str, unit: str, unread: str) -> None:
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    median = float(np.median(values)) if values else 0
    middle = f'median {median:.0f} {unit}, dashed' if values else 'none'
    ax.set_title(f'{title}, n = {len(values)}{unread}\n{middle}')
    most = 1.05 * max(values, default=1)
    if values:
        # from 0 on: bins between the values alone are too thin to be seen where all are alike
        ax.hist(values, bins=30, range=(0, most), color=CYCLE[5])
        ax.axvline(median, color=BLACK, lw=0.8, ls='--')
    ax.set_xlim(0, most)


def _clip_lengths(ax: Axes, clips: Dict[str, List[int]]) -> None:
    """Draw a line from shortest to longest per method, a bar between quartiles, a dot at half."""
    total = sum(map(len, clips.values()))
    ax.set_title(f'(c) Clip lengths, n = {total}\nrange, quartiles, median')
    ax.set_xlabel('Length of the clip (frames)')
    colours = in_order([*manipulation_keys(True), *clips])  # a method has its own in every figure
    colours.remove(ORIGINAL)
    for place, (method, frames) in enumerate(clips.items()):
        colour = BLACK if method == ORIGINAL else CYCLE[colours.index(method) % len(CYCLE)]
        low, first, median, third, high = np.percentile(frames, (0, 25, 50, 75, 100))
        ax.plot((low, high), (place, place), color=colour, lw=1, marker='|', ms=5)
        ax.plot((first, third), (place, place), color=colour, lw=5, solid_capstyle='butt')
        ax.plot(median, place, 'o', ms=5, mfc='white', mec=colour)
    names = [f'{method_name(key)}\nn = {len(clips[key])}' for key in clips]
    ax.set_yticks(range(len(names)), names, fontsize=7)
    ax.set_xlim(0, 1.05 * max(map(max, clips.values()), default=1))
    ax.set_ylim(len(names) - 0.5, -0.5)  # the original on top
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))


def _title(table: IndexTable) -> str:
    unused = Counter(row['status'] for row in table.rows if not row.used)
    text = f'{table.path.parent.name}: {len(table.used)} of {len(table.rows)} videos used'
    reasons = ', '.join(f'{status} {number}' for status, number in unused.most_common())
    return f'{text} ({reasons})' if reasons else text
