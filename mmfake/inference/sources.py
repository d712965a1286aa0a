"""Sources of frames: video files, clips, picture folders, arrays; and finding them in folders."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Set, Tuple, Union

import numpy as np

from ..errors import MMFakeError
from ..video.frame_reader import Frame, FrameReader, VideoError
from ..video.stored_clip import JpgClip, NpyClip, StoredClip

RESULTS, TABLE, PAGE, JOURNAL = 'results.json', 'results.csv', 'report.html', 'journal.jsonl'
"""str: Names of the files; the journal is there while a run is unfinished."""

COPIES = 'videos'
"""str: The folder of the copies with boxes and scores."""

_COPY = re.compile(r'\d{4,}_[\w.-]*\.mp4')
_HEAD = 400  # bytes in which our files say what they are


def copy_name(number: int, video: str) -> str:
    """Name the copy of a video.

    Args:
        number (int): Number of the video in the run, which keeps names apart.
        video (str): Its path.

    Returns:
        str: Relative to the folder of the run.
    """
    stem = re.sub(r'[^\w.-]+', '_', Path(video).stem)[:80]
    return f'{COPIES}/{number:04d}_{stem}.mp4'


def is_own_file(path: Union[str, Path]) -> bool:
    """Tell whether a run has written a file, by its name and by what else is in the folder.

    Args:
        path (str | Path): A file.

    Returns:
        bool: False for other files in the folder of a run, as somebody may have put a video there.
    """
    folder, name = os.path.split(path)
    if name in (RESULTS, TABLE, PAGE, JOURNAL):
        return _is_own_folder(folder)
    folder, below = os.path.split(folder)
    return below == COPIES and bool(_COPY.fullmatch(name)) and _is_own_folder(folder)


def earlier_copies(folder: Union[str, Path]) -> Set[str]:
    """Find the copies that an earlier run, finished or not, says it has written.

    Args:
        folder (str | Path): Folder of the run.

    Returns:
        set[str]: Names relative to the folder.
    """
    names: Set[str] = set()
    if not _is_own_folder(folder):
        return names
    for record in _predictions(Path(folder)):
        name = record.get('annotated') if isinstance(record, dict) else None
        parts = name.split('/') if isinstance(name, str) else []
        if len(parts) == 2 and parts[0] == COPIES and _COPY.fullmatch(parts[1]):
            names.add(name)
    return names


def remove_copies(folder: Union[str, Path], names: Iterable[str]) -> None:
    """Remove copies that would pass for those of this run.

    Args:
        folder (str | Path): Folder of the run.
        names (Iterable[str]): Which, relative to it; one that is gone or held does not matter.
    """
    for name in names:
        with suppress(OSError):
            Path(folder, name).unlink()
    with suppress(OSError):
        Path(folder, COPIES).rmdir()  # which is refused if anything is left in it


def _is_own_folder(folder: Union[str, Path]) -> bool:
    for name in (RESULTS, JOURNAL):
        with suppress(OSError), open(os.path.join(folder, name), 'rb') as file:
            head = file.read(_HEAD)
            if b'"schema_version"' in head and b'"mmfake"' in head:
                return True
    return False


def _predictions(folder: Path) -> Iterator[Any]:
    """Give what can be read of the predictions in a folder."""
    with suppress(OSError, ValueError, RecursionError, TypeError, KeyError):
        yield from json.loads((folder / RESULTS).read_bytes())['predictions']
    with suppress(OSError, ValueError, RecursionError, TypeError, KeyError):
        for line in (folder / JOURNAL).read_bytes().splitlines()[1:]:
            yield json.loads(line)['prediction']


FIRST_PICTURE = '000000.jpg'
"""str: What is in a folder that is a clip."""


class ArrayClip(StoredClip):
    """An array seen as a clip.

    Args:
        array (np.ndarray): (T, H, W, 3) uint8 RGB.
        name (str): What to call it in messages.

    Raises:
        MMFakeError: If the array is anything else.
    """

    def __init__(self, array: np.ndarray, name: str) -> None:
        super().__init__(name)
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 3 or not array.size:
            raise MMFakeError(
                f'{name}: an array to judge is (T, H, W, 3) uint8 RGB, this one is '
                f'{array.shape} {array.dtype}'
            )
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def _read(self, indices: np.ndarray) -> np.ndarray:
        return self._array[indices]


class ClipReader:
    """A stored clip, read like a video by :class:`mmfake.video.FrameReader`.

    Args:
        clip (StoredClip): The clip.
    """

    codec = 'pictures'

    def __init__(self, clip: StoredClip) -> None:
        self._clip = clip
        self.fps, self.expected_frames = clip.get_avg_fps(), len(clip)
        self.height, self.width = self._picture(0).shape[:2]

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(self, *_) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames in order."""
        for number in range(len(self._clip)):
            yield Frame(self._picture(number), number / self.fps)

    def _picture(self, number: int) -> np.ndarray:
        return self._clip.get_batch([number]).asnumpy()[0]


class SoundFrames:
    """The frames up to the first damage, which is kept instead of raised.

    Args:
        reader (FrameReader | ClipReader): An open reader.

    Attributes:
        damage (str): What is wrong, empty as long as nothing is.
        count (int): Frames given so far.
    """

    def __init__(self, reader: Union[FrameReader, ClipReader]) -> None:
        self._reader = reader
        self.damage, self.count = '', 0

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames in order."""
        try:
            for frame in self._reader:
                self.count += 1
                yield frame
                del frame  # or it would live on while the next one is decoded
        except VideoError as error:
            self.damage = error.reason


def open_source(source: Union[str, Path, np.ndarray], name: str) -> Union[FrameReader, ClipReader]:
    """Open a source of frames.

    Args:
        source (str | Path | np.ndarray): A video, a ``.npy`` clip, a folder of numbered JPEG files
            as data preparation writes it, or an array (T, H, W, 3) uint8 RGB.
        name (str): What to call an array.

    Returns:
        FrameReader | ClipReader: A context manager that gives frames once.

    Raises:
        VideoError: If it cannot be read.
        MMFakeError: If an array is no clip.
    """
    if isinstance(source, np.ndarray):
        return ClipReader(ArrayClip(source, name))
    clip = _stored(Path(source))
    return FrameReader(source) if clip is None else ClipReader(clip)


def _stored(path: Path) -> Optional[StoredClip]:
    if path.suffix.lower() == '.npy':
        return NpyClip(path)
    return JpgClip(path) if os.path.isdir(path) else None  # that of pathlib may raise OSError


VIDEO_SUFFIXES = tuple(
    f'.{name}'
    for name in (
        *('mp4', 'm4v', 'mov', 'avi', 'mkv', 'webm', 'mpg', 'mpeg', 'ts', 'mts', 'm2ts', 'wmv'),
        *('flv', '3gp', 'ogv', 'gif', 'npy', 'vob', 'asf', 'm2v', 'mxf', 'f4v', 'mjpeg', 'mjpg'),
    )
)
"""tuple[str]: What counts as a video in a folder; a file named by itself may end as it likes."""

_PICTURE = re.compile(r'\d{6}\.jpg')
_MOST_KINDS = 5  # of passed over files that are named


def search_folder(folder: str, note: Callable[[str], None]) -> List[str]:
    """Find the videos in a folder and below it.

    A folder with numbered JPEG files from ``000000.jpg`` on is one video. What
    ``tools/detect.py`` has written is left out.

    Args:
        folder (str): The folder.
        note (Callable): Called with one line if files are passed over.

    Returns:
        list[str]: The videos, by name.

    Raises:
        MMFakeError: If there is none.
    """
    found: List[str] = []
    other: Counter = Counter()
    closed: List[str] = []
    copies = 0
    for place, _, names in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        is_clip = FIRST_PICTURE in names
        if is_clip:
            found.append(place)
        for name in names:
            path = os.path.join(place, name)
            suffix = os.path.splitext(name)[1].lower()
            if is_clip and _PICTURE.fullmatch(name):
                continue
            if is_own_file(path):
                copies += suffix in VIDEO_SUFFIXES
            elif suffix in VIDEO_SUFFIXES and (os.path.isfile(path) or os.path.islink(path)):
                found.append(path)  # a link that leads nowhere is told as not scored
            else:
                other[suffix or 'no suffix'] += 1
    told = _told(other, copies, len(closed))
    if not found:
        raise MMFakeError(
            f'{folder}: no video in this folder or below it' + (f'; {told}' if told else '')
        )
    if told:
        note(f'{folder}: {told}')
    return [str(path) for path in sorted(map(Path, found))]


def _told(other: Counter, copies: int, closed: int) -> str:
    """Say what is passed over."""
    parts = []
    if other:
        often = sorted(other.items(), key=lambda kind: (-kind[1], kind[0]))
        kinds = [f'{suffix} {count}' for suffix, count in often[:_MOST_KINDS]]
        kinds += ['...'] * (len(often) > _MOST_KINDS)
        parts.append(f'{sum(other.values())} other files ({", ".join(kinds)})')
    if copies:
        parts.append(f'{copies} annotated copies of an earlier run')
    if closed:
        parts.append(f'{closed} folders that cannot be read')
    return f'passed over {", ".join(parts)}' if parts else ''


_LISTS = ('.txt', '.lst')

Source = Union[str, Path, np.ndarray]


def collect_inputs(
    inputs: Union[Source, Sequence[Source]], note: Callable[[str], None] = lambda text: None
) -> List[Tuple[str, Source]]:
    """Find the videos.

    A folder stands for the videos in it and below, by name; a ``.txt`` or ``.lst`` file for the
    videos and folders in it, one per line, relative ones from the folder of the file, without lines
    that begin with ``#``. A path that does not exist stays in the list: it is then told as not
    scored.

    Args:
        inputs (str | Path | np.ndarray | Sequence): A video, folder, list or array, or several.
        note (Callable): Called with a line on what is passed over in a folder. Defaults to nothing.

    Returns:
        list[tuple[str, str | Path | np.ndarray]]: Name and source of each.

    Raises:
        MMFakeError: If a folder or a list holds no video, a list cannot be read, or an array is no
            clip.
    """
    several = isinstance(inputs, (list, tuple))
    found: List[Tuple[str, Any]] = []
    for item in inputs if several else [inputs]:
        if isinstance(item, np.ndarray):
            name = f'array {len(found)}'
            ArrayClip(item, name)  # a wrong one is told before the first video is judged
            found.append((name, item))
        elif isinstance(item, (str, Path)):
            found += [(path, path) for path in _paths(str(Path(item)), note)]
        else:
            raise MMFakeError(f'a {type(item).__name__} is no video: give a path or an array')
    if not found:
        raise MMFakeError('no video is named; give a path, a list of paths or an array')
    return found


def _paths(path: str, note: Callable[[str], None]) -> List[str]:
    # os.path, because the questions of pathlib raise OSError for a name that is too long
    if os.path.splitext(path)[1].lower() in _LISTS and os.path.isfile(path):
        listed = _read_list(Path(path))
    else:
        listed = [path]
    found: List[str] = []
    for name in listed:
        found += search_folder(name, note) if os.path.isdir(name) else [name]
    return found


def _read_list(path: Path) -> List[str]:
    try:
        lines = path.read_text(encoding='utf-8-sig').split('\n')  # Notepad begins it with a BOM
    except (OSError, UnicodeDecodeError) as error:
        raise MMFakeError(f'{path}: the list cannot be read as UTF-8 ({error})') from None
    names = [line.strip() for line in lines]
    videos = [str(path.parent / name) for name in names if name and not name.startswith('#')]
    if not videos:
        raise MMFakeError(f'{path}: the list names no video')
    return videos
