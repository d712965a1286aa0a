"""The page of a run."""

from __future__ import annotations

import os
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple, Union

from ...atomic_file import atomic_file
from ..looks import method_name
from .style import STYLE
from .video_section import bar_of, draw_section, verdict_of

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
        results (dict): As :data:`mmfake.apis.inference.RESULTS_SCHEMA` says.
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
        results (dict): As :data:`mmfake.apis.inference.RESULTS_SCHEMA` says.
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
