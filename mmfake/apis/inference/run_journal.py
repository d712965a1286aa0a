"""What a run has finished, kept until its results are written."""

from __future__ import annotations

import base64
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from ...errors import MMFakeError
from .evidence import Strip
from .own_files import JOURNAL

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class JudgedVideo(NamedTuple):
    """A finished video.

    Attributes:
        prediction (dict): As the schema says.
        strips (list[Strip]): Pictures of its extreme clips.
    """

    prediction: Dict[str, Any]
    strips: List[Strip]


class RunJournal:
    """One line of JSON for each finished video, behind one that says how they are judged.

    A run that is judged in the same way goes on from the journal of one that was interrupted; for
    any other the journal is started anew. A last line that a killed process has left half-written
    is dropped. To be used as a context, which ends with the file closed, and removed if it keeps
    nothing. Not kept are arrays, which have no name, and videos that could not be decoded, which
    may be mended.

    Args:
        folder (str | Path): Folder of the run, made if it is missing.
        header (dict): All that the predictions depend on, for JSON.

    Attributes:
        kept (int): Videos that are kept for this run.

    Raises:
        MMFakeError: If the folder cannot be written to, or another run is writing to it.
    """

    def __init__(self, folder: Union[str, Path], header: Dict[str, Any]) -> None:
        self.path, self.kept = Path(folder, JOURNAL), 0
        self._records: Dict[str, Dict[str, Any]] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, 'a+b')  # noqa: SIM115 - a context of its own
            self._lock()
            self._file.seek(0)
            if not self._read(json.loads(json.dumps(header))):
                self._file.truncate(0)
                self._append(header)
        except OSError as error:
            raise self._unwritable(error) from None

    def __enter__(self) -> RunJournal:
        return self

    def __exit__(self, kind: Any, *_) -> None:
        if self._file.closed:
            return
        if not self.kept and not self._records:
            self.remove()
        self._file.close()
        if self.kept and kind is not None and issubclass(kind, KeyboardInterrupt):
            videos = 'one video is' if self.kept == 1 else f'{self.kept} videos are'
            raise KeyboardInterrupt(
                f'{videos} kept in {self.path}; the same command goes on from there'
            ) from None

    def take(self, name: str, number: int, stamp: Optional[List[int]]) -> Optional[JudgedVideo]:
        """Take a finished video.

        Args:
            name (str): The video.
            number (int): Its number in this run.
            stamp (list[int], optional): Of the file, by :func:`stamp_of`.

        Returns:
            JudgedVideo | None: None if it is not kept, has changed, or lacks its copy with boxes.
        """
        record = self._records.get(name)
        if record is None or stamp is None or record['stamp'] != stamp:
            return None
        prediction = record['prediction']
        copy = prediction.get('annotated')
        if copy and (record['number'] != number or not (self.path.parent / copy).is_file()):
            return None
        self.kept += 1
        strips = [Strip(**dict(s, jpeg=base64.b64decode(s['jpeg']))) for s in record['strips']]
        return JudgedVideo(prediction, strips)

    def keep(self, number: int, stamp: Optional[List[int]], judged: JudgedVideo) -> None:
        """Keep a finished video.

        Args:
            number (int): Its number in this run.
            stamp (list[int], optional): Of the file before it was read; None for one that is not
                kept.
            judged (JudgedVideo): The video.

        Raises:
            MMFakeError: If it cannot be written.
        """
        if stamp is None or judged.prediction['status'] == 'decode-failed':
            return
        strips = [
            dict(strip._asdict(), jpeg=base64.b64encode(strip.jpeg).decode())
            for strip in judged.strips
        ]
        record = dict(number=number, stamp=stamp, prediction=judged.prediction, strips=strips)
        try:
            self._append(record)
        except OSError as error:
            raise self._unwritable(error) from None
        self.kept += 1

    def remove(self) -> None:
        """End the journal: the results are written."""
        with suppress(OSError):
            self.path.unlink()
        self._file.close()

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise MMFakeError(
                f'{self.path.parent}: another run is writing to this folder; wait for it or choose '
                'another place'
            ) from None
        except OSError:  # a file system without locks
            return

    def _read(self, header: Dict[str, Any]) -> bool:
        """Read whole lines, cut off what is behind them; False for the journal of another run."""
        good = 0
        for line in self._file:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                break
            if not line.endswith(b'\n') or (good == 0 and record != header):
                break
            if good:
                self._records[record['prediction']['video']] = record
            good += len(line)
        self._file.truncate(good)
        return good > 0

    def _append(self, record: Dict[str, Any]) -> None:
        self._file.write(json.dumps(record, allow_nan=False).encode() + b'\n')
        self._file.flush()
        os.fsync(self._file.fileno())

    def _unwritable(self, error: OSError) -> MMFakeError:
        return MMFakeError(
            f'{self.path}: the results cannot be written ({error.strerror or error}); choose '
            'another place'
        )


def stamp_of(source: Any) -> Optional[List[int]]:
    """Note what changes when a video does.

    Args:
        source (str | Path | np.ndarray): A file, a folder with the pictures of a clip, or an array.

    Returns:
        list[int] | None: Bytes and time of the last change, ns; None for an array and for what
        cannot be looked at.
    """
    if isinstance(source, np.ndarray):
        return None
    try:
        files: Sequence[Any] = [source]
        if os.path.isdir(source):
            files = [source, *os.scandir(source)]
        facts = [os.stat(file) for file in files]
    except (OSError, ValueError):
        return None
    return [sum(fact.st_size for fact in facts), max(fact.st_mtime_ns for fact in facts)]
