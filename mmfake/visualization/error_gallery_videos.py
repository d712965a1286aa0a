"""The pictures of a gallery."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

import cv2
import numpy as np
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from ..datasets.transforms import VideoInit
from ..datasets.video_index import read_index
from .error_gallery_choice import Errors

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
    return {video: _item(video, files, frames) for video in videos}


def _item(video: str, files: Dict[str, VideoFile], frames: int) -> GalleryItem:
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
