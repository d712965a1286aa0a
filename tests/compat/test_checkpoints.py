import hashlib
import io
import os
import pickle
import subprocess
import tarfile
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.optim import scheduler as schedulers
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import load_checkpoint
from torch import _weights_only_unpickler

import mmfake.register  # noqa: F401 - with it mmengine loads checkpoints by mmfake's loader
from mmfake import MMFakeError
from mmfake.compat.checkpoints import safe_load


class Attack:
    """Unpickles to a call."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


# what the list of torch 2.1.2 lacks of the one of 2.13, as far as plain data goes
UNKNOWN_TO_TORCH_2_1 = {
    '_codecs.encode',
    'builtins.bytearray',
    'builtins.complex',
    'builtins.set',
    'collections.Counter',
    'torch.device',
}


@pytest.fixture(params=['installed torch', 'torch 2.1'])
def torch_version(request, monkeypatch):
    """Both routes of the loader; the second is the one of torches that cannot extend their list."""
    if request.param == 'torch 2.1':
        monkeypatch.setattr(torch, '__version__', '2.1.0')
        ours = _weights_only_unpickler._get_allowed_globals()
        its = {name: ours[name] for name in ours if name not in UNKNOWN_TO_TORCH_2_1}
        monkeypatch.setattr(_weights_only_unpickler, '_get_allowed_globals', lambda: its)


def saved(path, content, legacy=False):
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return str(path)


def archive_of(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b) and a.dtype == b.dtype
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b and type(a) is type(b)


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.usefixtures('torch_version')
def test_everything_that_training_writes_loads(tmp_path, legacy):
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.rand(4, 3)).sum().backward()
    optimizer.step()
    hub = MessageHub('compat')
    for value in (1.0, 2.0, 4.0):
        hub.update_scalar('train/loss', value)
    hub.update_info('best', np.float64(0.5))
    hub.update_info('dtypes', [np.int32(4), np.float32(1), np.bool_(True)])
    content = dict(
        meta=dict(epoch=3, seed=0, classes=('a', 'b'), array=np.arange(6, dtype=np.int64)),
        state_dict=model.state_dict(),
        optimizer=optimizer.state_dict(),
        message_hub=hub.state_dict(),
    )
    loaded = CheckpointLoader.load_checkpoint(saved(tmp_path / 'c.pth', content, legacy), 'cpu')
    for key in ('meta', 'state_dict', 'optimizer'):
        assert same(content[key], loaded[key])
    scalar = loaded['message_hub']['log_scalars']['train/loss']
    assert isinstance(scalar, HistoryBuffer)
    assert scalar.statistics('mean') == pytest.approx(7 / 3)
    assert loaded['message_hub']['runtime_info']['dtypes'] == [4, 1.0, True]


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.usefixtures('torch_version')
def test_plain_data_beside_tensors_loads(tmp_path, legacy):
    content = dict(
        set={'f2f', 'df'},
        bytes=b'\x00\xff',
        bytearray=bytearray(b'\x00\xff'),
        complex=1 + 2j,
        counter=Counter([4, 4, 7]),
        device=torch.device('cuda', 1),
        flags=torch.tensor([True, False]),
        pixels=torch.tensor([0, 255], dtype=torch.uint8),
    )
    assert same(safe_load(saved(tmp_path / 'plain.pth', content, legacy)), content)


SCHEDULERS = dict(
    ConstantLR={},
    CosineAnnealingLR=dict(T_max=5),
    CosineRestartLR=dict(periods=[3], eta_min=0),
    ExponentialLR=dict(gamma=0.9),
    LinearLR={},
    MultiStepLR=dict(milestones=[2]),
    OneCycleLR=dict(eta_max=1.0, total_steps=9),
    PolyLR={},
    ReduceOnPlateauLR=dict(monitor='loss'),
    StepLR=dict(step_size=2),
)


@pytest.mark.parametrize('name', SCHEDULERS)
@pytest.mark.usefixtures('torch_version')
def test_every_scheduler_of_the_host_loads(tmp_path, name):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1)
    scheduler = getattr(schedulers, name)(optimizer, **SCHEDULERS[name])
    state = scheduler.state_dict()
    loaded = safe_load(saved(tmp_path / 's.pth', state))
    assert loaded.keys() == state.keys()
    scheduler.load_state_dict(loaded)


def attacks(marker):
    function_globals = Attack(getattr, Attack(getattr, HistoryBuffer, 'mean'), '__globals__')
    return {
        'os.system': Attack(os.system, f'touch {marker}'),
        'subprocess': Attack(subprocess.check_call, ['touch', marker]),
        'eval': Attack(eval, f'open({marker!r}, "w")'),
        'getattr of a module': Attack(getattr, os, 'system'),
        'globals of an allowed function': function_globals,
        'an allowed class, another attribute': Attack(getattr, HistoryBuffer, '__init__'),
    }


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('name', attacks(''))
@pytest.mark.usefixtures('torch_version')
def test_code_in_a_checkpoint_is_refused_and_does_not_run(tmp_path, name, legacy):
    marker = str(tmp_path / 'ran')
    if name == 'getattr of a module':  # a module cannot be pickled by reference: write the opcodes
        payload = b'\x80\x02cbuiltins\ngetattr\ncos\npath\nX\x04\x00\x00\x00join\x86R.'
        path = tmp_path / 'attack.pth'
        path.write_bytes(payload)
    else:
        path = tmp_path / 'attack.pth'
        saved(path, dict(state_dict={}, extra=attacks(marker)[name]), legacy)
    with pytest.raises(MMFakeError) as error:
        load_checkpoint(torch.nn.Linear(1, 1), str(path))
    assert not os.path.exists(marker)
    assert str(path) in str(error.value)
    assert '\n' not in str(error.value)


def test_the_message_names_what_was_asked_for(tmp_path):
    path = saved(tmp_path / 'attack.pth', Attack(os.system, 'true'))
    with pytest.raises(MMFakeError, match=r'attack\.pth: refused.* asks for posix\.system'):
        safe_load(path)


@pytest.mark.parametrize(
    'content',
    [b'', b'just text', b'\x80\x02}', pickle.dumps(3)],
    ids=['empty', 'text', 'cut', 'int'],
)
@pytest.mark.usefixtures('torch_version')
def test_what_is_no_checkpoint_is_said_in_one_line(tmp_path, content):
    path = tmp_path / 'x.pth'
    path.write_bytes(content)
    with pytest.raises(MMFakeError, match='not a readable checkpoint') as error:
        CheckpointLoader.load_checkpoint(str(path))
    assert '\n' not in str(error.value)


@pytest.mark.usefixtures('torch_version')
def test_an_exported_model_is_no_checkpoint(tmp_path):
    for name, told in (('a.onnx', 'exported model, for tools/detect'), ('a.pth', 'another kind')):
        (tmp_path / name).write_bytes(b'\x08\x0a:\x00onnx')
        with pytest.raises(MMFakeError, match=told) as error:
            CheckpointLoader.load_checkpoint(str(tmp_path / name))
        assert '()' not in str(error.value)


@pytest.mark.usefixtures('torch_version')
def test_a_torchscript_archive_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.jit, 'load', None)  # older torches would hand the program to it
    torch.jit.script(torch.nn.Linear(1, 1)).save(str(tmp_path / 'x.pt'))
    with pytest.raises(MMFakeError, match=r'not a readable checkpoint.*TorchScript') as error:
        safe_load(str(tmp_path / 'x.pt'))
    assert '\n' not in str(error.value)
    assert 'NoneType' not in str(error.value)


@pytest.mark.usefixtures('torch_version')
def test_a_tar_archive_is_refused_in_one_line(tmp_path):
    """What torch wrote before 2017, and reads still, with pickles of its own."""
    with tarfile.open(tmp_path / 'x.pth', 'w') as archive:
        archive.addfile(tarfile.TarInfo('storages'))
    with pytest.raises(MMFakeError, match=r'not a readable checkpoint.*\btar\b') as error:
        safe_load(str(tmp_path / 'x.pth'))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'name', [b'collections\nCounter', b'torch._utils\n_rebuild_tensor_v2', b'torch\nSize']
)
@pytest.mark.usefixtures('torch_version')
def test_the_state_of_a_class_or_function_is_not_changed(tmp_path, name):
    """A pickle can set attributes, also of a class: for the whole process."""
    state = b'N}X\x06\x00\x00\x00updatec__builtin__\nbytearray\ns\x86b0'
    path = tmp_path / 'x.pth'
    old = zipfile.ZipFile(io.BytesIO(archive_of(dict(a=1))))
    with zipfile.ZipFile(path, 'w') as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry.endswith('data.pkl'):
                content = content[:2] + b'c' + name + b'\n' + state + content[2:]
            new.writestr(entry, content)
    with pytest.raises(MMFakeError):
        safe_load(str(path))
    assert Counter('aa')['a'] == 2


KINDS = ['uint8', 'int8', 'int16', 'int32', 'int64', 'bool']
KINDS += ['float16', 'bfloat16', 'float32', 'float64', 'complex64']


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.usefixtures('torch_version')
def test_every_kind_of_tensor_loads(tmp_path, legacy):
    content = dict(
        numbers=[torch.ones(3, dtype=getattr(torch, name)) for name in KINDS],
        shared=(torch.arange(6).view(2, 3)[:, 1:], torch.empty(0)),
        parameter=torch.nn.Parameter(torch.ones(2)),
        buffer=torch.nn.Buffer(torch.ones(2)) if hasattr(torch.nn, 'Buffer') else None,
        sub=torch.ones(2).as_subclass(torch.nn.Parameter),
    )
    loaded = safe_load(saved(tmp_path / 'x.pth', content, legacy))
    assert all(map(torch.equal, loaded['numbers'], content['numbers']))
    assert all(map(torch.equal, loaded['shared'], content['shared']))
    assert torch.equal(loaded['parameter'], content['parameter'])


@pytest.mark.usefixtures('torch_version')
def test_a_truncated_checkpoint_is_said_in_one_line(tmp_path):
    path = tmp_path / 'x.pth'
    saved(path, dict(state_dict=torch.nn.Linear(50, 50).state_dict()))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(MMFakeError, match=r'x\.pth: not a readable checkpoint'):
        CheckpointLoader.load_checkpoint(str(path))


@pytest.fixture
def archive(tmp_path):
    """A checkpoint and its bytes."""
    path = tmp_path / 'x.pth'
    saved(path, dict(state_dict=torch.nn.Linear(50, 50).state_dict()))
    return path, bytearray(path.read_bytes())


@pytest.mark.usefixtures('torch_version')
def test_a_flipped_bit_of_a_weight_is_found(archive):
    """torch does not look at the check sums of its archives."""
    path, content = archive
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    torch.load(path, weights_only=True)
    with pytest.raises(MMFakeError, match=r'x\.pth: damaged, the check sum of x/data/\d') as error:
        CheckpointLoader.load_checkpoint(str(path))
    assert '\n' not in str(error.value)
    with pytest.raises(MMFakeError, match='s3://x: damaged'):
        safe_load(io.BytesIO(content), name='s3://x')


@pytest.mark.parametrize('legacy', [False, True])
def test_the_hash_in_a_name_is_that_of_the_file(tmp_path, legacy):
    path = tmp_path / 'x.pth'
    content = Path(saved(path, dict(a=torch.ones(3)), legacy)).read_bytes()
    named = hashlib.sha256(content).hexdigest()[:8]
    for name in (f'b-{named}.pth', 'c.pth', 'd-20220906.pth', 'e-abcdefg1.pth', 'f-0123.pth'):
        (tmp_path / name).write_bytes(content)
        assert torch.equal(safe_load(str(tmp_path / name))['a'], torch.ones(3))
    (tmp_path / 'b-deadbeef.pth').write_bytes(content)
    told = f'b-deadbeef.pth: damaged, or changed: its SHA-256 begins with {named}, its name says'
    with pytest.raises(MMFakeError, match=told):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'b-deadbeef.pth'))


class OfAnotherProject:
    """A class that another project saves in its checkpoints."""


@pytest.mark.usefixtures('torch_version')
def test_another_projects_class_is_refused_by_name(tmp_path):
    """The loader serves the whole process; it says who refuses what, and how to allow it."""
    path = saved(tmp_path / 'theirs.pth', dict(state_dict={}, tracker=OfAnotherProject()))
    told = (
        r'theirs\.pth: refused by mmfake.*OfAnotherProject.*torch\.serialization\.add_safe_globals'
    )
    with pytest.raises(MMFakeError, match=told) as error:
        CheckpointLoader.load_checkpoint(path)
    assert '\n' not in str(error.value)


@pytest.mark.skipif(not hasattr(torch.serialization, 'safe_globals'), reason='torch before 2.5')
@pytest.mark.usefixtures('torch_version')
def test_another_projects_class_that_the_user_allows_loads(tmp_path):
    path = saved(tmp_path / 'theirs.pth', dict(state_dict={}, tracker=OfAnotherProject()))
    with torch.serialization.safe_globals([OfAnotherProject]):
        loaded = CheckpointLoader.load_checkpoint(path)
    assert isinstance(loaded['tracker'], OfAnotherProject)


def test_an_address_that_does_not_answer_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(MMFakeError, match=r'127.0.0.1:9/x\.pth: cannot be downloaded') as error:
        CheckpointLoader.load_checkpoint('http://127.0.0.1:9/x.pth')
    assert '\n' not in str(error.value)


def test_the_config_text_that_resume_would_execute_is_dropped(tmp_path):
    """Runner.resume runs ``Config.fromstring(checkpoint['meta']['config'])``, which is Python."""
    meta = dict(config='import os', epoch=1)
    loaded = CheckpointLoader.load_checkpoint(saved(tmp_path / 'x.pth', dict(meta=meta)))
    assert loaded['meta'] == dict(epoch=1)


def test_a_missing_file_is_said_in_one_line():
    with pytest.raises(MMFakeError, match=r'nowhere\.pth: no such checkpoint file'):
        CheckpointLoader.load_checkpoint('nowhere.pth')


def test_a_download_is_loaded_safely(tmp_path, monkeypatch):
    def download(url, path, progress):
        saved(path, Attack(os.system, 'true'))

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(MMFakeError, match='refused'):
        CheckpointLoader.load_checkpoint('https://example.invalid/weights.pth')


def test_an_object_store_is_loaded_safely(monkeypatch):
    content = archive_of(Attack(os.system, 'true'))
    monkeypatch.setattr('mmengine.fileio.get', lambda *args, **kwargs: content)
    with pytest.raises(MMFakeError, match='s3://bucket/x.pth: refused'):
        CheckpointLoader.load_checkpoint('s3://bucket/x.pth')


def test_threads_load_one_after_the_other(tmp_path, monkeypatch):
    """What torch allows is one list of the process: who ends first would take it away."""
    torch.save(dict(log=HistoryBuffer([1.0], [1])), tmp_path / 'a.pth')
    inside, seen, load = [], [], torch.load

    def slow(*args, **kwargs):
        inside.append(1)
        seen.append(len(inside))
        time.sleep(0.02)
        inside.pop()
        return load(*args, **kwargs)

    monkeypatch.setattr(torch, 'load', slow)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(safe_load, 3 * [str(tmp_path / 'a.pth')]))
    assert [one['log'].current() for one in found] == [1.0] * 3
    assert seen == [1, 1, 1]
