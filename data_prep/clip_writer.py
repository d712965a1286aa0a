"""Clip writing: face clips as mp4, jpg folders or npy arrays, whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import (
    BinaryIO,
    Callable,
    Dict,
    Iterable,
    Iterator,
    Mapping,
    NamedTuple,
    Optional,
    Tuple,
    Union,
)

import numpy as np
from av.error import FFmpegError
from PIL import Image

from mmfake.errors import MMFakeError
from mmfake.files import atomic_file, is_about, not_written
from mmfake.video.frame_reader import VideoError
from mmfake.video.mp4_file import X264, frame_rate, write_mp4
from mmfake.video.stored_clip import picture_name

JPG_QUALITY = 95
"""int: Of the frames that :func:`write_jpg` writes; 42.6 dB."""


def write_jpg(path: Path, pictures: Iterator[np.ndarray]) -> int:
    """Write pictures, (H, W, 3) uint8 RGB, as JPEG files into an empty folder; count them."""
    count = 0
    for count, picture in enumerate(pictures, start=1):
        Image.fromarray(picture).save(path / picture_name(count - 1), quality=JPG_QUALITY)
    return count


def write_npy(path: Path, pictures: Iterator[np.ndarray]) -> int:
    """Write pictures of one shape as one array, holding one of them at a time; count them."""
    count, shape = 0, ()
    with open(path, 'wb') as file:
        for count, picture in enumerate(pictures, start=1):
            if count == 1:
                shape = picture.shape
                _write_header(file, (0, *shape))
            file.write(picture.tobytes())
        # its length is a multiple of 64 bytes that leaves room for any count
        file.seek(0)
        _write_header(file, (count, *shape))
    return count


def _write_header(file: BinaryIO, shape: Tuple[int, ...]) -> None:
    """Write what comes before the pixels of an array."""
    header = dict(descr='|u1', fortran_order=False, shape=shape)
    np.lib.format.write_array_header_1_0(file, header)


@contextmanager
def atomic_folder(path: Union[str, Path], what: str) -> Iterator[Path]:
    """Give an empty folder to write to; it takes the name when the block ends well."""
    path = Path(path)
    temporary, old = (path.with_name(f'.{path.name}.{os.getpid()}.{end}') for end in ('tmp', 'old'))
    shutil.rmtree(temporary, ignore_errors=True)  # of a killed process of the same number
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise not_written(path, what, error) from None
    try:
        yield temporary
        if path.is_dir():  # which a rename does not replace
            os.replace(path, old)
        try:
            os.replace(temporary, path)
        except OSError:
            if old.exists():
                os.replace(old, path)
            raise
    except OSError as error:
        if is_about(error, temporary) or is_about(error, path):
            raise not_written(path, what, error) from None
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


class _Format(NamedTuple):
    """How clips of a format are named and written."""

    suffix: str
    place: Callable  # what gives a temporary name and renames it in the end
    write: Callable  # called with that name and the pictures, returns how many there were


_FORMATS: Dict[str, _Format] = {
    'mp4': _Format('.mp4', atomic_file, write_mp4),
    'jpg': _Format('', atomic_folder, write_jpg),
    'npy': _Format('.npy', atomic_file, write_npy),
}


def write_clip(
    path: Union[str, Path],
    frames: Iterable[np.ndarray],
    fps: float,
    format: str = 'mp4',
    settings: Optional[Mapping[str, str]] = None,
) -> int:
    """Write a clip; it appears under its name only when it is whole.

    Every picture becomes one frame, whatever the rate: none is dropped or doubled. The pictures
    are written while they come, so memory does not grow with the clip. The same pictures give the
    same bytes, as long as the versions of the libraries are the same.

    Args:
        path (str | Path): Where it goes, with ``clip_suffix(format)`` at its end. A clip that is
            there is replaced whole.
        frames (Iterable[np.ndarray]): (H, W, 3) uint8 RGB, all of one shape; for ``'mp4'`` H and W
            are even.
        fps (float): Frames per s. ``'jpg'`` and ``'npy'`` have no place for it: keep it elsewhere.
        format (str): ``'mp4'``, H.264 that decord reads exactly at any index; ``'jpg'``, a folder
            of ``000000.jpg``, ...; or ``'npy'``, one array (T, H, W, 3). Defaults to ``'mp4'``.
        settings (Mapping[str, str], optional): Options of the x264 encoder, all of them. Defaults
            to None, which means :data:`mmfake.video.mp4_file.X264`.

    Returns:
        int: How many frames were written.

    Raises:
        MMFakeError: If the format is unknown or the place cannot be written to.
        VideoError: If there is no frame, or one cannot be written. Like any exception of
            ``frames``, this leaves what was there as it was.
    """
    chosen = _format(format)
    if settings is not None and format != 'mp4':
        raise MMFakeError(f'settings are options of x264: leave them out for format {format!r}')
    options = dict(rate=frame_rate(fps), settings=settings or X264) if format == 'mp4' else {}
    pictures = _checked(frames, path, even=format == 'mp4')
    first = next(pictures, None)
    if first is None:
        raise VideoError(path, 'not written: there is no frame')
    with chosen.place(path, 'the clip') as temporary:
        try:
            return chosen.write(temporary, chain([first], pictures), **options)
        except FFmpegError as error:
            if isinstance(error, OSError):  # a full disk, for one
                raise
            raise VideoError(
                path, f'cannot be encoded ({error.strerror}): check the settings {settings}'
            ) from None


def clip_suffix(format: str) -> str:
    """Say how the name of a clip ends."""
    return _format(format).suffix


def codec_settings(format: str, settings: Optional[Mapping[str, str]] = None) -> str:
    """Say in a few words how clips are compressed, for an index.

    Compression is a trace that a detector can learn, so originals and manipulations must share it.
    """
    _format(format)
    if format == 'jpg':
        return f'jpg q{JPG_QUALITY}'
    if format == 'npy':
        return 'npy uint8'
    settings = X264 if settings is None else settings
    # medium, x264's own and once that of all clips, goes without saying
    preset = settings.get('preset', 'medium')
    named = [preset] if preset != 'medium' else []
    named += [f'{key}{settings[key]}' for key in ('crf', 'g', 'bf') if key in settings]
    return ' '.join(['h264', *named, *filter(None, [settings.get('tune')]), 'yuv420p'])


def _format(name: str) -> _Format:
    """Look a format up."""
    if name not in _FORMATS:
        raise MMFakeError(f'unknown clip format {name!r}: choose {", ".join(_FORMATS)}')
    return _FORMATS[name]


def _checked(
    frames: Iterable[np.ndarray], path: Union[str, Path], even: bool
) -> Iterator[np.ndarray]:
    """Pass pictures on that the formats can hold."""
    shape = None
    for number, picture in enumerate(frames):
        picture = np.ascontiguousarray(picture)
        shape = shape or picture.shape
        wrong = picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3
        if wrong or not picture.size:
            raise VideoError(
                path,
                f'not written: frame {number} is {picture.shape} {picture.dtype}, not (H, W, 3) '
                'uint8',
            )
        if picture.shape != shape:
            raise VideoError(
                path,
                f'not written: frame {number} is {picture.shape}, the ones before it are {shape}',
            )
        if even and (shape[0] % 2 or shape[1] % 2):
            raise VideoError(
                path, f'not written: H.264 needs even sides, not {shape[1]} x {shape[0]} px'
            )
        yield picture
