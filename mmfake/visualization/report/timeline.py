"""Scores over time, as SVG."""

from __future__ import annotations

from html import escape
from typing import Any, Dict, List

from ..figure_style import BLUE, VERMILLION

_WIDTH, _HEIGHT = 760, 96  # of the plot, px
_LEFT, _TOP, _RIGHT, _BOTTOM = 34, 8, 96, 24  # px around it, for the numbers


def draw_timeline(
    clips: List[Dict[str, Any]], skipped: List[Dict[str, Any]], duration: float, threshold: float
) -> str:
    """Draw the clips of a person over the time of the video.

    Args:
        clips (list[dict]): ``start`` and ``end`` (s) and ``score`` of each.
        skipped (list[dict]): ``start``, ``end`` and ``reason`` of what nobody judged.
        duration (float): Of the video, s.
        threshold (float): From which score on a bar is painted as manipulated.

    Returns:
        str: An ``<svg>`` element; a bar says its time and score when it is pointed at.
    """
    duration = max([duration, *(clip['end'] for clip in clips)]) or 1.0

    def x(time: float) -> float:
        return _LEFT + _WIDTH * min(max(time / duration, 0), 1)

    def y(score: float) -> float:
        return _TOP + _HEIGHT * (1 - score)

    told = ', '.join(f'{clip["score"]:.2f} at {clip["start"]:.1f} s' for clip in clips[:20])
    parts = [
        f'<svg class="timeline" role="img" viewBox="0 0 {_LEFT + _WIDTH + _RIGHT} '
        f'{_TOP + _HEIGHT + _BOTTOM}" aria-label="{escape(f"Clip scores over time: {told}")}">',
        f'<rect class="ground" x="{_LEFT}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}"/>',
    ]
    for place in skipped:
        left, width = x(place['start']), x(place['end']) - x(place['start'])
        parts.append(
            f'<rect class="skipped" x="{left:.1f}" y="{_TOP}" width="{width:.1f}" '
            f'height="{_HEIGHT}"><title>{escape(place["reason"])}</title></rect>'
        )
    for clip in clips:
        score, left = clip['score'], x(clip['start'])
        color = VERMILLION if score >= threshold else BLUE
        width = max(x(clip['end']) - left, 1.5)
        told = f'{clip["start"]:.2f} to {clip["end"]:.2f} s: {score:.3f}'
        # a bar of no height could not be pointed at
        top = min(y(score), _TOP + _HEIGHT - 1.5)
        parts.append(
            f'<rect class="clip" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
            f'height="{_TOP + _HEIGHT - top:.1f}" fill="{color}"><title>{told}</title></rect>'
        )
    level = y(threshold)
    parts.append(
        f'<line class="threshold" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{level:.1f}" '
        f'y2="{level:.1f}"/><text x="{_LEFT + _WIDTH + 6}" y="{level + 4:.1f}">threshold '
        f'{threshold:.2f}</text>'
    )
    parts += [
        f'<text x="{_LEFT - 6}" y="{y(score) + 4:.1f}" text-anchor="end">{score}</text>'
        for score in (0, 1)
    ]
    parts += [
        f'<text x="{x(duration * part / 4):.1f}" y="{_TOP + _HEIGHT + 16}" '
        f'text-anchor="middle">{_clock(duration * part / 4)}</text>'
        for part in range(5)
    ]
    return ''.join([*parts, '</svg>'])


def _clock(seconds: float) -> str:
    """Seconds as a player shows them, finer for short videos."""
    if seconds < 60:
        return f'{seconds:.1f} s'
    return f'{int(seconds) // 60}:{int(seconds) % 60:02d} min'
