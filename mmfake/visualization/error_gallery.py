"""Error gallery: the most confident mistakes of a detector as a page and a picture."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Dict, List, Optional

import cv2
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from ..datasets.index import read_index
from ..datasets.protocol import method_name
from ..datasets.transforms.video_init import VideoInit
from ..errors import MMFakeError
from ..evaluation.scores import scored_only
from .style import figure_style


@dataclass(frozen=True)
class Mistakes:
    """The most confident mistakes of one kind.

    Args:
        name (str): ``'False negatives'`` or ``'False positives'``.
        kind (str): Of what they are, ``'manipulated videos'`` or ``'originals'``.
        shown (pandas.DataFrame): Rows of the scores, the most confident mistake first.
        total (int): How many there are in all.
        of (int): Scored videos of that class.
    """

    name: str
    kind: str
    shown: pd.DataFrame
    total: int
    of: int

    @property
    def heading(self) -> str:
        """str: Name and numbers, such as ``'False positives: 20 of 140 originals, 12 shown'``."""
        text = f'{self.name}: {self.total} of {self.of} {self.kind}'
        return text if len(self.shown) == self.total else f'{text}, {len(self.shown)} shown'


@dataclass(frozen=True)
class Errors:
    """What a gallery shows.

    Args:
        negatives (Mistakes): Manipulated videos called original.
        positives (Mistakes): Originals called manipulated.
        threshold (float): A video whose score is at least this is called manipulated.
    """

    negatives: Mistakes
    positives: Mistakes
    threshold: float

    @property
    def both(self) -> tuple:
        """tuple[Mistakes]: False negatives, false positives."""
        return self.negatives, self.positives


def choose_errors(frame: pd.DataFrame, threshold: float = 0.5, top: int = 12) -> Errors:
    """Choose the videos that the detector is wrong about and surest of.

    Args:
        frame (pandas.DataFrame): Rows as
            :func:`~mmfake.evaluation.scores.read_scores_file` makes them.
        threshold (float): A video whose score is at least this is called manipulated.
            Defaults to 0.5.
        top (int): Videos of each kind. Defaults to 12.

    Returns:
        Errors: Equal scores in the order of their names.
    """
    scored = scored_only(frame)
    originals, fakes = scored[scored['label'] == 0], scored[scored['label'] == 1]
    missed = fakes[fakes['score'] < threshold].sort_values(['score', 'video'])
    accused = originals[originals['score'] >= threshold]
    accused = accused.sort_values(['score', 'video'], ascending=[False, True])
    return Errors(
        Mistakes(
            'False negatives',
            'manipulated videos',
            missed.head(top),
            len(missed),
            len(fakes),
        ),
        Mistakes(
            'False positives',
            'originals',
            accused.head(top),
            len(accused),
            len(originals),
        ),
        threshold,
    )


HEIGHT = 112  # px, of a frame as it is shown


@dataclass(frozen=True)
class VideoFile:
    """Where a video is.

    Args:
        path (str): The file, or the folder if the clip is stored as pictures.
        reason (str): Why it cannot be used; empty if it can. Defaults to ``''``.
    """

    path: str
    reason: str = ''


@dataclass(frozen=True)
class GalleryItem:
    """What there is to see of one video.

    Args:
        strip (np.ndarray, optional): Its frames side by side, (112, W, 3) uint8 RGB.
        note (str): Why there is no strip. Defaults to ``''``.
    """

    strip: Optional[np.ndarray]
    note: str = ''


def files_of_index(index: str) -> Dict[str, VideoFile]:
    """Find the videos of an index.

    Args:
        index (str): The index.

    Returns:
        dict[str, VideoFile]: By video id.

    Raises:
        MMFakeError: The index cannot be read.
    """
    return {
        record.video_id: VideoFile(record.filename, record.unavailable or '')
        for record in read_index(index)
    }


def files_of_config(cfg: Config) -> Dict[str, VideoFile]:
    """Find the test videos of a config.

    Args:
        cfg (Config): The config.

    Returns:
        dict[str, VideoFile]: By video id.

    Raises:
        MMFakeError: Its dataset cannot be read.
    """
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    if not MMLogger.check_instance_created('error_gallery'):
        MMLogger.get_instance('error_gallery', log_level='ERROR')  # tiles say what is missing
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, missing='skip'))
    files = {
        video: VideoFile('', expected.get('reason', 'not in the dataset'))
        for video, expected in dataset.metainfo['expected_videos'].items()
    }
    for place in range(len(dataset)):
        info = dataset.get_data_info(place)
        files[info['video_id']] = VideoFile(info['filename'])
    return files


def gallery_items(
    errors: Errors, files: Dict[str, VideoFile], frames: int = 6
) -> Dict[str, GalleryItem]:
    """Read the frames of every video of a gallery.

    Args:
        errors (Errors): The mistakes.
        files (dict[str, VideoFile]): Where the videos are; may be empty.
        frames (int): Frames of a video, evenly from the first to the last. Defaults to 6.

    Returns:
        dict[str, GalleryItem]: By video id, one for every mistake shown.
    """
    videos = [video for one in errors.both for video in one.shown['video']]
    return {video: _read_item(video, files, frames) for video in videos}


def _read_item(video: str, files: Dict[str, VideoFile], frames: int) -> GalleryItem:
    if not files:
        return GalleryItem(None, 'give --index or --config to see it')
    if video not in files:
        return GalleryItem(None, 'not in the dataset given')
    file = files[video]
    if file.reason:
        return GalleryItem(None, file.reason)
    if not Path(file.path).exists():
        return GalleryItem(None, 'file not found')
    try:
        return GalleryItem(_strip(file.path, frames))
    except Exception as error:  # decoders raise whatever they like
        text = getattr(error, 'strerror', None) or str(error)
        return GalleryItem(None, f'cannot be read: {(text.splitlines() or [""])[-1][:80]}')


def _strip(path: str, frames: int) -> np.ndarray:
    opened = VideoInit()(dict(filename=path))
    places = np.linspace(0, opened['total_frames'] - 1, frames).round().astype(int)
    pictures: List[np.ndarray] = []
    for picture in opened['video_reader'].get_batch(places).asnumpy():
        size = (max(1, round(HEIGHT * picture.shape[1] / picture.shape[0])), HEIGHT)
        pictures.append(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    gap = np.full((HEIGHT, 2, 3), 255, np.uint8)
    joined = [part for picture in pictures for part in (picture, gap)]
    return np.concatenate(joined[:-1], axis=1)


# inches
_COLUMN, _GAP, _CAPTION, _HEAD, _MARGIN = 3.4, 0.15, 0.17, 0.55, 0.08
_GREY = '#d9d9d9'


def draw_gallery(errors: Errors, items: Dict[str, GalleryItem], title: str) -> Figure:
    """Draw false negatives on the left and false positives on the right.

    Args:
        errors (Errors): The mistakes.
        items (dict[str, GalleryItem]): Their pictures, by video id.
        title (str): Title of the sheet.

    Returns:
        Figure: 7.1 inches wide.
    """
    n_rows = max(1, *(len(one.shown) for one in errors.both))
    shapes = [item.strip.shape for item in items.values() if item.strip is not None]
    flattest = max((shape[1] / shape[0] for shape in shapes), default=6.0)
    tall = _COLUMN / flattest
    width = 2 * _COLUMN + _GAP + 2 * _MARGIN
    height = _HEAD + n_rows * (tall + _CAPTION) + _MARGIN
    with figure_style():
        figure = Figure(figsize=(width, height))
        head = f'{title}, called manipulated from a score of {errors.threshold:g} on'
        left = _MARGIN / width
        figure.text(left, 1 - 0.08 / height, head, va='top', fontweight='bold')
        for column, mistakes in enumerate(errors.both):
            x = (_MARGIN + column * (_COLUMN + _GAP)) / width
            text = f'{mistakes.heading}\nthe surest first'
            figure.text(x, 1 - 0.24 / height, text, va='top', fontsize=7)
            for place, (_, row) in enumerate(mistakes.shown.iterrows()):
                bottom = height - _HEAD - (place + 1) * (tall + _CAPTION)
                ax = figure.add_axes((x, bottom / height, _COLUMN / width, tall / height))
                _draw_tile(ax, items[row['video']])
                name = f'{row["score"]:.4f}  {method_name(row["method"])}  {row["video"]}'
                ax.set_title(name, fontsize=6, pad=2)
    return figure


def _draw_tile(ax: Axes, item: GalleryItem) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    if item.strip is None:
        ax.set_facecolor(_GREY)
        ax.text(0.5, 0.5, item.note, transform=ax.transAxes, ha='center', va='center', fontsize=7)
        return
    ax.imshow(item.strip, interpolation='antialiased')
    ax.set_ylim(HEIGHT - 0.5, -0.5)
    ax.set_anchor('W')


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
