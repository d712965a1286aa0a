"""Fixtures shared by the whole suite; it imports nothing that takes long."""

import importlib.util
import json
import os
import resource
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

os.environ.setdefault('OMP_NUM_THREADS', '1')  # before torch is imported, for all processes
# A suite started in the background inherits that Ctrl-C is ignored, and would hand that on to the
# commands whose reaction to it is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _default_scope():
    """What the Runner and init_recognizer do before they build anything."""
    if 'mmaction' in sys.modules:
        from mmengine.registry import init_default_scope

        init_default_scope('mmaction')


@pytest.fixture(autouse=True)
def _no_earlier_run():
    """A log keeps the warnings of the run that another test began, and metrics report them."""
    if 'mmengine.logging' in sys.modules:
        from mmengine.logging import MMLogger

        MMLogger.get_current_instance().filters.clear()


@pytest.fixture
def make_samples():
    """A factory of data samples as the pipeline packs them."""
    from mmaction.structures import ActionDataSample

    def make(label_bin, label_multi=None, unreadable=()):
        samples = []
        for index, label in enumerate(label_bin):
            sample = ActionDataSample().set_gt_label(label)
            sample.set_field(label, 'label_bin')
            sample.set_field(label if label_multi is None else label_multi[index], 'label_multi')
            sample.set_field(index, 'sample_idx')
            meta = dict(video_id=f'ffpp/x/c23/{index:03d}', method='x', filename=f'{index}.mp4')
            if index in unreadable:
                meta['unreadable'] = 'no frame'
            sample.set_metainfo(meta)
            samples.append(sample)
        return samples

    return make


@pytest.fixture
def largest_file():
    """A disk that is full: let no file grow beyond so many bytes, ``with largest_file(9000):``."""

    @contextmanager
    def limit(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)

    return limit


@pytest.fixture(scope='session')
def tool():
    """The module of a command, by name: ``tool('train').main([...])`` runs it in this process."""

    def load(name):
        spec = importlib.util.spec_from_file_location(f'tool_{name}', ROOT / 'tools' / f'{name}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope='session')
def fork_server():
    """Start fork_server.py: after ``run = fork_server(env)``, ``run(orders)`` gives exit codes."""
    servers = []

    def start(env):
        script = Path(__file__).with_name('fork_server.py')
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        server = subprocess.Popen([sys.executable, script], env=env, **pipes)
        servers.append(server)

        def run(orders, timeout=None):
            server.stdin.write(json.dumps(orders).encode() + b'\n')
            server.stdin.flush()
            children = json.loads(server.stdout.readline())
            late = not select.select([server.stdout], [], [], timeout)[0]
            if late:
                for child in children:
                    os.kill(child, signal.SIGKILL)
            codes = json.loads(server.stdout.readline())
            if late:
                raise subprocess.TimeoutExpired(orders[0]['words'], timeout)
            return codes

        return run

    yield start
    for server in servers:
        # said and not only closed: what this process has forked may hold the pipe open
        server.communicate(b'end\n', timeout=60)
        assert server.returncode == 0


@pytest.fixture(scope='session')
def forked(tmp_path_factory, fork_server):
    """Run a Python script as ``subprocess.run`` does, in a fork of a process that has imported."""
    folder, servers = tmp_path_factory.mktemp('forked'), []

    def run(words, cwd, env, timeout):
        if not servers:
            servers.append(fork_server(env))
        out = {name: folder / name for name in ('stdout', 'stderr')}
        for path in out.values():
            path.unlink(missing_ok=True)
        order = dict(words=words, cwd=str(cwd), env=env)
        order.update({name: str(path) for name, path in out.items()})
        (code,) = servers[0]([order], timeout)
        texts = {name: path.read_text() for name, path in out.items()}
        return subprocess.CompletedProcess(words, code, **texts)

    return run


@pytest.fixture(scope='session')
def command(tmp_path_factory, forked):
    """Run a command line in an empty folder, as a user would, with this environment's Python.

    ``python SCRIPT ...`` is run in a fork of a process that has imported everything, unless it is
    asked for a process of its own: ``fresh=True``.
    """
    folder = tmp_path_factory.mktemp('commands')

    def run(*words, cwd=folder, timeout=240, fresh=False):
        words = [str(word) for word in words]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
        environment = dict(os.environ, OMP_NUM_THREADS='1', PATH=path)
        environment.pop('PYTHONPATH', None)
        if words[0] == 'python':
            if words[1].endswith('.py') and not fresh and hasattr(os, 'fork'):
                return forked(words[1:], cwd, environment, timeout)
            words[0] = sys.executable
        return subprocess.run(
            words, cwd=cwd, env=environment, timeout=timeout, capture_output=True, text=True
        )

    return run


@pytest.fixture(scope='session')
def tiny_tree(tmp_path_factory, command):
    """A rendered FF++ tree of four pairs: two train, one validates, one tests."""
    out = tmp_path_factory.mktemp('tiny') / 'ffpp'
    script = ROOT / 'data_prep' / 'make_mini_ffpp.py'
    options = ['--pairs', '4', '--frames', '12', '--size', '64', '--jobs', '2']
    done = command('python', script, '--out', out, *options, fresh=True)
    assert done.returncode == 0, done.stderr
    return out


SMALL_LOADER = dict(batch_size=4, num_workers=0, persistent_workers=False)


@pytest.fixture(scope='session')
def smoke(tmp_path_factory, tiny_tree):
    """A scale of seconds: one epoch of tiny clips, no workers."""
    path = tmp_path_factory.mktemp('scale') / 'smoke.py'
    path.write_text(
        f'data_root = {str(tiny_tree)!r}\n'
        'clip_size = dict(clip_len=8, image_size=32)\n'
        "custom_hooks = [dict(type='mmfake.LabelMoCoHook', queue_size=16)]\n"
        f'train_dataloader = val_dataloader = test_dataloader = {SMALL_LOADER}\n'
        'train_cfg = dict(max_epochs=1)\n'
        'default_hooks = dict(logger=dict(interval=1))\n'
    )
    return path


@pytest.fixture(scope='session')
def tiny_encoder(tmp_path_factory, smoke):
    """The same for ``bin_multi_con``, with an encoder of mmaction2's in place of S3D."""
    path = tmp_path_factory.mktemp('scale') / 'tiny_encoder.py'
    path.write_text(f"""
_base_ = {str(smoke)!r}
head = dict(in_channels=32)
model = dict(
    backbone=dict(
        _delete_=True, type='ResNet3d', depth=18, pretrained=None, pretrained2d=False,
        base_channels=4,
    ),
    binary=dict(cls_head=head, contrastive_head=head),
    multi=dict(contrastive_head=head),
)
""")
    return path
