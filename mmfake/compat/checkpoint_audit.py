"""What a checkpoint would call, found without calling it.

An allow-list bounds WHAT a pickle may call, not with which arguments: ``bytearray(2**30)`` in a
file of a thousand bytes takes a gigabyte. And torch 2.1 believes the size that a file claims for a
tensor, and reads past the end of it.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from typing import Any, BinaryIO, Callable, Dict, Tuple, Union

import torch
from torch.storage import _get_dtype_from_pickle_storage_type as dtype_of_storage

_MAGIC_NUMBER = torch.serialization.MAGIC_NUMBER  # of the format before the zip archives


class ProtocolTwoUnpickler(pickle._Unpickler):
    """Reader of protocol 2, which ``torch.save`` writes.

    Later ones may ask for memory by number. It is the one in Python, as that in C has a memo of
    the size of the highest number in the file.
    """

    dispatch = {
        code: load
        for code, load in pickle._Unpickler.dispatch.items()
        if pickletools.code2op[chr(code)].proto <= 2
    }

    def load(self) -> Any:
        """Read one pickle.

        Raises:
            UnpicklingError: If it has an instruction of a later protocol.
        """
        try:
            return super().load()
        except KeyError as error:  # of the dispatch, or of the memo
            raise pickle.UnpicklingError(f'unknown instruction or entry {error}') from None


def _is_plain(*args: Any) -> bool:
    """Text or bytes, which protocol 2 makes of text; no number, also not one of numpy."""
    return all(isinstance(arg, str) or getattr(arg, 'path', '') == '_codecs.encode' for arg in args)


# function -> whether it takes no more memory than what is in the file
_HARMLESS: Dict[str, Callable[..., bool]] = {
    'bytearray': _is_plain,
    'encode': lambda text='', codec='': codec == 'latin1',
    'ndarray': lambda *args: False,  # made by _reconstruct, empty, and then filled
    '_reconstruct': lambda kind, shape=None, code=None: shape == (0,),
    'scalar': lambda dtype, data=None: data is not None,
}


class _Inert:
    """In place of all that a checkpoint would make; a class of its own for each name."""

    path = ''

    def __new__(cls, *args: Any) -> _Inert:
        name = cls.path.rpartition('.')[2]
        if name in _HARMLESS and not _HARMLESS[name](*args):
            raise pickle.UnpicklingError(f'{cls.path} with arguments that training never writes')
        return super().__new__(cls)

    def __init__(self, *args: Any) -> None:
        pass

    def _take(self, *args: Any) -> None:
        pass

    __setstate__ = __setitem__ = append = extend = add = _take


class _Audit(ProtocolTwoUnpickler):
    """Reads a pickle without making or calling anything that it names."""

    def __init__(self, file: BinaryIO, sizes: Dict[str, int]) -> None:
        super().__init__(file, encoding='utf-8')
        self.sizes = sizes  # of the records of an archive, by key
        self.known: Dict[Tuple[str, str], type] = {}

    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in self.known:
            self.known[module, name] = type('Inert', (_Inert,), dict(path=f'{module}.{name}'))
        return self.known[module, name]

    def persistent_load(self, pid: Any) -> _Inert:
        """Compare the size of a tensor's storage with that of its record."""
        if self.sizes:
            _, kind, key, _, numel = pid
            name = kind.path.rpartition('.')[2]
            dtype = torch.uint8 if name == 'UntypedStorage' else dtype_of_storage(name)
            needed = numel * torch.empty(0, dtype=dtype).element_size()
            if self.sizes.get(key) != needed:
                raise pickle.UnpicklingError(
                    f'tensor {key} should have {needed} bytes, but has {self.sizes.get(key)}'
                )
        return _Inert()


def audit(file: Union[str, io.BytesIO]) -> None:
    """Check that a checkpoint asks for no more memory than it has bytes, and is no program.

    Args:
        file (str | BytesIO): Path or the bytes of a checkpoint, zip or legacy format.

    Raises:
        UnpicklingError: If it is none, or asks for more.
        Exception: Whatever a broken archive or pickle leads to.
    """
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            _audit_archive(archive)
    elif isinstance(file, io.BytesIO):
        _audit_legacy(file)
    else:
        with open(file, 'rb') as opened:
            _audit_legacy(opened)
    if isinstance(file, io.BytesIO):
        file.seek(0)


def _audit_archive(archive: zipfile.ZipFile) -> None:
    records = archive.infolist()
    names = {record.filename.partition('/')[2]: record for record in records}
    if 'constants.pkl' in names:  # torch before 2.6 would load its program
        raise pickle.UnpicklingError('a TorchScript archive, which holds a program')
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        # could unfold to any size
        raise pickle.UnpicklingError('a compressed archive, which training never writes')
    if 'data.pkl' not in names or len(names) < len(records):
        raise pickle.UnpicklingError('an archive of another kind')
    sizes = {
        name.partition('/')[2]: record.file_size
        for name, record in names.items()
        if name.startswith('data/')
    }
    with archive.open(names['data.pkl']) as opened:
        _Audit(io.BytesIO(opened.read()), sizes or {'': 0}).load()


def _audit_legacy(file: BinaryIO) -> None:
    """Four pickles: number of the format, its version, the machine's sizes, and the content."""
    file.seek(0)
    if _Audit(file, {}).load() != _MAGIC_NUMBER:
        raise pickle.UnpicklingError('no checkpoint of torch')
    for _ in range(3):
        _Audit(file, {}).load()
