"""Checkpoints of a thousand bytes that ask for gigabytes, with names that training uses too."""

import tarfile
from collections import Counter

import numpy as np
import pytest
import torch
from torch import _utils

from mmfake import MMFakeError
from mmfake.compat.checkpoints import safe_load

HUGE = 2**30
ONE = (torch.zeros(1).storage(), 0)
INNER = torch._tensor._rebuild_from_type_v2
THIRD = getattr(_utils, '_rebuild_tensor_v3', _utils._rebuild_tensor_v2)  # torch 2.1 has none
KINDS = [
    'uint8',
    'int8',
    'int16',
    'int32',
    'int64',
    'float16',
    'bfloat16',
    'float32',
    'float64',
    'complex64',
    'bool',
]
ARRAY, SCALAR = np.zeros(1).__reduce__()[0], np.float64(1).__reduce__()[0]


class Call:
    """Unpickles to a call."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


GREEDY = {
    'bytearray': Call(bytearray, HUGE),
    'bytearray of a number of numpy': Call(bytearray, np.int64(HUGE)),
    'array': Call(np.ndarray, (HUGE,), 'O'),
    'reconstructed array': Call(ARRAY, np.ndarray, (HUGE,), b'O'),
    'bytearray within': Call(INNER, bytearray, torch.Tensor, (HUGE,), {}),
    'tensor within': Call(
        INNER, _utils._rebuild_tensor_v2, torch.Tensor, (*ONE, (HUGE,), (0,), False, {}), {}
    ),
    'tensor of the third version': Call(THIRD, *ONE, (HUGE,), (0,), False, {}, torch.float32),
    'tensor of a number': Call(torch.Tensor, HUGE // 4),
    'tensor class of a number': Call(torch.FloatTensor, HUGE // 4),
    'storage of a number': Call(torch.UntypedStorage, HUGE),
    'sparse tensor': torch.sparse_coo_tensor(torch.zeros(1, 1).long(), torch.ones(1), (HUGE,)),
    'scalar': Call(SCALAR, Call(np.dtype, f'V{HUGE}')),
}
MEMO = b'\x80\x02}r\xff\xff\xff\x7f.'  # an entry of a high number, which is no fault
RAW = {
    'new array': b'\x80\x02cnumpy\nndarray\nJ\x00\x00\x00\x40\x85X\x01\x00\x00\x00O\x86\x81.',
    'length of an array of bytes': b'\x80\x05\x96\x00\x00\x00\x40\x00\x00\x00\x00.',
    'length of bytes': b'\x80\x04\x8e\x00\x00\x00\x40\x00\x00\x00\x00.',
    'length of a text': b'\x80\x02X\xff\xff\xff\x7f.',
    'length of a number': b'\x80\x02\x8b\xff\xff\xff\x7f.',
}


@pytest.fixture(params=['installed torch', 'torch 2.1'])
def load(request, monkeypatch):
    """Both routes of the loader; the second is the one of torches that cannot extend their list."""
    if request.param == 'torch 2.1':
        monkeypatch.setattr(torch, '__version__', '2.1.0')
    return lambda path: safe_load(str(path))


def refused(trial, load, path, content):
    path.write_bytes(content)
    assert len(content) < 2500
    grown = trial.in_a_process(lambda: pytest.raises(MMFakeError, load, path))
    assert grown < 100
    assert not trial.outcome(load, path)


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('name', GREEDY)
def test_calls_that_ask_for_memory(trial, load, tmp_path, name, legacy):
    refused(trial, load, tmp_path / 'x.pth', trial.saved(dict(a=GREEDY[name]), legacy))


@pytest.mark.parametrize('name', RAW)
def test_numbers_that_ask_for_memory(trial, load, tmp_path, name):
    whole = trial.rewritten(trial.saved(dict(a=torch.zeros(2))), lambda _: RAW[name])
    refused(trial, load, tmp_path / 'x.pth', whole)


@pytest.mark.parametrize('legacy', [False, True])
def test_a_tensor_of_more_elements_than_it_has_numbers(trial, load, tmp_path, legacy):
    """An optimizer's state is copied when it is taken over."""
    refused(
        trial, load, tmp_path / 'x.pth', trial.saved(dict(a=torch.zeros(1).expand(HUGE)), legacy)
    )
    path = tmp_path / 'y.pth'
    path.write_bytes(trial.saved(dict(a=torch.ones(1).expand(5)), legacy))
    assert load(path)['a'].tolist() == [1] * 5


def test_a_tar_archive(trial, load, tmp_path):
    """What torch wrote before 2017, and reads still, with pickles of its own."""
    path = tmp_path / 'x.pth'
    with tarfile.open(path, 'w') as archive:
        archive.addfile(tarfile.TarInfo('storages'))
    assert not trial.outcome(load, path)
    with pytest.raises(MMFakeError, match='tar archive'):
        load(path)


@pytest.mark.parametrize(
    'name', [b'collections\nCounter', b'torch._utils\n_rebuild_tensor_v2', b'torch\nSize']
)
def test_the_state_of_a_class_or_function(trial, load, tmp_path, name):
    """A pickle can set attributes, also of a class: for the whole process."""
    state = b'N}X\x06\x00\x00\x00updatec__builtin__\nbytearray\ns\x86b0'
    whole = trial.rewritten(
        trial.saved(dict(a=torch.zeros(2))),
        lambda old: old[:2] + b'c' + name + b'\n' + state + old[2:],
    )
    refused(trial, load, tmp_path / 'x.pth', whole)
    assert Counter('aa')['a'] == 2


def test_a_high_number_in_the_memo(trial, load, tmp_path):
    path = tmp_path / 'x.pth'
    path.write_bytes(trial.rewritten(trial.saved(dict(a=torch.zeros(2))), lambda _: MEMO))
    assert trial.in_a_process(lambda: load(path) == {} or 1 / 0) < 100


@pytest.mark.parametrize('numel', [5, 3, HUGE])
def test_a_tensor_of_another_size_than_its_record(trial, load, tmp_path, numel):
    """torch 2.1 would read on in the memory behind it."""

    def change(pickled):
        assert pickled.count(b'K\x04t') == pickled.count(b'K\x04\x85') == 1  # storage, shape
        number = b'J' + numel.to_bytes(4, 'little')
        return pickled.replace(b'K\x04t', number + b't').replace(b'K\x04\x85', number + b'\x85')

    whole = trial.rewritten(trial.saved(dict(a=torch.zeros(4))), change)
    refused(trial, load, tmp_path / 'x.pth', whole)
    path = tmp_path / 'y.pth'
    path.write_bytes(trial.rewritten(trial.saved(dict(a=torch.arange(4.0))), lambda same: same))
    assert load(path)['a'].tolist() == [0, 1, 2, 3]


def test_every_kind_of_tensor_loads(trial, load, tmp_path):
    content = dict(
        numbers=[torch.ones(3, dtype=getattr(torch, name)) for name in KINDS],
        shared=(torch.arange(6).view(2, 3)[:, 1:], torch.empty(0)),
        parameter=torch.nn.Parameter(torch.ones(2)),
        buffer=torch.nn.Buffer(torch.ones(2)) if hasattr(torch.nn, 'Buffer') else None,
        sub=torch.ones(2).as_subclass(torch.nn.Parameter),
    )
    for legacy in (False, True):
        (tmp_path / 'x.pth').write_bytes(trial.saved(content, legacy))
        loaded = load(tmp_path / 'x.pth')
        assert all(map(torch.equal, loaded['numbers'], content['numbers']))
        assert all(map(torch.equal, loaded['shared'], content['shared']))
        assert torch.equal(loaded['parameter'], content['parameter'])
