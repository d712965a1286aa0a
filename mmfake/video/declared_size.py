"""Declared size of mp4, mov, avi, webm and mkv: how many bytes their parts say there are."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Optional, Union


def declared_size(path: Union[str, Path]) -> Optional[int]:
    """Add up the bytes that the parts of a file declare; a shorter file lost its end.

    Counting frames cannot tell, since an edit list or a trim without re-encoding also shows fewer
    frames than the file claims to have; those leave the sizes intact. The size is that of mp4, mov,
    avi, webm and mkv; None for other formats, and where the format lets a part reach to the end of
    the file, wherever that is.
    """
    with open(path, 'rb') as file:
        head = file.read(12)
        length = file.seek(0, 2)
        if head[4:8] in (b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide', b'styp'):
            return _size_of_boxes(file, length)
        if head[:4] == b'RIFF' and head[8:] == b'AVI ':
            return _size_of_riff(file, length)
        if head[:4] == b'\x1a\x45\xdf\xa3':
            return _size_of_ebml(file, length)
    return None


def _size_of_boxes(file: BinaryIO, length: int) -> Optional[int]:
    """Follow the boxes of mp4 and mov."""
    end = 0
    while end < length:
        file.seek(end)
        header = file.read(16)
        size = int.from_bytes(header[:4], 'big')
        if size == 1:  # the real size, too long for 32 bits, comes after the name
            size = int.from_bytes(header[8:], 'big')
        if size < 8:  # 0: to the end of the file; anything else is no box, e.g. padding
            return None
        end += size
    return end


def _size_of_riff(file: BinaryIO, length: int) -> int:
    """Follow the chunks of avi: there is one per gigabyte."""
    end = 0
    while end < length:
        file.seek(end)
        header = file.read(8)
        if header[:4] != b'RIFF':
            break
        end += 8 + int.from_bytes(header[4:], 'little')
    return end


def _size_of_ebml(file: BinaryIO, length: int) -> Optional[int]:
    """Add the header and the one segment of webm and mkv."""
    end = 0
    for _ in range(2):
        if end >= length:
            return None
        file.seek(end + 4)
        first = file.read(1)
        digits = 9 - first[0].bit_length() if first else 9
        size = int.from_bytes(first + file.read(digits - 1), 'big') & ((1 << 7 * digits) - 1)
        if digits > 8 or size == (1 << 7 * digits) - 1:  # all ones: unknown, a live recording
            return None
        end += 4 + digits + size
    return end
