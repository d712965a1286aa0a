"""Archives that every reader of zip reads in the same way."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from typing import BinaryIO, Dict

_END = struct.Struct('<4s4H2LH')  # signature, disks, entries, size and place of the directory
_END_64 = struct.Struct('<4sQ2H2L4Q')
_LOCATOR_64 = struct.Struct('<4sLQL')


def stored_records(file: BinaryIO) -> Dict[str, zipfile.ZipInfo]:
    """List the records of an archive of ``torch.save``, by the name below its top folder.

    Python's :mod:`zipfile` and the reader in torch look for the directory in different places of a
    file that is made so. Here both find the same, or the file is refused: directory, its zip64
    record if there is one, and end record follow each other up to the last byte.

    Args:
        file (BinaryIO): The archive, from its first byte.

    Returns:
        dict[str, ZipInfo]: Such as ``'data.pkl'`` and ``'data/0'``; torch's lookup ignores case,
        so they are lower case.

    Raises:
        UnpicklingError: If it could be read in two ways, is a TorchScript program, or a record is
            compressed, and so could unfold to any size.
        BadZipFile: If it is no archive.
    """
    length = file.seek(0, os.SEEK_END)
    _check_directory(file, length)
    with zipfile.ZipFile(file) as archive:
        records = archive.infolist()
    names = {record.filename.partition('/')[2].lower(): record for record in records}
    if len(names) < len(records):
        raise pickle.UnpicklingError('an archive with two records of a name')
    if 'constants.pkl' in names:  # torch before 2.6 would load it
        raise pickle.UnpicklingError('a TorchScript archive, which holds a program')
    for record in records:
        if record.compress_type != zipfile.ZIP_STORED:
            raise pickle.UnpicklingError('a compressed archive, which training never writes')
        if record.file_size != record.compress_size or record.file_size > length:
            raise pickle.UnpicklingError('an archive with a record of two sizes')
    return names


def _check_directory(file: BinaryIO, length: int) -> None:
    tail = min(length, _END.size + _LOCATOR_64.size + _END_64.size)
    file.seek(-tail, os.SEEK_END)
    last = file.read()
    if len(last) < _END.size:
        raise zipfile.BadZipFile('no archive')
    before = length - _END.size
    signature, *_, size, place, comment = _END.unpack(last[-_END.size :])
    locator = last[-_END.size - _LOCATOR_64.size : -_END.size]
    if locator.startswith(b'PK\6\7') and len(last) == tail and len(locator) == _LOCATOR_64.size:
        before -= _LOCATOR_64.size + _END_64.size
        record = _END_64.unpack(last[: _END_64.size])
        if record[0] != b'PK\6\6' or _LOCATOR_64.unpack(locator)[2] != before:
            raise pickle.UnpicklingError('an archive with two directories')
        size, place = record[-2:]
    if signature != b'PK\5\6' or comment or place + size != before:
        raise pickle.UnpicklingError('an archive that is cut off, or has two directories')
