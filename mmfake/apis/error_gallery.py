"""Error gallery of a file of scores: finds and reads the videos of its most confident mistakes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Union

import cv2
import numpy as np

from ..datasets.index import read_index
from ..errors import MMFakeError, sample_of
from ..evaluation.foreign_scores import read_foreign_scores
from ..evaluation.scores_file import (
    known_threshold,
    known_warnings,
    read_sidecar,
    threshold_text,
)
from ..evaluation.video_metrics import format_summary, score_warnings
from ..files import atomic_file
from ..video.frame_reader import FrameReader
from ..video.stored_clip import open_stored_clip
from ..visualization.error_gallery import (
    HEIGHT,
    Errors,
    GalleryItem,
    choose_errors,
    draw_gallery,
    gallery_page,
)
from ..visualization.style import save_figure


class VideoFile(NamedTuple):
    """Where a video is, and why it cannot be used (empty if it can)."""

    path: str
    reason: str = ''


class Gallery(NamedTuple):
    """The files of a gallery, and what is to be said of its scores."""

    page: Path
    sheet: Path
    notes: List[str]
    not_scored: int
    not_found: int


def error_gallery(
    scores: Union[str, Path],
    out_dir: Union[str, Path],
    index: Optional[str] = None,
    config: Optional[str] = None,
    scale: Optional[str] = None,
    data_root: Optional[str] = None,
    top: int = 12,
    threshold: Optional[float] = None,
    frames: int = 6,
) -> Gallery:
    """Show the most confident false negatives and false positives of a detector.

    A video that cannot be shown is no error: its tile says why.

    Args:
        scores (str | Path): ``scores.csv`` of ``tools/test.py``, or a file of anybody's scores as
            ``tools/score.py`` reads it.
        out_dir (str | Path): Folder of both files.
        index (str, optional): Index of the dataset, where the videos are. Defaults to None.
        config (str, optional): Or the config that was tested. Defaults to None.
        scale (str, optional): As for ``tools/test.py``, with ``config``. Defaults to None.
        data_root (str, optional): As for ``tools/test.py``, with ``config``. Defaults to None.
        top (int): Videos of each kind of mistake. Defaults to 12.
        threshold (float, optional): A video whose score is at least this counts as called
            manipulated. Defaults to None: the one chosen on validation, which ``tools/test.py``
            leaves beside its scores, else 0.5.
        frames (int): Frames of a video, evenly from the first to the last. Defaults to 6.

    Returns:
        Gallery: ``error_gallery.html``, self-contained, ``error_gallery.png``, notes on threshold
        and scores, how many videos have no score, and how many to be shown the dataset lacks.

    Raises:
        MMFakeError: An argument is out of range, the scores, the index or the config cannot be
            read, or a file cannot be written.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise MMFakeError(f'--threshold {threshold}: use a score from 0 to 1')
    if min(top, frames) < 1:
        raise MMFakeError('--top and --frames must be at least 1')

    # the scores and their threshold
    frame = read_foreign_scores(scores)
    facts, stale = read_sidecar(scores)
    if threshold is None:
        level = known_threshold(facts)
    else:
        level, stale = (threshold, 'given'), ''
    notes = [f'threshold {threshold_text(*level)}', *filter(None, [stale])]
    notes += known_warnings(facts)
    notes += [format_summary(frame), *score_warnings(frame)]
    errors = choose_errors(frame, 0.5 if level[0] is None else level[0], top)

    # where the videos are
    files: Dict[str, VideoFile] = {}
    if index:
        files = files_of_index(index)
    elif config:
        files = files_of_config(config, scale, data_root)
    items = gallery_items(errors, files, frames)
    absent = [video for video in items if files and video not in files]
    if absent:
        notes.append(
            f'{len(absent)} of {len(items)} videos to be shown are not in the dataset given '
            f'({sample_of(absent)}), whose ids are such as {next(iter(files))}'
        )

    # the same mistakes as a page and as a picture
    title = f'{Path(scores).resolve().parent.name}/{Path(scores).name}'
    page, sheet = Path(out_dir, 'error_gallery.html'), Path(out_dir, 'error_gallery.png')
    with atomic_file(page, 'the gallery') as temporary:
        temporary.write_text(gallery_page(errors, items, title, notes), encoding='utf-8')
    save_figure(draw_gallery(errors, items, f'{title}, threshold {threshold_text(*level)}'), sheet)
    return Gallery(page, sheet, notes, int(frame['score'].isna().sum()), len(absent))


def files_of_index(index: str) -> Dict[str, VideoFile]:
    """Find the videos of an index, by video id."""
    return {
        record.video_id: VideoFile(record.filename, record.unavailable or '')
        for record in read_index(index)
    }


def files_of_config(
    config: str, scale: Optional[str] = None, data_root: Optional[str] = None
) -> Dict[str, VideoFile]:
    """Find the test videos of a config, by video id."""
    # not before: torch and mmaction2 take seconds to import, and an index does without
    from mmaction.registry import DATASETS
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope

    from ..engine.config import load_config

    cfg = load_config(config, scale=scale, data_root=data_root)
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
    """Read the frames of every video of a gallery, by video id."""
    videos = [video for one in errors.both for video in one.shown['video']]
    return {video: _read_item(video, files, frames) for video in videos}


def _read_item(video: str, files: Dict[str, VideoFile], frames: int) -> GalleryItem:
    if not files:
        return GalleryItem(None, 'give --index or --config to see it')
    if video not in files:
        return GalleryItem(None, 'not in the dataset given')
    path, reason = files[video]
    if reason:
        return GalleryItem(None, reason)
    if not Path(path).exists():
        return GalleryItem(None, 'file not found')
    try:
        return GalleryItem(_strip(_pictures(path, frames)))
    except Exception as error:  # decoders raise whatever they like
        text = getattr(error, 'strerror', None) or str(error)
        return GalleryItem(None, f'cannot be read: {(text.splitlines() or [""])[-1][:80]}')


def _pictures(path: str, frames: int) -> Sequence[np.ndarray]:
    """Read frames evenly from the first to the last."""
    clip = open_stored_clip(path)
    if clip is not None:
        return clip.get_batch(_places(len(clip), frames)).asnumpy()
    with FrameReader(path) as reader:
        count = reader.expected_frames
    if count is None:  # such as of webm
        with FrameReader(path) as reader:
            count = sum(1 for _ in reader)
    places = _places(count, frames)
    with FrameReader(path) as reader:
        numbered = enumerate(islice(reader, places[-1] + 1))
        found = {number: frame.picture for number, frame in numbered if number in places}
    # a file with an edit list shows fewer frames than it has
    return [found[place] for place in places if place in found]


def _places(count: int, frames: int) -> List[int]:
    """Numbers of frames, evenly from the first to the last."""
    return np.linspace(0, count - 1, frames).round().astype(int).tolist()


def _strip(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Put frames side by side with white gaps of 2 px, (112, W, 3)."""
    parts: List[np.ndarray] = []
    for picture in pictures:
        size = (max(1, round(HEIGHT * picture.shape[1] / picture.shape[0])), HEIGHT)
        parts.append(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
        parts.append(np.full((HEIGHT, 2, 3), 255, np.uint8))
    return np.concatenate(parts[:-1], axis=1)
