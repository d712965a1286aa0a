"""A gallery as a web page."""

from __future__ import annotations

import base64
from html import escape
from typing import Dict

import cv2
import pandas as pd

from ..errors import MMFakeError
from .error_gallery_choice import Errors, Mistakes
from .error_gallery_videos import GalleryItem
from .looks import method_name

# the policy makes sure of it: nothing is ever loaded from elsewhere
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: errors</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; color: #222; background: #fff; margin: 1.5em; }}
h1 {{ font-size: 1.3em; margin: 0; }}
h2 {{ font-size: 1.1em; margin: 1.5em 0 0; }}
p {{ margin: .2em 0 .8em; color: #555; }}
ol {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(22em, 1fr)); gap: 1em;
  list-style: none; margin: 0; padding: 0; }}
img, .gone {{ display: block; width: 100%; }}
.gone {{ aspect-ratio: 6; background: #d9d9d9; color: #444; display: grid; place-items: center; }}
.score {{ position: relative; height: 5px; background: #ddd; margin: 2px 0; }}
.score i {{ position: absolute; inset: 0 auto 0 0; background: #D55E00; }}
.score b {{ position: absolute; top: -2px; bottom: -2px; width: 2px; background: #000; }}
.name {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{title}: the most confident errors</h1>
<p>Score: probability of being manipulated. Called manipulated from {threshold:g} on (black mark).
Frames: evenly from the first to the last of the video.</p>
{sections}
</body>
</html>
"""
_SECTION = '<h2>{heading}</h2>\n<p>The surest first.</p>\n<ol>\n{items}\n</ol>'
_ITEM = (
    '<li>{picture}<div class="score"><i style="width:{percent:.1f}%"></i>'
    '<b style="left:{mark:.1f}%"></b></div>'
    '<strong>{score:.4f}</strong> {method} <span class="name">{video}</span></li>'
)


def gallery_page(errors: Errors, items: Dict[str, GalleryItem], title: str) -> str:
    """Write the page; its pictures are in it, and it loads nothing.

    Args:
        errors (Errors): The mistakes.
        items (dict[str, GalleryItem]): Their pictures, by video id.
        title (str): Title of the page.

    Returns:
        str: HTML.
    """
    sections = '\n'.join(_section(one, items, errors.threshold) for one in errors.both)
    return _PAGE.format(title=escape(title), threshold=errors.threshold, sections=sections)


def _section(mistakes: Mistakes, items: Dict[str, GalleryItem], threshold: float) -> str:
    shown = [
        _item(row, items[row['video']], threshold) for _, row in mistakes.shown.iterrows()
    ] or ['<li>none</li>']
    return _SECTION.format(heading=escape(mistakes.heading), items='\n'.join(shown))


def _item(row: pd.Series, item: GalleryItem, threshold: float) -> str:
    video = escape(row['video'])
    picture = f'<div class="gone">{escape(item.note)}</div>'
    if item.strip is not None:
        done, data = cv2.imencode('.jpg', item.strip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        if not done:
            raise MMFakeError(f'{row["video"]}: its frames cannot be stored as JPEG')
        source = base64.b64encode(data).decode()
        picture = f'<img alt="frames of {video}" src="data:image/jpeg;base64,{source}">'
    return _ITEM.format(
        picture=picture,
        percent=100 * row['score'],
        mark=100 * threshold,
        score=row['score'],
        method=escape(method_name(row['method'])),
        video=video,
    )
