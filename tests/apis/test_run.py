"""Checks at the start of a run, its lock, and its end on a full disk."""

import errno
import logging
import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import HOOKS
from torch import nn

from mmfake import MMFakeError
from mmfake.apis.run import (
    check_config,
    check_launcher,
    make_work_dir,
    mistakes_told,
    work_dir_lock,
)

FULL = os.strerror(errno.EFBIG)


@pytest.fixture
def log(tmp_path, request):
    """The log of a run, in a file."""
    path = tmp_path / 'run.log'
    yield MMLogger.get_instance(request.node.name, log_file=str(path)), path
    del MMLogger._instance_dict[request.node.name]


@pytest.fixture
def told(tmp_path):
    """The block that is told of in one line, for a run in ``tmp_path``."""
    return mistakes_told(Config(dict(work_dir=str(tmp_path))), 'make room')


# launcher


@pytest.mark.parametrize('launcher', ['pytorch', 'slurm', 'mpi'])
def test_a_launcher_that_did_not_start_it(launcher):
    with pytest.raises(MMFakeError, match=f'--launcher {launcher}: the environment has no valid'):
        check_launcher(launcher)


def test_without_a_launcher_nothing_is_asked_for():
    check_launcher('none')


# config


def stream(contrastive):
    return dict(cls_head=dict(), **(dict(contrastive_head=dict(x=1)) if contrastive else {}))


@pytest.mark.parametrize(
    ('model', 'head'),
    [
        (dict(binary=stream(True), multi=stream(False)), 'model.binary.contrastive_head'),
        (dict(binary=stream(False), multi=stream(True)), 'model.multi.contrastive_head'),
        (
            dict(binary=stream(False), streams=dict(age=stream(True))),
            'model.streams.age.contrastive_head',
        ),
    ],
)
def test_a_contrastive_head_of_any_stream_needs_the_hook(model, head):
    cfg = Config(dict(model=model, custom_hooks=[dict(type='mmfake.LabelMoCoHook')]))
    check_config(cfg, [])
    cfg.custom_hooks = []
    with pytest.raises(
        MMFakeError, match=f'^{head} has a ContrastiveHead, but custom_hooks has no'
    ):
        check_config(cfg, [])


def test_the_hook_needs_a_contrastive_head():
    hooks = [dict(type='mmfake.LabelMoCoHook')]
    cfg = Config(dict(model=dict(binary=stream(False), streams=None), custom_hooks=hooks))
    with pytest.raises(MMFakeError, match='no stream of the model has a ContrastiveHead'):
        check_config(cfg, [])


@pytest.mark.parametrize(
    ('cfg', 'reason'),
    [
        (dict(), 'the config has no model'),
        (dict(model={}), 'the config has no x_dataloader'),
        (dict(model={}, x_dataloader=3), 'x_dataloader of the config is 3, and has to be a dict'),
        (dict(model={}, x_dataloader={}, load_from='no.pth'), 'no.pth: no such checkpoint file'),
        (dict(model={}, x_dataloader={}, load_from='x.onnx'), 'x.onnx is an exported model, for'),
    ],
)
def test_a_config_that_is_no_run(cfg, reason):
    with pytest.raises(MMFakeError, match=f'^{reason}'):
        check_config(Config(cfg), ['x_dataloader'])


@pytest.mark.parametrize(
    ('paramwise', 'told'),
    [
        (
            dict(custom_keyz=dict()),
            ' of the config: nothing reads custom_keyz; did you mean',
        ),
        (dict(lr=3), ' of the config: nothing reads lr; there are custom_keys, bias_lr_mult,'),
        (
            dict(custom_keys=dict(backbone=dict(lr_mul=0.1))),
            r'\.custom_keys\.backbone of the config: nothing reads lr_mul; did you mean lr_mult',
        ),
        (
            dict(custom_keys=dict(backbone=0.1)),
            r'\.custom_keys\.backbone of the config is 0.1, and',
        ),
        (dict(custom_keys=['backbone']), r"\.custom_keys of the config is \['backbone'\], and"),
        (0.1, ' of the config is 0.1, and has to be a dict'),
    ],
)
def test_a_key_of_paramwise_cfg_that_nobody_reads(paramwise, told):
    cfg = Config(dict(model={}, optim_wrapper=dict(paramwise_cfg=paramwise)))
    with pytest.raises(MMFakeError, match=f'^optim_wrapper.paramwise_cfg{told}'):
        check_config(cfg, [])
    cfg.optim_wrapper.constructor = 'MyOwn'  # reads what it likes
    check_config(cfg, [])


@pytest.mark.parametrize(
    'paramwise', [None, dict(custom_keys=dict(a=dict(lr_mult=1, betas=(0, 1))), norm_decay_mult=0)]
)
def test_a_key_of_paramwise_cfg_that_mmengine_reads(paramwise):
    check_config(Config(dict(model={}, optim_wrapper=dict(paramwise_cfg=paramwise))), [])


# work dir


def test_the_folder_is_made_and_nothing_else(tmp_path):
    for _ in range(2):  # it may exist
        make_work_dir(str(tmp_path / 'a' / 'b'))
        assert not list((tmp_path / 'a' / 'b').iterdir())


@pytest.mark.parametrize('below', ['', '/x', '/x/y'])
def test_a_file_is_no_place_for_a_folder(tmp_path, below):
    (tmp_path / 'file').touch()
    with pytest.raises(MMFakeError, match=f'^.*file{below}: a work dir cannot be made') as error:
        make_work_dir(f'{tmp_path}/file{below}')
    assert 'another with --work-dir' in str(error.value)


def test_a_folder_that_takes_no_files():
    with pytest.raises(MMFakeError, match='^/proc: a work dir cannot be made or written to'):
        make_work_dir('/proc')


def locked_elsewhere(folder, **variables):
    """Whether another process may not take the lock."""
    child = os.fork()
    if not child:
        os.environ.update(variables)
        try:
            with work_dir_lock(str(folder)):
                os._exit(0)
        except MMFakeError as error:
            os._exit(1 if 'another training is running in this work dir' in str(error) else 2)
    _, status = os.waitpid(child, 0)
    return [False, True][os.WEXITSTATUS(status)]


def test_the_lock_is_one_of_rank_0(tmp_path):
    with work_dir_lock(str(tmp_path)):
        assert locked_elsewhere(tmp_path)
        assert not locked_elsewhere(tmp_path, RANK='1')
    assert not locked_elsewhere(tmp_path)


def test_a_file_system_without_locks_is_none_the_worse(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr('mmfake.apis.run.fcntl.lockf', refuse)
    with work_dir_lock(str(tmp_path)):
        pass


# mistakes


def test_what_is_built_by_no_config_keeps_its_traceback(told):
    with pytest.raises(KeyError), told:
        {}['x']


def test_a_type_that_is_nearly_right(tmp_path):
    cfg = Config(dict(work_dir=str(tmp_path), hooks=[dict(type='LoggerHok')]))
    match = '^hooks.0 of the config: KeyError: .*mean LoggerHook'
    with pytest.raises(MMFakeError, match=match), mistakes_told(cfg, ''):
        HOOKS.build(cfg.hooks[0])


def test_a_hook_without_a_type_is_named(tmp_path):
    cfg = Config(dict(default_hooks=dict(checkpoint=dict(type='x'), chekpoint=dict(interval=2))))
    with pytest.raises(MMFakeError) as error, mistakes_told(cfg, ''):
        HOOKS.build(cfg.default_hooks.chekpoint)
    told = 'default_hooks.chekpoint of the config has no type; did you mean checkpoint?'
    assert str(error.value) == told


class Detector(nn.Module):
    def __init__(self, backbone, head):
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, x):
        return self.head(self.backbone(x).mean((2, 3, 4)))


@pytest.mark.parametrize('part', [nn.MaxPool3d(9), nn.Conv3d(3, 8, 9)])
def test_clips_that_an_encoder_cannot_take(told, part):
    small = torch.zeros(1, 3, 8, 8, 8)
    kind = 'Sequential cannot take clips of this size: .*Give it the clip length'
    with pytest.raises(MMFakeError, match=kind) as error, told:
        Detector(nn.Sequential(part), nn.Linear(3, 2))(small)
    assert '\n' not in str(error.value)


def test_what_happens_behind_an_encoder_keeps_its_traceback(told):
    with pytest.raises(RuntimeError, match='cannot be multiplied'), told:
        Detector(nn.Sequential(nn.Conv3d(3, 8, 1)), nn.Linear(3, 2))(torch.zeros(1, 3, 8, 8, 8))


def test_a_full_disk_is_told_once(told, tmp_path, largest_file):
    with pytest.raises(MMFakeError) as error, largest_file(100), told:
        (tmp_path / 'x').write_text('x' * 200)
    assert str(error.value) == f'{tmp_path}: the disk is full ({FULL}); make room'


def test_other_errors_are_left_as_they_are(told, tmp_path):
    with pytest.raises(FileNotFoundError), told:
        Path(tmp_path, 'absent').read_text()


def test_a_log_that_could_not_be_written_is_told_once(told, log, largest_file, capfd):
    logger, path = log
    before = logging.raiseExceptions
    with pytest.raises(MMFakeError, match=f'the disk is full .{FULL}.; make room'):  # noqa: SIM117
        with largest_file(100), told:
            logger.info('a line of a log\n' * 20)
    assert 'Logging error' not in capfd.readouterr().err
    assert path.stat().st_size == 100
    assert logging.raiseExceptions == before


def test_a_log_is_made_up_for_when_there_is_room_again(told, log, largest_file):
    logger, path = log
    with told, largest_file(100):
        for number in range(20):
            logger.info(f'line {number}.')
    text = path.read_text()
    assert all(text.count(f'line {number}.') == 1 for number in range(20))
