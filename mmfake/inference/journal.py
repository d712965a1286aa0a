"""Journal of an unfinished run, results.jsonl, and the lock of its folder."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from ..errors import MMFakeError
from ..files import atomic_file, not_written
from ..version import __version__
from .evidence import Strip
from .results import RESULTS_SCHEMA, SCHEMA_VERSION, JudgedVideo
from .sources import OTHERS, Source, copy_name, journal_name, journals_in

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_REQUIRED = set(RESULTS_SCHEMA['properties']['predictions']['items']['required'])


@contextmanager
def folder_lock(folder: Union[str, Path]) -> Iterator[None]:
    """Hold the lock of the folder of a run, so that no second run writes to it meanwhile.

    It is the folder itself that is locked (``fcntl.flock``), until the block or the process ends,
    however it does. Where the file system has no locks, there is none.

    Args:
        folder (str | Path): The folder, made if it is missing.

    Yields:
        None: The block is the run.

    Raises:
        MMFakeError: If another run holds it, or the folder cannot be made.
    """
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise not_written(Path(folder), 'the results', error) from None
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MMFakeError(
                f'{folder}: another run is writing its results to this folder; wait for its end, '
                'or name another with --out (out_dir). To share the videos of one run among '
                'processes, start them with --launcher.'
            ) from None
        except OSError:
            pass
        yield
    finally:
        os.close(handle)


class Journal:
    """The finished videos of an unfinished run: one line of JSON each in ``results.jsonl``.

    A line holds the size and time of the file, and a fingerprint of all else that decides the
    prediction. A run that judges alike takes the video from there. Lines of any other run are put
    aside until this one ends, in ``results.others.jsonl``, so that a wrong option costs nothing.
    Damaged ones, and a last one that a killed process has left half-written are dropped. Not kept
    are arrays, which have no name, and videos whose file is damaged or changes, which may be
    mended.

    Of several processes each writes to a file of its own, ``results.rank1.jsonl`` and so on. The
    first one takes what all of an earlier run have left, before the others begin theirs.

    Args:
        folder (str | Path): Folder of the run, made if it is missing.
        run (dict): All that the predictions depend on but the videos, for JSON.
        videos (Sequence[tuple[str, Source]]): Name and source of each video of the run.
        rank (int): Number of the process. Defaults to 0.

    Attributes:
        path (Path): The file.
        done (dict[int, JudgedVideo]): Finished videos of an earlier run, by number in this one.
        others (int): Finished videos that are of another run.

    Raises:
        MMFakeError: If the folder cannot be written to.
    """

    def __init__(
        self,
        folder: Union[str, Path],
        run: Dict[str, Any],
        videos: Sequence[Tuple[str, Source]],
        rank: int = 0,
    ) -> None:
        self.path = Path(folder, journal_name(rank))
        self._stamps = [stamp_of(source) for _, source in videos]  # before anything is read
        fingerprint = hashlib.sha256(json.dumps(run).encode()).hexdigest()
        self._head = dict(schema_version=SCHEMA_VERSION, mmfake=__version__, run=fingerprint)
        numbers = {name: number for number, (name, _) in enumerate(videos)}
        self.done: Dict[int, JudgedVideo] = {}
        kept, aside, earlier = [], [], journals_in(folder) if rank == 0 else []
        self.others, self._aside = 0, Path(folder, OTHERS)
        for line in (line for path in earlier for line in _whole_lines(path)):
            try:
                record = json.loads(line)
                number = numbers.get(record['prediction']['video'])
                if number is None or not self._is_judged_alike(record, number):
                    aside.append(line)
                    self.others += number is None or record['run'] != fingerprint
                elif number not in self.done:
                    self.done[number] = _judged(record)
                    kept.append(line)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue  # damaged
        for path, lines in ((self._aside, aside), (self.path, kept)):
            if lines or path == self.path:
                with atomic_file(path, 'the results') as temporary:
                    temporary.write_bytes(b''.join(lines))
        for path in earlier:
            if path != self.path and not (aside and path == self._aside):
                path.unlink()

    def keep(self, number: int, video: JudgedVideo) -> None:
        """Write the line of a video that is finished, to the disk and not only to its cache.

        Raises:
            MMFakeError: If it cannot be written.
        """
        stamp = self._stamps[number]
        if stamp is None or video.prediction['status'] in ('decode-failed', 'changed'):
            return
        strips = [
            dict(strip._asdict(), jpeg=base64.b64encode(strip.jpeg).decode())
            for strip in video.strips
        ]
        record = dict(self._head, stamp=stamp, prediction=video.prediction, strips=strips)
        try:
            with open(self.path, 'ab') as file:
                file.write(json.dumps(record, allow_nan=False).encode() + b'\n')
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise MMFakeError(
                f'{self.path}: the results cannot be written ({error.strerror or error}); choose '
                'another place'
            ) from None

    def remove(self) -> None:
        """End the journal: the results are written."""
        for path in (self.path, self._aside):
            with suppress(OSError):
                path.unlink()

    def _is_judged_alike(self, record: Dict[str, Any], number: int) -> bool:
        """Whether this run would come to the same prediction, which is complete."""
        if any(record[key] != value for key, value in self._head.items()):
            return False
        if record['stamp'] is None or record['stamp'] != self._stamps[number]:
            return False
        prediction = record['prediction']
        copy = prediction.get('annotated')  # is called by its number, and may be gone
        if copy and copy != copy_name(number, prediction['video']):
            return False
        complete = set(prediction) >= _REQUIRED
        return complete and (not copy or (self.path.parent / copy).is_file())


def _whole_lines(path: Path) -> List[bytes]:
    """The lines of a journal but for one that is half-written."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError:  # there is none; anything else is told when it is written
        return []
    return [line for line in lines if line.endswith(b'\n')]


def _judged(record: Dict[str, Any]) -> JudgedVideo:
    pictures = [base64.b64decode(strip['jpeg']) for strip in record['strips']]
    strips = [Strip(**dict(strip, jpeg=jpeg)) for strip, jpeg in zip(record['strips'], pictures)]
    return JudgedVideo(record['prediction'], strips)


def stamp_of(source: Source) -> Optional[List[int]]:
    """Note the size in bytes and the time of change in ns of a file or a folder of pictures.

    None for an array and for what cannot be looked at.
    """
    if not isinstance(source, (str, Path)):
        return None
    try:
        files: Sequence[Any] = [source]
        if os.path.isdir(source):
            files = [source, *os.scandir(source)]
        facts = [os.stat(file) for file in files]
    except (OSError, ValueError):
        return None
    return [sum(fact.st_size for fact in facts), max(fact.st_mtime_ns for fact in facts)]
