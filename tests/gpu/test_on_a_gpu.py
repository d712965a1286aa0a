"""The shipped configs on a real GPU (G1 to G8); without one, each test is skipped with the reason.

On a machine with a GPU: ``python -m pytest -m gpu -x`` takes some minutes.
"""

import copy
import socket
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfake.apis.train import set_training_options
from mmfake.engine.config import load_config

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU, and there is none'),
]
ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'configs' / 'mtl'
CONTRASTIVE = CONFIGS / 'bin_multi_con_holdout_f2f.py'
REGIMES = ['baseline_s3d', 'bin_ce', 'bin_multi_ce', 'bin_ce_con', 'bin_con', 'bin_multi_con']


def free_port():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return str(server.getsockname()[1])


@pytest.fixture
def train(command, smoke, tmp_path):
    """Train S3D as a user does, in a process of its own; gives its checkpoint and what it said."""

    def run(name, *options, config=CONTRASTIVE, epochs=1):
        words = ['--scale', smoke, '--work-dir', tmp_path / name, *options]
        words += ['--cfg-options', f'train_cfg.max_epochs={epochs}']
        done = command('python', ROOT / 'tools' / 'train.py', config, *words, fresh=True)
        assert done.returncode == 0, done.stderr[-3000:]
        path = tmp_path / name / f'epoch_{epochs}.pth'
        return torch.load(path, map_location='cpu', weights_only=False), done.stdout

    return run


def assert_same(found, expected):
    """Bit for bit: weights, key encoder and queues."""
    for part in ('state_dict', 'label_moco'):
        pairs = zip(flat(found[part]), flat(expected[part]))
        wrong = [name for (name, one), (_, other) in pairs if not torch.equal(one, other)]
        assert wrong == [], part


def flat(node, name=''):
    if isinstance(node, dict):
        for key, value in node.items():
            yield from flat(value, f'{name}.{key}')
    elif isinstance(node, torch.Tensor):
        yield name, node


def test_g1_the_gpu_computes():
    print(torch.__version__, torch.cuda.get_device_name(), torch.backends.cudnn.version())
    x = torch.rand(2, 3, 8, 32, 32, device='cuda')
    assert torch.nn.Conv3d(3, 4, 3).cuda()(x).isfinite().all()


@pytest.fixture
def exact_float32():
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [flag.allow_tf32 for flag in flags]
    for flag in flags:
        flag.allow_tf32 = False
    yield
    for flag, value in zip(flags, before):
        flag.allow_tf32 = value


@pytest.mark.parametrize('regime', REGIMES)
def test_g2_gpu_and_cpu_agree(regime, smoke, make_samples, exact_float32):
    """Losses and gradients of a batch, without TF32 and dropout."""
    from mmaction.registry import MODELS

    cfg = load_config(str(CONFIGS / f'{regime}_holdout_f2f.py'), str(smoke))
    cfg.model.backbone.init_cfg = dict(type='Kaiming', layer='Conv3d')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for head in model.modules():
        if isinstance(head, torch.nn.Dropout):
            head.p = 0.0
    labels = [0, 1, 0, 1]
    samples = make_samples(labels, [0, 1, 0, 3])
    clips = [torch.randint(256, (1, 3, 8, 64, 64), dtype=torch.uint8) for _ in labels]
    found = []
    for device in ('cpu', 'cuda'):
        copied = copy.deepcopy(model).to(device).train()
        hook_queues(copied, device)
        batch = copied.data_preprocessor(dict(inputs=clips, data_samples=samples), True)
        losses = copied(**batch, mode='loss')
        total, logs = copied.parse_losses(losses)
        total.backward()
        gradient = copied.backbone.Mixed_5c.branch0[0].conv.weight.grad.cpu()
        found.append(({key: float(value) for key, value in logs.items()}, gradient))
    (logs, gradient), (logs_gpu, gradient_gpu) = found
    assert logs_gpu == pytest.approx(logs, rel=1e-3, abs=1e-4, nan_ok=True)
    torch.testing.assert_close(gradient_gpu, gradient, rtol=0.01, atol=0.01 * gradient.std())


def hook_queues(model, device):
    """What LabelMoCoHook gives a contrastive head: eight keys of two labels."""
    from mmfake.models.labelled_queue import LabelledQueue

    generator = torch.Generator().manual_seed(1)
    for name, stream in model.streams.items():
        if stream.contrastive_head is None:
            continue
        queue = LabelledQueue(8, stream.contrastive_head.out_channels, torch.device(device), False)
        keys = torch.randn(8, stream.contrastive_head.out_channels, generator=generator)
        keys = torch.nn.functional.normalize(keys).to(device)
        queue.enqueue(keys, torch.tensor([0, 1] * 4, device=device), keys.new_zeros(8).long())
        model.attach_queues({name: queue})


@pytest.mark.parametrize('regime', REGIMES)
def test_g3_each_regime_trains(regime, train):
    checkpoint, said = train(regime, config=CONFIGS / f'{regime}_holdout_f2f.py')
    assert all(value.isfinite().all() for _, value in flat(checkpoint['state_dict']))
    assert 'memory: ' in said  # mmengine's column, on a GPU alone


def test_g4_deterministic_runs_are_equal_and_resume_exactly(train):
    expected, _ = train('first', '--deterministic', epochs=2)
    again, _ = train('again', '--deterministic', epochs=2)
    assert_same(again, expected)
    train('killed', '--deterministic', epochs=1)
    resumed, _ = train('killed', '--deterministic', '--resume', epochs=2)
    assert_same(resumed, expected)


def test_g5_mixed_precision_and_its_resume(train):
    half, _ = train('half', '--amp', epochs=1)
    assert half['optimizer']['loss_scaler']['scale'] > 0
    resumed, _ = train('half', '--amp', '--resume', epochs=2)
    scaler = resumed['optimizer']['loss_scaler']
    assert scaler['scale'] <= half['optimizer']['loss_scaler']['scale'] * 2
    if torch.cuda.is_bf16_supported():
        brain, _ = train('brain', '--amp', 'bfloat16')
        assert brain['optimizer']['loss_scaler'] == {}
        assert {value.dtype for _, value in flat(brain['state_dict'])} >= {torch.float32}
        assert torch.bfloat16 not in {value.dtype for _, value in flat(brain['state_dict'])}


@pytest.fixture
def distributed(command, smoke, tmp_path, monkeypatch):
    """Train with nccl, SyncBN and one process; gives the checkpoint."""
    monkeypatch.setenv('PORT', free_port())
    words = [ROOT / 'tools' / 'dist_train.sh', CONTRASTIVE, 1, '--scale', smoke]
    words += ['--work-dir', tmp_path / 'nccl', '--cfg-options', 'sync_bn=torch']
    done = command('bash', *words)
    assert done.returncode == 0, done.stderr[-3000:]
    return tmp_path / 'nccl' / 'epoch_1.pth'


def test_g6_more_processes_than_gpus_are_refused(command, monkeypatch):
    monkeypatch.setenv('PORT', free_port())
    gpus = torch.cuda.device_count()
    done = command('bash', ROOT / 'tools' / 'dist_train.sh', CONTRASTIVE, gpus + 1)
    assert done.returncode == 2
    assert done.stderr.startswith(f'error: N={gpus + 1}: this machine has {gpus} GPU')
    assert len(done.stderr.splitlines()) == 1


def test_g6_g7_nccl_and_the_scores_of_gpu_and_cpu(
    distributed, command, smoke, tiny_tree, tmp_path, monkeypatch
):
    options = ['--scale', smoke]
    monkeypatch.setenv('PORT', free_port())
    words = [CONTRASTIVE, distributed, 1, *options, '--work-dir', tmp_path / 'test']
    done = command('bash', ROOT / 'tools' / 'dist_test.sh', *words)
    assert done.returncode == 0, done.stderr[-3000:]

    video = next(tiny_tree.glob('manipulated_sequences/Face2Face/c23/videos/*.mp4'))
    scores = []
    for device in ('cuda', 'cpu'):
        words = [video, '--config', CONTRASTIVE, '--checkpoint', distributed, *options]
        words += ['--no-face', '--device', device, '--out', tmp_path / device]
        done = command('python', ROOT / 'tools' / 'detect.py', *words, fresh=True)
        assert done.returncode == 0, done.stderr[-3000:]
        scores.append(pd.read_csv(tmp_path / device / 'results.csv')['probability'][0])
    assert scores[0] == pytest.approx(scores[1], abs=2e-3)


class Stops(Hook):
    """Counts where the host stops for the GPU, in iterations 5 to 7."""

    priority = 'VERY_HIGH'

    def __init__(self):
        self.places, self.seen = None, []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 4:
            self.catcher = warnings.catch_warnings(record=True)
            self.seen = self.catcher.__enter__()
            warnings.simplefilter('always')
            torch.cuda.set_sync_debug_mode('warn')
        if runner.iter == 7:
            torch.cuda.set_sync_debug_mode('default')
            self.catcher.__exit__(None, None, None)
            stops = [one for one in self.seen if 'synchroniz' in str(one.message)]
            self.places = [f'{one.filename}:{one.lineno}' for one in stops]


@pytest.mark.parametrize(('regime', 'most'), [('bin_multi_ce', 10), ('bin_multi_con', 20)])
def test_g8_stops_of_the_host(regime, most, smoke, tmp_path):
    """At most so many in an iteration; where they are, the message says."""
    cfg = load_config(
        str(CONFIGS / f'{regime}_holdout_f2f.py'), str(smoke), work_dir=str(tmp_path / regime)
    )
    set_training_options(cfg, validate=False)
    cfg.train_cfg.max_epochs = 2  # of four iterations
    cfg.default_hooks.logger.interval = 100
    cfg.experiment_name = f'stops_{regime}'
    runner, stops = Runner.from_cfg(cfg), Stops()
    runner.register_hook(stops)
    runner.train()
    places, counts = np.unique(stops.places, return_counts=True)
    assert len(stops.places) / 3 <= most, dict(zip(places, counts))
