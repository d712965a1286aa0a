"""Safe loading of checkpoints: ``weights_only`` with an allow-list; no code in a file is run.

mmengine 0.10.7 calls ``torch.load`` with the default of the installed torch: up to 2.5 that runs
any code in the file, from 2.6 on it refuses the files mmengine itself writes, because they hold a
``HistoryBuffer`` (open-mmlab/mmengine#1625). The loader here allows exactly what mmengine writes.
It also verifies what torch does not: the check sums in the archive, and the hash in a file's name.
How much memory a file may ask for is not bounded.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import pickle
import re
import tarfile
import threading
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter
from types import SimpleNamespace
from typing import Any, BinaryIO, Callable, Dict, Optional, Union

import mmengine.fileio
import numpy as np
import torch
from mmengine.dist import barrier, get_dist_info
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as host
from mmengine.utils import digit_version

from ..errors import MMFakeError, first_line
from ..files import hash_of, is_full

# class -> its functions that appear by name in what mmengine saves: the statistics of a log buffer
# and the annealing of a OneCycle schedule
_FUNCTIONS = {
    HistoryBuffer: ('min', 'max', 'current', 'mean'),
    OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
}


_ONE_AT_A_TIME = threading.Lock()  # torch's list of safe globals is one of the whole process


def _known_function(owner: Any, name: str) -> Callable:
    """The only ``getattr`` a checkpoint may call."""
    if isinstance(owner, type) and name in _FUNCTIONS.get(owner, ()):
        return getattr(owner, name)
    raise pickle.UnpicklingError(f'getattr({owner!r}, {name!r})')


def _allowed_globals() -> Dict[str, Any]:
    """Name in the pickle -> object, beyond torch's own list of tensors and containers."""
    allowed = {
        'builtins.getattr': _known_function,
        # plain data that torch's own list lacks before 2.3 to 2.6: bytes in protocol 2, and the
        # milestones of a MultiStep schedule
        '_codecs.encode': codecs.encode,
        'builtins.bytearray': bytearray,
        'builtins.complex': complex,
        'builtins.set': set,
        'collections.Counter': Counter,
        'torch.device': torch.device,
        'numpy.ndarray': np.ndarray,
        'numpy.dtype': np.dtype,
    }
    allowed.update({f'{kind.__module__}.{kind.__qualname__}': kind for kind in _FUNCTIONS})
    array = np.zeros(1)
    # numpy 2 moved numpy.core to numpy._core; a file of either spelling loads under either numpy
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        allowed[f'{module}._reconstruct'] = array.__reduce__()[0]
        allowed[f'{module}.scalar'] = array[0].__reduce__()[0]
    for code in ('?', 'b', 'B', 'h', 'H', 'i', 'I', 'l', 'L', 'q', 'Q', 'e', 'f', 'd'):
        kind = type(np.dtype(code))
        allowed[f'{kind.__module__}.{kind.__qualname__}'] = kind
    return allowed


def _old_torch_pickle() -> SimpleNamespace:
    """A ``pickle_module`` with the same allow-list, for torch < 2.6 that cannot extend its own."""
    from torch._weights_only_unpickler import _get_allowed_globals

    allowed = {**_get_allowed_globals(), **_allowed_globals()}
    # what a user has allowed with torch.serialization.add_safe_globals, from torch 2.4 on
    for value in getattr(torch.serialization, 'get_safe_globals', list)():
        allowed[f'{value.__module__}.{value.__qualname__}'] = value

    class Unpickler(pickle._Unpickler):  # the one in Python: the other one's BUILD has no override
        dispatch = dict(pickle._Unpickler.dispatch)

        def find_class(self, module: str, name: str) -> Any:
            # torch.save writes protocol 2, whose module names are those of Python 2
            module, name = NAME_MAPPING.get(
                (module, name), (IMPORT_MAPPING.get(module, module), name)
            )
            if f'{module}.{name}' not in allowed:
                raise pickle.UnpicklingError(f'GLOBAL {module}.{name}')
            return allowed[f'{module}.{name}']

        def load_build(self) -> None:
            """Set the state of an object, but never that of a class or function."""
            if callable(self.stack[-2]):
                raise pickle.UnpicklingError('the state of a class or function is to be changed')
            super().load_build()

        dispatch[pickle.BUILD[0]] = load_build

    def load(file, **kwargs) -> Any:
        return Unpickler(file, **kwargs).load()

    return SimpleNamespace(__name__='mmfake', Unpickler=Unpickler, load=load)


def _refuse_other_formats(file: BinaryIO) -> None:
    """Refuse what torch < 2.6 would hand to another reader than the unpickler above."""
    if torch.serialization._is_zipfile(file):
        with torch.serialization._open_zipfile_reader(file) as archive:
            if torch.serialization._is_torchscript_zip(archive):
                raise pickle.UnpicklingError('a TorchScript archive, which holds a program')
    else:
        with contextlib.suppress(tarfile.TarError), tarfile.open(fileobj=file, mode='r:'):
            raise pickle.UnpicklingError('a tar archive, which torch wrote before 2017')
    file.seek(0)


def _load(file: BinaryIO, map_location: Any) -> Any:
    if digit_version(torch.__version__) < digit_version('2.6'):
        _refuse_other_formats(file)
        return torch.load(file, map_location, pickle_module=_old_torch_pickle(), weights_only=False)
    extra = [(value, key) for key, value in _allowed_globals().items()]
    with torch.serialization.safe_globals(extra):
        return torch.load(file, map_location, weights_only=True)


def safe_load(file: Union[str, io.BytesIO], map_location: Any = None, name: str = '') -> Any:
    """``torch.load`` that never runs code from the file, on every supported torch.

    Args:
        file (str | BytesIO): Path or the bytes of a checkpoint, zip or legacy format.
        map_location (Any): As for :func:`torch.load`. Defaults to None.
        name (str): What to call the file in messages. Defaults to ``''``, the path.

    Raises:
        MMFakeError: If the file asks for code outside the allow-list, is damaged, or is not a
            checkpoint.
    """
    name = name or str(file)
    is_open = isinstance(file, io.BytesIO)
    try:
        with contextlib.nullcontext(file) if is_open else open(file, 'rb') as opened:
            damage = _damage(opened, name)
            if damage is None:
                with _ONE_AT_A_TIME:
                    return _load(opened, map_location)
    except Exception as error:  # whatever torch raises for bytes that are no checkpoint
        asked = re.search(r'GLOBAL ([\w.]+)|(getattr\(.*?\))', str(error))
        if asked is None or not isinstance(error, pickle.UnpicklingError):
            raise MMFakeError(_unreadable(name, error)) from None
        raise MMFakeError(
            f'{name}: refused by mmfake, which runs no code of a checkpoint: this one asks for '
            f'{asked.group(1) or asked.group(2)}, which is not among the plain data that training '
            'writes; nothing of it was run. Ask its author for a file with tensors only or, if you '
            'trust it, allow that class with torch.serialization.add_safe_globals.'
        ) from None
    raise MMFakeError(damage)


# NAME-<first digits of the SHA-256 of the file>.pth, as mmengine and torch publish weights; eight
# digits that begin with 20 are a date
_HASH_IN_NAME = re.compile(r'-(?!20\d{6}\.)([0-9a-f]{8})\.pth')


def _damage(file: BinaryIO, name: str) -> Optional[str]:
    """What of a file is not as it was written, by hash and check sums; None if nothing is."""
    named = _HASH_IN_NAME.search(os.path.basename(name))
    if named:
        found = hash_of(file)[:8]
        file.seek(0)
        if found != named[1]:
            return (
                f'{name}: damaged, or changed: its SHA-256 begins with {found}, its name says '
                f'{named[1]}; copy or download it again, or rename it if you have changed it.'
            )
    if torch.serialization._is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            part = archive.testzip()
        file.seek(0)
        if part is not None:
            return (
                f'{name}: damaged, the check sum of {part} in it is wrong; copy or download it '
                'again.'
            )
    return None


META = 'mmfake'
"""str: Under which the metadata of a loaded state dict hold the meta of its checkpoint."""


def _settled(checkpoint: Any) -> Any:
    """Drop ``meta['config']``: Runner.resume would execute that text to look up ``gpu_ids``.

    A model is given the rest, which mmengine's ``load_checkpoint`` keeps from it.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    if isinstance(meta, dict):
        meta.pop('config', None)
        metadata = getattr(checkpoint.get('state_dict'), '_metadata', None)
        if isinstance(metadata, dict) and isinstance(metadata.setdefault('', {}), dict):
            metadata[''][META] = meta
    return checkpoint


def without_meta(state_dict: Any) -> Any:
    """Take away from a loaded state dict what :func:`load_from_local` has put into it."""
    getattr(state_dict, '_metadata', {}).get('', {}).pop(META, None)
    return state_dict


def _unreadable(name: str, error: Exception) -> str:
    if name.lower().endswith('.onnx'):
        return (
            f'{name}: an exported model, for tools/detect.py alone; give the checkpoint it was '
            'exported from.'
        )
    told = re.search(r'WeightsUnpickler error: (.*)', str(error))
    reason = (told.group(1) if told else first_line(error)).strip()[:160]
    shown = f' ({reason})' if reason else ''
    return f'{name}: not a readable checkpoint, empty, truncated or of another kind{shown}.'


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Load a checkpoint file safely; replaces mmengine's function of the same name."""
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise MMFakeError(f'{filename}: no such checkpoint file.')
    return _settled(safe_load(path, map_location))


def load_from_http(filename: str, map_location: Any = None, model_dir=None, progress=True) -> Any:
    """Download a checkpoint once per node, then load it safely; replaces mmengine's function."""
    folder = model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints')
    path = os.path.join(folder, os.path.basename(filename.split('?')[0]))
    if get_dist_info()[0] == 0 and not os.path.isfile(path):
        try:
            os.makedirs(folder, exist_ok=True)
            # torch downloads to a temporary name and renames
            torch.hub.download_url_to_file(filename, path, progress=progress)
        except OSError as error:  # also of the network
            if is_full(error):
                raise
            raise MMFakeError(
                f'{filename}: cannot be downloaded to {path} ({error}); download it by other means '
                'and give the file.'
            ) from None
    barrier()
    return load_from_local(path, map_location)


def load_from_ceph(filename: str, map_location: Any = None, backend: str = 'petrel') -> Any:
    """Load a checkpoint from an s3 store safely; replaces mmengine's function."""
    data = mmengine.fileio.get(filename, backend_args=dict(backend=backend))
    return _settled(safe_load(io.BytesIO(data), map_location, name=filename))


def repair_checkpoint_loading() -> None:
    """Make every route by which mmengine loads a checkpoint use :func:`safe_load`.

    That holds for every model of the process, also one of another project: a file does not say
    whose it is. Its classes can be allowed as for ``torch.load`` itself, see :func:`safe_load`.
    """
    host.load_from_local, host.load_from_http = load_from_local, load_from_http
    CheckpointLoader.register_scheme('', load_from_local, force=True)
    CheckpointLoader.register_scheme(('http://', 'https://'), load_from_http, force=True)
    CheckpointLoader.register_scheme(
        (r'(\S+\:)?s3://', r'(\S+\:)?petrel://'), load_from_ceph, force=True
    )
