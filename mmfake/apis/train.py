"""Training: what ``tools/train.py`` does with its options."""

from __future__ import annotations

import logging
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional, Union

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..console import process_rank
from ..engine.checkpoint_files import explain_misfits
from ..engine.config import options_fit
from ..engine.loaders import check_agreement, fit_workers
from ..engine.machine import has_bfloat16
from ..engine.monitors import told_of_schedule
from ..engine.run_log import repeat_warnings
from ..errors import MMFakeError
from .run import (
    build_runner,
    check_config,
    check_launcher,
    make_work_dir,
    mistakes_told,
    work_dir_lock,
)


def set_training_options(
    cfg: Config,
    resume: Optional[str] = None,
    amp: Union[bool, str] = False,
    validate: bool = True,
    auto_scale_lr: bool = False,
    seed: Optional[int] = None,
    diff_rank_seed: bool = False,
    deterministic: bool = False,
) -> None:
    """Write the options of a training into its config.

    Args:
        cfg (Config): As :func:`mmfake.engine.config.load_config` gives it; changed in place.
        resume (str, optional): Checkpoint to go on from; ``'auto'`` is the latest one in the work
            dir. Defaults to None, a training from the start.
        amp (bool or str): Mixed precision: ``'float16'``, which needs a GPU, ``'bfloat16'``, or
            True for what ``optim_wrapper.dtype`` says, else float16 on a GPU and bfloat16 on a CPU.
            Defaults to False.
        validate (bool): Whether to validate. Defaults to True.
        auto_scale_lr (bool): Scale the learning rate by world size x batch size /
            ``auto_scale_lr.base_batch_size``. Defaults to False.
        seed (int, optional): Random seed. Defaults to None, what the config says, else 0.
        diff_rank_seed (bool): Give each process a seed of its own. Defaults to False.
        deterministic (bool): Deterministic algorithms on the GPU. Defaults to False.

    Raises:
        MMFakeError: An option does not fit the config or the machine.
    """
    with options_fit(str(cfg.filename), 'an option of training'):
        if not validate:
            cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
            cfg.default_hooks.checkpoint.save_best = None  # there is no metric to choose it by
        if amp:
            _use_mixed_precision(cfg, amp)
        if resume:
            cfg.resume = True
            cfg.load_from = None if resume == 'auto' else resume
        if auto_scale_lr:
            if not cfg.get('auto_scale_lr'):
                raise MMFakeError(
                    '--auto-scale-lr: the config has no auto_scale_lr; give it '
                    '--cfg-options auto_scale_lr.base_batch_size=N, the batch size that its '
                    'learning rate is meant for, or drop the option.'
                )
            cfg.auto_scale_lr.enable = True
        randomness = dict(cfg.get('randomness') or {})
        randomness.setdefault('seed', 0)
        given = dict(
            seed=seed, diff_rank_seed=diff_rank_seed or None, deterministic=deterministic or None
        )
        randomness.update({key: value for key, value in given.items() if value is not None})
        cfg.randomness = randomness


def _use_mixed_precision(cfg: Config, amp: Union[bool, str]) -> None:
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise MMFakeError(f'--amp does not go with optim_wrapper.type={kind}; drop one of them.')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    if isinstance(amp, str):
        cfg.optim_wrapper.dtype = amp
    on_gpu = torch.cuda.is_available()
    if not on_gpu and cfg.optim_wrapper.setdefault('dtype', 'bfloat16') != 'bfloat16':
        raise MMFakeError(
            f'--amp {cfg.optim_wrapper.dtype} needs a GPU, and there is none here; a CPU trains in '
            'bfloat16: --amp bfloat16.'
        )
    if cfg.optim_wrapper.get('dtype') == 'bfloat16':
        if not on_gpu and not has_bfloat16():
            print_log(
                '--amp: this processor has no instructions for bfloat16, so that it takes longer '
                'than without.',
                logger='current',
                level=logging.WARNING,
            )
        if on_gpu and not torch.cuda.is_bf16_supported():
            raise MMFakeError('--amp bfloat16: this GPU has no bfloat16; use --amp float16.')
        # it has the range of float32: nothing to scale, and no stop of the host to look for it
        cfg.optim_wrapper.setdefault('loss_scale', dict(enabled=False))
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def train(cfg: Config) -> Runner:
    """Train a detector.

    Args:
        cfg (Config): Config of the run, see :func:`mmfake.engine.config.load_config` and
            :func:`set_training_options`.

    Returns:
        Runner: The runner, after its last epoch.

    Raises:
        MMFakeError: Config or data have a mistake that the user can mend, the work dir cannot be
            written to or belongs to a training that is running, or the disk is full.

    Examples:
        >>> cfg = load_config('configs/mtl/bin_ce_holdout_df.py', scale='mini')
        >>> train(cfg).epoch
        8
    """
    check_launcher(cfg.launcher)
    check_config(cfg, ['train_dataloader', 'val_dataloader'])
    check_agreement(cfg)
    fit_workers(cfg)
    advice = 'its checkpoints are whole: make room and go on with --resume.'
    with mistakes_told(cfg, advice):
        make_work_dir(cfg.work_dir)
        with work_dir_lock(cfg.work_dir):
            dump = Path(cfg.work_dir, Path(cfg.filename or '').name)
            before = dump.read_bytes() if dump.is_file() else None
            runner = build_runner(cfg)
            remark = told_of_schedule(cfg)
            if remark:
                runner.logger.warning(remark)
            if cfg.get('sync_bn') and cfg.get('launcher', 'none') == 'none':
                runner.logger.warning(
                    f'sync_bn={cfg.sync_bn} has no effect in a single process: its batch norms see '
                    'its own batch alone.'
                )
            explain_misfits(runner)
            with _undone_unless_begun(runner, dump, before):
                runner.train()
            repeat_warnings(runner.logger, 'To bear in mind')
    return runner


@contextmanager
def _undone_unless_begun(runner: Runner, dump: Path, before: Optional[bytes]) -> Iterator[None]:
    """Leave a work dir as it was if the block refuses to train: no dump of the config, no log.

    Args:
        runner (Runner): The runner, which has made both.
        dump (Path): The dump of its config.
        before (bytes, optional): What stood in it before, None if it did not exist.

    Yields:
        None: The block trains.
    """
    begun, load_or_resume = [], runner.load_or_resume

    def load_and_begin() -> None:
        load_or_resume()
        begun.append(True)

    runner.load_or_resume = load_and_begin
    try:
        yield
    except Exception:
        if not begun and process_rank() == '0':
            shutil.rmtree(runner.log_dir, ignore_errors=True)
            if before is not None:
                dump.write_bytes(before)
            elif dump.is_file():
                dump.unlink()
        raise
