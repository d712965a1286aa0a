"""What a checkpoint would call, found without calling it.

An allow-list bounds WHAT a pickle may call, not with which arguments: ``bytearray(2**30)`` in a
file of a thousand bytes takes a gigabyte. And torch 2.1 believes the size that a file claims for a
tensor, and reads past the end of it.
"""

from __future__ import annotations

import contextlib
import io
import math
import pickle
import tarfile
import zipfile
from typing import Any, BinaryIO, Callable, Dict, Optional, Tuple, Union

import torch
from torch.storage import _get_dtype_from_pickle_storage_type as dtype_of_storage

from .protocol_two_unpickler import ProtocolTwoUnpickler
from .stored_archive import stored_records

_MAGIC_NUMBER = torch.serialization.MAGIC_NUMBER  # of the format before the zip archives


def _is_filled(storage: Any, offset: Any = 0, size: Tuple[int, ...] = (), *_: Any) -> bool:
    """A tensor has no more elements than its storage, but a few that are repeated."""
    return math.prod(size) <= max(storage.numel, 2**16)


def _is_plain(*args: Any) -> bool:
    """Text or bytes, which protocol 2 makes of text; no number, also not one of numpy."""
    return all(isinstance(arg, str) or getattr(arg, 'path', '') == '_codecs.encode' for arg in args)


def _is_made(*args: Any) -> bool:
    """Of tensors that were looked at when they were made."""
    return all(isinstance(arg, (_Inert, bool)) for arg in args[:2])


def _calls(function: Any, kind: Any, args: Tuple[Any, ...] = (), state: Any = None) -> bool:
    """A tensor of a class of its own is made by another function."""
    return isinstance(function(*args), _Inert)


# function -> whether it takes no more memory than what is in the file
_HARMLESS: Dict[str, Callable[..., bool]] = {
    'bytearray': _is_plain,
    'encode': lambda text='', codec='': codec == 'latin1',
    'ndarray': lambda *args: False,  # made by _reconstruct, empty, and then filled
    '_reconstruct': lambda kind, shape=None, code=None: shape == (0,),
    'scalar': lambda dtype, data=None: data is not None,
    'Parameter': _is_made,
    '_rebuild_tensor': _is_filled,
    '_rebuild_tensor_v2': _is_filled,
    '_rebuild_tensor_v3': _is_filled,
    '_rebuild_qtensor': _is_filled,
    '_rebuild_parameter': _is_made,
    '_rebuild_parameter_with_state': _is_made,
    '_rebuild_from_type': _calls,
    '_rebuild_from_type_v2': _calls,
}


def _is_harmless(path: str, args: Tuple[Any, ...]) -> bool:
    name = path.rpartition('.')[2]
    if name in _HARMLESS:
        return _HARMLESS[name](*args)
    # tensors without a storage, sparse or on no device, have any size; a class takes a number
    return not (name.startswith('_rebuild') or (args and name.endswith(('Tensor', 'Storage'))))


def _check(path: str, harmless: bool) -> None:
    if not harmless:
        raise pickle.UnpicklingError(f'{path} with arguments that training never writes')


class _Inert:
    """In place of all that a checkpoint would make; a class of its own for each name."""

    path = ''

    def __new__(cls, *args: Any) -> _Inert:
        _check(cls.path, _is_harmless(cls.path, args))
        return super().__new__(cls)

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and state and isinstance(state[0], _Storage):  # of old tensors
            _check('set_', _is_filled(*state))

    def _take(self, *args: Any) -> None:
        pass

    __setitem__ = append = extend = add = _take


class _Storage(_Inert):
    """In place of the numbers of a tensor."""

    numel = 0


class _Audit(ProtocolTwoUnpickler):
    """Reads a pickle without making or calling anything that it names."""

    def __init__(self, file: BinaryIO, sizes: Optional[Dict[str, int]] = None) -> None:
        super().__init__(file, encoding='utf-8')
        self.sizes = sizes  # of the records of an archive, by key
        self.known: Dict[Tuple[str, str], type] = {}

    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in self.known:
            self.known[module, name] = type('Inert', (_Inert,), dict(path=f'{module}.{name}'))
        return self.known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """Compare the size of a tensor's storage with that of its record."""
        _, kind, key, _, numel = pid[:5]
        storage = _Storage()
        storage.numel = numel
        if self.sizes is not None:
            name = kind.path.rpartition('.')[2]
            dtype = torch.uint8 if name == 'UntypedStorage' else dtype_of_storage(name)
            needed = numel * torch.empty(0, dtype=dtype).element_size()
            if self.sizes.get(key) != needed:
                raise pickle.UnpicklingError(
                    f'tensor {key} should have {needed} bytes, but has {self.sizes.get(key)}'
                )
        return storage


def audit(file: Union[str, io.BytesIO]) -> None:
    """Check that a checkpoint asks for no more memory than it has bytes, and is no program.

    Args:
        file (str | BytesIO): Path or the bytes of a checkpoint, zip or legacy format.

    Raises:
        UnpicklingError: If it is none, or asks for more.
        Exception: Whatever a broken archive or pickle leads to.
    """
    if isinstance(file, io.BytesIO):
        _audit(file)
        file.seek(0)
    else:
        with open(file, 'rb') as opened:
            _audit(opened)


def _audit(file: BinaryIO) -> None:
    file.seek(0)
    if file.read(4) == b'PK\3\4':  # by which torch tells them apart
        _audit_archive(file)
    else:
        _audit_legacy(file)


def _audit_archive(file: BinaryIO) -> None:
    records = stored_records(file)
    if 'data.pkl' not in records:
        raise pickle.UnpicklingError('an archive of another kind')
    sizes = {
        name.partition('/')[2]: record.file_size
        for name, record in records.items()
        if name.startswith('data/')
    }
    with zipfile.ZipFile(file) as archive:
        pickled = archive.read(records['data.pkl'])
    _Audit(io.BytesIO(pickled), sizes).load()


def _audit_legacy(file: BinaryIO) -> None:
    """Four pickles: number of the format, its version, the machine's sizes, and the content."""
    file.seek(0)
    with contextlib.suppress(tarfile.TarError), tarfile.open(fileobj=file, mode='r:'):
        raise pickle.UnpicklingError('a tar archive, which torch wrote before 2017')
    file.seek(0)
    if _Audit(file).load() != _MAGIC_NUMBER:
        raise pickle.UnpicklingError('no checkpoint of torch')
    for _ in range(3):
        _Audit(file).load()
