"""What the report says of one video."""

from __future__ import annotations

import base64
from html import escape
from typing import Any, Dict, Iterable, List, Tuple
from urllib.parse import quote

from ..looks import method_name
from .timeline import draw_timeline

_SIGNS = dict(manipulated='&#9650;', original='&#9679;', abstain='&#8211;')  # not by colour alone


def verdict_of(verdict: str) -> str:
    """Show a verdict by word, sign and colour.

    Args:
        verdict (str): ``'original'``, ``'manipulated'`` or ``'abstain'``.

    Returns:
        str: A ``<span>``.
    """
    return f'<span class="verdict {verdict}">{_SIGNS[verdict]} {verdict}</span>'


def bar_of(probability: float, threshold: float, verdict: str) -> str:
    """Show a probability as a bar with the threshold on it.

    Args:
        probability (float): From 0 to 1.
        threshold (float): From 0 to 1.
        verdict (str): Chooses the colour.

    Returns:
        str: A ``<span>``.
    """
    return (
        f'<span class="bar {verdict}"><i style="width:{100 * probability:.1f}%"></i>'
        f'<b style="left:{100 * threshold:.1f}%"></b></span>'
    )


def draw_section(
    video: Dict[str, Any], strips: Iterable[Any], threshold: float, number: int, name: str
) -> str:
    """Write the section of a video.

    Args:
        video (dict): Its prediction.
        strips (Iterable[Strip]): Pictures of its extreme clips.
        threshold (float): Of the run.
        number (int): Its place in the run, from 0.
        name (str): What to call it.

    Returns:
        str: A ``<section>``.
    """
    parts = [
        f'<section id="video-{number}"><h2 title="{escape(video["video"])}">{escape(name)}</h2>',
        f'<p>{verdict_of(video["verdict"])}{_told(video)}</p>',
    ]
    parts += [f'<p class="warning">{escape(text)}</p>' for text in video['warnings']]
    duration = video['metadata'].get('duration', 0.0)
    several = len(video['people']) > 1
    for person in video['people']:
        if several:
            parts.append(
                f'<h3>Person {person["person"]}: {person["verdict"]}, '
                f'{person["probability"]:.3f}</h3>'
            )
        skipped = video['skipped'] if person is video['people'][0] else []
        parts.append(draw_timeline(person['clips'], skipped, duration, threshold))
    parts += [_figure(strip, several) for strip in strips]
    if video['family']:
        parts.append(_family(video['family']))
    if video.get('annotated'):
        source = escape(quote(video['annotated']))
        parts.append(f'<p><a href="{source}">Copy of the video with box and scores</a></p>')
    parts.append(_list(_metadata(video)))
    return ''.join([*parts, '</section>'])


def _told(video: Dict[str, Any]) -> str:
    if video['probability'] is None:
        return f'{escape(video["status"])}: {escape(video["reason"])}'
    clips = [clip for person in video['people'] for clip in person['clips']]
    scores = [clip['score'] for clip in clips]
    who = ''
    if len(video['people']) > 1:
        who = (
            f', the highest of {len(video["people"])} people against a threshold chosen for one '
            'face: the more faces, the more false alarms'
        )
    return (
        f'probability {video["probability"]:.3f} <span class="quiet">{len(clips)} clips from '
        f'{min(scores):.3f} to {max(scores):.3f}{who}</span>'
    )


def _figure(strip: Any, several: bool) -> str:
    data = base64.b64encode(strip.jpeg).decode()
    time = f'{strip.start:.2f} to {strip.end:.2f} s'
    caption = f'{strip.which.capitalize()} clip: {strip.score:.3f}, {time}'
    if several:
        caption = f'Person {strip.person}, {caption[0].lower()}{caption[1:]}'
    if strip.speaks_for:
        caption += f'. Below, brighter where more speaks for {strip.speaks_for}.'
    return (
        f'<figure><figcaption>{escape(caption)}</figcaption>'
        f'<img alt="{escape(caption)}" src="data:image/jpeg;base64,{data}"></figure>'
    )


def _family(family: Dict[str, Any]) -> str:
    shares = ', '.join(
        f'{escape(method_name(key))} {100 * share:.0f} %'
        for key, share in family['probabilities'].items()
    )
    likely = family['likely']
    head = f'Most like {escape(method_name(likely))} among' if likely else 'Likeness to'
    return (
        f'<p class="quiet">{head} the methods it was trained on: {shares}. '
        'This classifier only helped training; it cannot name a method it has never seen.</p>'
    )


def _metadata(video: Dict[str, Any]) -> List[Tuple[str, str]]:
    facts = video['metadata']
    rows = []
    if 'width' in facts:
        rows += [
            ('picture', f'{facts["width"]} x {facts["height"]} px, {facts["codec"]}'),
            ('rate', f'{facts["fps"]:.3g} frames per s'),
        ]
    if 'frames' in facts:
        whole = '' if facts['read_to_end'] else ' (as far as it was read)'
        rows.append(('length', f'{facts["duration"]:.2f} s, {facts["frames"]} frames{whole}'))
    sides = [person['face_px'] for person in video['people'] if person['face_px']]
    if sides:
        rows.append(('crop', ', '.join(f'{side} px' for side in sides)))
    seconds = video['seconds']
    if seconds:
        rows.append(('time spent', ', '.join(f'{k} {v:.2f} s' for k, v in seconds.items())))
    return rows


def _list(rows: List[Tuple[str, str]]) -> str:
    items = ''.join(f'<div><dt>{k}</dt><dd>{escape(v)}</dd></div>' for k, v in rows)
    return f'<dl>{items}</dl>' if rows else ''
