"""HTML report of inference: one self-contained page."""

from __future__ import annotations

import base64
import os
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence, Tuple, Union
from urllib.parse import quote

from ..datasets.protocol import method_name
from ..files import atomic_file
from ..visualization.style import BLUE, GREY, VERMILLION

STYLE = f"""
:root {{ color-scheme: light; --manipulated: {VERMILLION}; --original: {BLUE}; --grey: {GREY}; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 960px; padding: 24px 20px 48px; background: #fff; color: #1a1a1a;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }}
h1 {{ font-size: 24px; line-height: 1.2; margin: 0 0 4px; }}
h2 {{ font-size: 17px; margin: 0; overflow-wrap: anywhere; }}
h3 {{ font-size: 14px; margin: 16px 0 4px; }}
p {{ margin: 8px 0; }}
.quiet {{ color: #5a5a5a; font-size: 13px; }}
.meaning {{ border-left: 4px solid #1a1a1a; padding: 2px 0 2px 12px; margin: 16px 0; }}
table {{ border-collapse: collapse; width: 100%; margin: 16px 0; }}
th, td {{ text-align: left; padding: 6px 10px 6px 0; border-bottom: 1px solid #ddd;
  vertical-align: top; }}
th {{ font-size: 12px; color: #5a5a5a; font-weight: 600; }}
td.name {{ overflow-wrap: anywhere; }}
td.reason {{ max-width: 340px; }}
td.number {{ font-variant-numeric: tabular-nums; white-space: nowrap; }}
a {{ color: inherit; }}
.bar {{ display: inline-block; position: relative; width: 120px; height: 10px; background: #eee;
  margin-right: 8px; }}
.bar i {{ display: block; height: 100%; background: currentColor; }}
.bar b {{ position: absolute; top: -2px; bottom: -2px; width: 2px; background: #000; }}
.verdict {{ display: inline-block; white-space: nowrap; font-weight: 600; }}
.manipulated {{ color: var(--manipulated); }}
.original {{ color: var(--original); }}
.abstain {{ color: #5a5a5a; }}
section {{ border-top: 3px solid #1a1a1a; margin-top: 32px; padding-top: 12px; }}
section .verdict {{ font-size: 20px; margin-right: 10px; }}
.timeline {{ width: 100%; height: auto; display: block; }}
.timeline text {{ font: 12px system-ui, sans-serif; fill: #444; }}
.ground {{ fill: #f4f4f4; }}
.skipped {{ fill: #d9d9d9; }}
.threshold {{ stroke: #000; stroke-width: 1.2; stroke-dasharray: 5 4; }}
figure {{ margin: 12px 0; }}
figure img {{ display: block; width: 100%; height: auto; }}
figcaption {{ font-size: 13px; color: #444; margin-bottom: 4px; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 6px 16px;
  margin: 12px 0; }}
dt {{ font-size: 12px; color: #5a5a5a; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
.warning {{ background: #f4f4f4; padding: 6px 10px; }}
@media print {{ section {{ break-inside: avoid; }} }}
"""
"""str: CSS without any reference to another file."""


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


_SOURCES = dict(
    validation='chosen on the validation videos of the training',
    user='given by the user',
    default='the default, as the checkpoint has none from validation',
)
# nothing but what is in the page itself is ever loaded
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_report(
    results: Dict[str, Any], strips: Sequence[Sequence[Any]], path: Union[str, Path], saliency: str
) -> None:
    """Write the page, whole or not at all.

    Args:
        results (dict): As :data:`mmfake.inference.results.RESULTS_SCHEMA` says.
        strips (Sequence[Sequence[Strip]]): Pictures of each video's extreme clips.
        path (str | Path): The file.
        saliency (str): How saliency was found.

    Raises:
        MMFakeError: If it cannot be written.
    """
    page = render_report(results, strips, saliency)
    with atomic_file(path, 'the report') as temporary:
        temporary.write_bytes(page.encode('utf-8', 'xmlcharrefreplace'))


def render_report(results: Dict[str, Any], strips: Sequence[Sequence[Any]], saliency: str) -> str:
    """Make the page.

    Args:
        results (dict): As :data:`mmfake.inference.results.RESULTS_SCHEMA` says.
        strips (Sequence[Sequence[Strip]]): Pictures of each video's extreme clips.
        saliency (str): How saliency was found.

    Returns:
        str: HTML with its pictures and style inside; it has no script.
    """
    videos, threshold = results['predictions'], results['threshold']
    names, folder = _short_names([video['video'] for video in videos])
    counts = Counter(video['verdict'] for video in videos)
    told = ', '.join(
        f'{counts[v]} {v}' for v in ('manipulated', 'original', 'abstain') if counts[v]
    )
    number = 'One video' if len(videos) == 1 else f'{len(videos)} videos'
    sections = [
        draw_section(video, pictures, threshold, place, names[place])
        for place, (video, pictures) in enumerate(zip(videos, strips))
    ]
    return ''.join(
        [
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<title>Deepfake detection report</title><link rel="icon" href="data:,">',
            f'<style>{STYLE}</style></head><body>',
            f'<h1>{number}: {told}</h1>',
            f'<p class="quiet">A video is called manipulated from {threshold:.3f} on, '
            f'{_SOURCES[results["threshold_source"]]}.{escape(folder)}</p>',
            f'<p class="meaning">{escape(results["meaning"])}</p>',
            _table(videos, names, threshold),
            *sections,
            _footer(results['model'], results['settings'], saliency),
            '</body></html>\n',
        ]
    )


def _short_names(names: List[str]) -> Tuple[List[str], str]:
    """Leave out the folder that all videos share, and say which it is."""
    try:
        folder = os.path.commonpath([os.path.dirname(name) for name in names])
    except ValueError:  # some are absolute, some are not
        folder = ''
    if not folder.strip(os.sep):  # nothing, or the root of the disk
        return names, ''
    return [os.path.relpath(name, folder) for name in names], f' Videos are named from {folder}.'


def _table(videos: List[Dict[str, Any]], names: List[str], threshold: float) -> str:
    rows = []
    for number, video in enumerate(videos):
        probability = video['probability']
        shown, kind = escape(f'{video["status"]}: {video["reason"]}'), 'reason'
        if probability is not None:
            shown = f'{bar_of(probability, threshold, video["verdict"])}{probability:.3f}'
            kind = 'number'
        rows.append(
            f'<tr><td>{verdict_of(video["verdict"])}</td><td class="{kind}">{shown}</td>'
            f'<td class="name"><a href="#video-{number}">{escape(names[number])}</a></td></tr>'
        )
    head = '<tr><th>verdict</th><th>probability</th><th>video</th></tr>'
    return f'<table><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _footer(model: Dict[str, Any], settings: Dict[str, Any], saliency: str) -> str:
    methods = ', '.join(method_name(method) for method in model['trained_on']) or 'unknown methods'
    held_out = f', {method_name(model["held_out"])} held out' if model['held_out'] else ''
    digest = (model['checkpoint_sha256'] or 'unknown')[:16]
    faces = settings.get('faces')
    how = 'whole frames, no search for faces'
    if faces:
        how = f'{faces["detector"]}, crops of {faces["size"]} px, person: {settings["person"]}'
    return (
        f'<section><h2>How it was made</h2><p class="quiet">mmfake {escape(model["mmfake"])}, '
        f'config {escape(str(model["config"]))}, checkpoint {escape(model["checkpoint"])} '
        f'(SHA-256 {digest}), trained on {escape(methods)}{escape(held_out)}. Faces: '
        f'{escape(how)}. Bright places: {escape(saliency)}, each clip on a scale of its own.'
        '</p></section>'
    )
