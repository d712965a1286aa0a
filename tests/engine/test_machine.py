"""What a run asks of its machine: cores, GPUs, deterministic algorithms, the process group."""

import datetime
import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dist import init_dist

import mmfake.register  # noqa: F401 - lets launchers start on a CPU
from mmfake import MMFakeError
from mmfake.apis.run import build_runner, check_launcher, mistakes_told
from mmfake.engine import machine

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture
def environment(monkeypatch):
    """The variables of launchers, set as given and otherwise absent."""
    names = ('LOCAL_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_SIZE', 'SLURM_CPUS_PER_TASK')
    for name in names:
        monkeypatch.delenv(name, raising=False)

    def set_all(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.fixture
def gpus(monkeypatch):
    """Pretend that there are so many."""

    def pretend(count):
        monkeypatch.setattr('torch.cuda.is_available', lambda: count > 0)
        monkeypatch.setattr('torch.cuda.device_count', lambda: count)

    return pretend


@pytest.mark.parametrize(
    ('cores', 'variables', 'workers'),
    [
        (2, {}, 2),
        (64, {}, 16),
        (64, dict(LOCAL_WORLD_SIZE='8'), 8),
        (64, dict(OMPI_COMM_WORLD_LOCAL_SIZE='32'), 2),
        (4, dict(LOCAL_WORLD_SIZE='8'), 1),
        # Slurm has bound the task to its cores, or has not
        (12, dict(SLURM_CPUS_PER_TASK='12'), 12),
        (128, dict(SLURM_CPUS_PER_TASK='5'), 5),
        # torchrun is the one task of a job
        (40, dict(SLURM_CPUS_PER_TASK='40', LOCAL_WORLD_SIZE='4'), 10),
    ],
)
def test_workers_are_shared_out_among_the_processes(
    cores, variables, workers, environment, monkeypatch
):
    environment(**variables)
    monkeypatch.setattr('os.sched_getaffinity', lambda process: range(cores), raising=False)
    assert machine.loader_workers(16) == workers
    cfg = Config.fromfile(CONFIGS / 'mtl' / 'bin_ce_holdout_df.py')
    found = [cfg[f'{split}_dataloader'].num_workers for split in ('train', 'val', 'test')]
    assert found == [workers, min(8, workers), workers]


def test_the_config_of_a_machine_can_be_dumped(tmp_path):
    cfg = Config.fromfile(CONFIGS / 'mtl' / 'bin_ce_holdout_df.py')
    cfg.dump(tmp_path / 'dumped.py')
    assert Config.fromfile(tmp_path / 'dumped.py').to_dict() == cfg.to_dict()


@pytest.mark.parametrize(
    ('launcher', 'variable'),
    [
        ('pytorch', 'LOCAL_RANK'),
        ('slurm', 'SLURM_LOCALID'),
        ('mpi', 'OMPI_COMM_WORLD_LOCAL_RANK'),
    ],
)
def test_a_process_without_a_gpu_of_its_own_is_refused(launcher, variable, gpus, monkeypatch):
    for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_PORT', 'MASTER_ADDR'):
        monkeypatch.setenv(name, '2')
    for name in ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_NODELIST'):
        monkeypatch.setenv(name, '2')
    for name in ('RANK', 'SIZE', 'LOCAL_RANK'):
        monkeypatch.setenv(f'OMPI_COMM_WORLD_{name}', '2')
    monkeypatch.setenv(variable, '2')
    for count in (0, 3):  # on the CPU, and with enough
        gpus(count)
        check_launcher(launcher)
    gpus(2)
    with pytest.raises(MMFakeError, match='process 3 of this machine sees 2 GPUs.* at most 2'):
        check_launcher(launcher)


@pytest.mark.parametrize(
    ('settings', 'count', 'told'),
    [
        (dict(compile=True), 1, 'compile=True: .* default_hooks.accelerator.compile=True'),
        (dict(compile=dict(mode='default')), 1, 'anew for each set of labels'),
        (dict(sync_bn='torhc'), 1, "sync_bn='torhc' is unknown"),
        (dict(sync_bn='torch', launcher='pytorch'), 0, 'sync_bn=torch needs GPUs'),
        (dict(sync_bn='mmcv', launcher='slurm'), 1, 'needs the full mmcv.*sync_bn=torch'),
        (dict(compile=False, sync_bn='torch', launcher='pytorch'), 1, None),
        (dict(sync_bn='mmcv', launcher='none'), 0, None),
    ],
)
def test_what_the_machine_cannot_do_is_told(settings, count, told, gpus, monkeypatch):
    gpus(count)
    monkeypatch.setattr('mmengine.model.utils.mmcv_full_available', lambda: False)
    if told is None:
        machine.check_abilities(Config(settings), trains=True)
    else:
        with pytest.raises(MMFakeError, match=told):
            machine.check_abilities(Config(settings), trains=True)


def test_a_test_on_the_cpu_takes_the_config_of_a_training_on_gpus(gpus):
    gpus(0)
    settings = dict(sync_bn='torch', launcher='pytorch', compile=True)
    machine.check_abilities(Config(settings), trains=False)


def test_what_cublas_asks_for_is_set_before_a_runner_is_built(monkeypatch):
    seen = []

    def stop_here(cfg):
        seen.append(os.environ.get('CUBLAS_WORKSPACE_CONFIG'))

    monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG', raising=False)
    monkeypatch.setattr('mmfake.apis.run.RUNNERS.build', stop_here)
    for deterministic in (False, True):
        cfg = Config(dict(randomness=dict(deterministic=deterministic), runner_type='x'))
        with pytest.raises(AttributeError):
            build_runner(cfg)
    assert seen == [None, ':4096:8']
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', ':16:8')  # the user's own
    machine.prepare_determinism(cfg)
    assert os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':16:8'


@pytest.mark.parametrize(
    ('said', 'told'),
    [
        (
            'max_pool3d_with_indices_backward_cuda does not have a deterministic implementation, '
            "but you set 'torch.use_deterministic_algorithms(True)'. You can turn off ...",
            f'torch {torch.__version__} has no deterministic max_pool3d_with_indices_backward_cuda',
        ),
        (
            'Deterministic behavior was enabled with either `torch.use_deterministic_algorithms('
            'True)`, but this operation is not deterministic because it uses CuBLAS and you have '
            'CUDA >= 10.2. To enable it, set CUBLAS_WORKSPACE_CONFIG=:4096:8',
            "CUBLAS_WORKSPACE_CONFIG is ':0:0'; set it to :4096:8",
        ),
    ],
)
def test_what_is_not_deterministic_is_told_in_one_line(said, told, monkeypatch):
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', ':0:0')
    with pytest.raises(MMFakeError) as caught, mistakes_told(Config(), ''):
        raise RuntimeError(said)
    assert str(caught.value).startswith('--deterministic: ')
    assert told in str(caught.value)
    with pytest.raises(RuntimeError, match='something else'), mistakes_told(Config(), ''):
        raise RuntimeError('something else')


def test_the_processes_wait_longer_than_a_loader_may(monkeypatch):
    """The number of the config reaches torch as a timedelta."""
    cfg = Config.fromfile(CONFIGS / '_base_' / 'default_runtime.py')
    given = {}
    for name in ('RANK', 'LOCAL_RANK'):
        monkeypatch.setenv(name, '0')
    monkeypatch.setattr('torch.cuda.set_device', lambda device: None)
    monkeypatch.setattr(
        'torch.distributed.init_process_group', lambda **kwargs: given.update(kwargs)
    )
    init_dist('pytorch', **cfg.env_cfg.dist_cfg)
    loader = datetime.timedelta(seconds=cfg.default_hooks.unreadable_videos.loader_timeout)
    assert given['timeout'] == datetime.timedelta(hours=1) > 2 * loader
