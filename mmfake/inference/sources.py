"""Sources of frames: videos, stored clips and arrays; finding them in folders and lists."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

import numpy as np

from ..errors import MMFakeError
from ..faces.clip_points import is_points
from ..video.frame_reader import VIDEO_SUFFIXES, Frame, FrameReader, VideoError
from ..video.stored_clip import StoredClip, open_stored_clip, picture_name


class NoVideo(NamedTuple):
    """Stands for an entry that names no video; ``reason`` says why."""

    reason: str


Source = Union[str, Path, np.ndarray, NoVideo]

# ---- reading ----

DECODERS = 4
"""int: Threads of FFmpeg that decode ahead while somebody looks at a frame."""


class ArrayClip(StoredClip):
    """An array (T, H, W, 3) uint8 RGB seen as a stored clip; anything else is refused."""

    def __init__(self, array: np.ndarray, name: str) -> None:
        super().__init__(name)
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 3 or not array.size:
            frame = array.ndim == 3 and array.shape[-1] == 3
            hint = ': join the frames of a video with np.stack(frames)' if frame else ''
            raise MMFakeError(
                f'{name}: an array to judge is (T, H, W, 3) uint8 RGB, this one is '
                f'{array.shape} {array.dtype}{hint}'
            )
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def _read(self, indices: np.ndarray) -> np.ndarray:
        return self._array[indices]


class ClipReader:
    """A stored clip, read in order as :class:`FrameReader` reads a video."""

    codec = 'pictures'
    fps_known = False

    def __init__(self, clip: StoredClip) -> None:
        self._clip = clip
        self.fps = clip.get_avg_fps()
        self.height, self.width = self._picture(0).shape[:2]
        self.remarks: List[str] = []

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(self, *_) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        for number in range(len(self._clip)):
            yield Frame(self._picture(number), number / self.fps, (number + 1) / self.fps)

    def _picture(self, number: int) -> np.ndarray:
        return self._clip.get_batch([number]).asnumpy()[0]


class SoundFrames:
    """The frames up to the first damage, which is kept instead of raised.

    Args:
        reader (FrameReader | ClipReader): Gives the frames.
        stopped (threading.Event, optional): Once it is set, no more are given. Defaults to None.

    Attributes:
        damage (str): What is wrong, empty as long as nothing is.
        count (int): Frames given so far.
    """

    def __init__(
        self, reader: Union[FrameReader, ClipReader], stopped: Optional[Event] = None
    ) -> None:
        self._reader, self._stopped = reader, stopped
        self.damage, self.count = '', 0

    def __iter__(self) -> Iterator[Frame]:
        try:
            for frame in self._reader:
                if self._stopped is not None and self._stopped.is_set():
                    return
                self.count += 1
                yield frame
                del frame  # or it would live on while the next one is decoded
        except VideoError as error:
            self.damage = error.reason


def open_source(source: Source, name: str) -> Union[FrameReader, ClipReader]:
    """Open a video, a ``.npy`` clip, a folder of numbered JPEG files or an array called ``name``.

    Pictures of a video are converted to RGB by whoever looks at them.

    Raises:
        VideoError: If it cannot be read.
        MMFakeError: If an array is no clip.
    """
    if isinstance(source, NoVideo):
        raise VideoError(name, source.reason)
    if isinstance(source, np.ndarray):
        return ClipReader(ArrayClip(source, name))
    clip = open_stored_clip(source)
    return FrameReader(source, DECODERS, lazy=True) if clip is None else ClipReader(clip)


# ---- what a run has written, which is not judged ----

RESULTS, TABLE, PAGE = 'results.json', 'results.csv', 'report.html'
"""str: Names of the files."""

COPIES = 'videos'
"""str: The folder of the copies with boxes and scores."""

OTHERS = 'results.others.jsonl'
"""str: Name of what an interrupted run with other options has finished."""

_JOURNAL = re.compile(r'results(\.rank\d+|\.others)?\.jsonl')
_COPY = re.compile(r'\d{4,}_[\w.-]*\.mp4')
_HEAD = 400  # bytes in which our files say what they are


def copy_name(number: int, video: str) -> str:
    """Name the copy of the video of that number, relative to the folder of the run."""
    stem = re.sub(r'[^\w.-]+', '_', Path(video).stem)[:80]
    return f'{COPIES}/{number:04d}_{stem}.mp4'


def journal_name(rank: int) -> str:
    """Name the journal of a process, which is there while a run is unfinished."""
    return f'results.rank{rank}.jsonl' if rank else 'results.jsonl'


def journals_in(folder: Union[str, Path]) -> List[Path]:
    """The journals of an unfinished run in a folder, that of the first process first."""
    names = filter(_JOURNAL.fullmatch, os.listdir(folder) if os.path.isdir(folder) else ())
    return [Path(folder, name) for name in sorted(names, key=lambda name: (len(name), name))]


def is_own_file(path: Union[str, Path]) -> bool:
    """Tell whether a run has written a file, by its name and by what else is in the folder."""
    folder, name = os.path.split(path)
    if name in (RESULTS, TABLE, PAGE) or _JOURNAL.fullmatch(name):
        return _is_own_folder(folder)
    folder, below = os.path.split(folder)
    return below == COPIES and bool(_COPY.fullmatch(name)) and _is_own_folder(folder)


def _is_own_folder(folder: Union[str, Path]) -> bool:
    for path in (Path(folder, RESULTS), *journals_in(folder)):
        with suppress(OSError), open(path, 'rb') as file:
            head = file.read(_HEAD)
            if b'"schema_version"' in head and b'"mmfake"' in head:
                return True
    return False


def earlier_copies(folder: Union[str, Path]) -> Set[str]:
    """Find the copies that an earlier run says it has written, relative to its folder."""
    if not _is_own_folder(folder):
        return set()
    predictions: List[Any] = []
    unreadable = (OSError, ValueError, RecursionError, TypeError, KeyError)
    with suppress(*unreadable):
        predictions += json.loads(Path(folder, RESULTS).read_bytes())['predictions']
    for path in journals_in(folder):
        with suppress(*unreadable):
            for line in path.read_bytes().splitlines():
                predictions.append(json.loads(line)['prediction'])
    names = [record.get('annotated') for record in predictions if isinstance(record, dict)]
    parts = [name.split('/') for name in names if isinstance(name, str)]
    # never a name that leads out of the folder
    return {'/'.join(p) for p in parts if p[0] == COPIES and _COPY.fullmatch('/'.join(p[1:]))}


def remove_copies(folder: Union[str, Path], names: Iterable[str]) -> None:
    """Remove copies that would pass for those of this run, and their folder if nothing is left."""
    for name in names:
        with suppress(OSError):
            Path(folder, name).unlink()
    with suppress(OSError):
        Path(folder, COPIES).rmdir()


# ---- finding videos ----

_LISTS = ('.txt', '.lst')
_QUOTED = re.compile(r'^(["\'])(.+)\1$')
_PICTURE = re.compile(r'\d{6}\.jpg', re.IGNORECASE)
_MOST_KINDS = 5  # of passed over files that are named


def collect_inputs(
    inputs: Union[Source, Sequence[Source]], note: Callable[[str], None] = lambda text: None
) -> List[Tuple[str, Source]]:
    """Find the videos.

    A folder stands for the videos in it and below, by name; a ``.txt`` or ``.lst`` file for the
    videos and folders in it, one per line, in quotes or not, relative ones from the folder of the
    file, without lines that begin with ``#``. What names no video, such as an empty folder, a list
    that cannot be read or a path that does not exist, stays: it is then told as not scored.

    Args:
        inputs (str | Path | np.ndarray | Sequence): A video, folder, list or array, or several.
        note (Callable): Called with a line on what is passed over in a folder. Defaults to nothing.

    Returns:
        list[tuple[str, Source]]: Name and source of each.

    Raises:
        MMFakeError: If not one of them names a video.
    """
    several = isinstance(inputs, (list, tuple))
    found: List[Tuple[str, Any]] = []
    for item in inputs if several else [inputs]:
        if isinstance(item, np.ndarray):
            found.append(_array(item, f'array {len(found)}'))
        elif isinstance(item, (str, Path)):
            found += _videos(str(Path(item)), note)
        else:
            reason = f'a {type(item).__name__} is no video: give a path or an array'
            found.append((f'entry {len(found)}', NoVideo(reason)))
    times = Counter(os.path.abspath(what) for _, what in found if isinstance(what, (str, Path)))
    twice = [path for path, number in times.items() if number > 1]
    if twice:
        more = f' and {len(twice) - 1} more' if twice[1:] else ''
        note(f'{twice[0]}{more}: named more than once, and judged and counted as often')
    if not found:
        raise MMFakeError('no video is named; give a path, a list of paths or an array')
    if all(isinstance(what, NoVideo) for _, what in found):
        raise MMFakeError(f'no video is named: {_reasons(found)}')
    return found


def _reasons(found: Sequence[Tuple[str, NoVideo]]) -> str:
    """Why entries name no video, each reason once."""
    names: Dict[str, List[str]] = defaultdict(list)
    for name, what in found:
        names[what.reason].append(name)
    return '; '.join(
        f'{own[0]}{f" and {len(own) - 1} more" if own[1:] else ""}: {reason}'
        for reason, own in names.items()
    )


def _array(array: np.ndarray, name: str) -> Tuple[str, Source]:
    """Name and source of an array."""
    try:
        ArrayClip(array, name)
    except MMFakeError as error:
        return name, NoVideo(str(error)[len(name) + 2 :])
    return name, array


def _videos(path: str, note: Callable[[str], None]) -> List[Tuple[str, Source]]:
    """Name and source of each video of a path: a list, a folder or a video."""
    # os.path, because the questions of pathlib raise OSError for a name that is too long
    paths = [path]
    if os.path.splitext(path)[1].lower() in _LISTS and os.path.isfile(path):
        try:
            paths = _read_list(Path(path))
        except (OSError, UnicodeDecodeError) as error:
            return [(path, NoVideo(f'the list cannot be read as UTF-8 ({error})'))]
        if not paths:
            return [(path, NoVideo('the list names no video'))]
    found: List[Tuple[str, Source]] = []
    for name in paths:
        if not os.path.isdir(name):
            found.append((name, name))
            continue
        videos, passed_over = search_folder(name)
        if not videos:
            more = f'; {passed_over}' if passed_over else ''
            found.append((name, NoVideo(f'no video in this folder or below it{more}')))
        elif passed_over:
            note(f'{name}: {passed_over}')
        found += [(video, video) for video in videos]
    return found


def _read_list(path: Path) -> List[str]:
    """The paths in a list, relative ones from its folder."""
    lines = path.read_text(encoding='utf-8-sig').split('\n')  # Notepad begins it with a BOM
    names = [line.strip() for line in lines]
    # in quotes, as Windows copies a path
    names = [_QUOTED.sub(r'\2', name) for name in names if name and not name.startswith('#')]
    return [str(path.parent / name) for name in names]


def search_folder(folder: str) -> Tuple[List[str], str]:
    """Find the videos in a folder and below it, by name.

    A folder with numbered JPEG files from ``000000.jpg`` on is one video. Links to folders are
    followed. What ``tools/detect.py`` has written and the points of clips are left out; what else
    is passed over is told in a line, which is empty where nothing is.
    """
    found: List[str] = []
    other: Counter = Counter()
    closed: List[str] = []
    copies = 0
    for place, names in _walk(folder, closed):
        is_clip = picture_name(0) in map(str.lower, names)
        if is_clip:
            found.append(place)
        for name in names:
            path = os.path.join(place, name)
            suffix = os.path.splitext(name)[1].lower()
            if is_clip and _PICTURE.fullmatch(name):
                continue
            if suffix == '.npy' and is_points(path):
                continue  # beside the clip they are of
            if is_own_file(path):
                copies += suffix in VIDEO_SUFFIXES
            elif suffix in VIDEO_SUFFIXES and (os.path.isfile(path) or os.path.islink(path)):
                found.append(path)  # a link that leads nowhere is told as not scored
            else:
                other[suffix or 'no suffix'] += 1
    paths = [str(path) for path in sorted(map(Path, found))]
    return paths, _passed_over(other, copies, len(closed))


def _walk(folder: str, closed: List[str]) -> Iterator[Tuple[str, List[str]]]:
    """Give each folder once, with its files: links come last, and may lead back."""
    tops, seen = [folder], set()
    for top in tops:
        for place, below, names in os.walk(
            top, onerror=lambda error: closed.append(error.filename)
        ):
            if os.path.realpath(place) in seen:
                below.clear()
                continue
            seen.add(os.path.realpath(place))
            tops += sorted(filter(os.path.islink, (os.path.join(place, name) for name in below)))
            yield place, names


def _passed_over(other: Counter, copies: int, closed: int) -> str:
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
