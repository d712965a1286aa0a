"""Checkpoints that survive a kill, a full disk and a change of folder."""

from __future__ import annotations

import hashlib
import io
import logging
import re
import shutil
from collections import deque
from pathlib import Path
from typing import Any, Dict, List, Optional

import torch
from mmaction.registry import HOOKS
from mmengine.dist import broadcast_object_list, is_main_process, master_only
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader, Runner
from torch import Tensor

from ...errors import MMFakeError
from ...files import atomic_file
from ..checkpoint_files import latest_checkpoint
from ..resumed_state import check_resumed_state
from .half_step import half_step, restore_half_step

_LEFTOVER = re.compile(r'\.(.+\.pth|last_checkpoint)\.\d+\.tmp')


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook``, in an order in which nothing is lost at any moment.

    - Every file, ``last_checkpoint`` included, is written under a temporary name and renamed.
    - An outdated or formerly best checkpoint is removed after its successor has been written, and
      its published copies (``NAME-<hash>.pth``) with it.
    - ``--resume`` without a file passes over checkpoints that are not whole, and says so.
    - Resumed into another folder, a run takes the best checkpoint so far with it, and leaves what
      is in the old folder, and what another run left in the new one, alone. (A file that is there
      under the name of one to be written is replaced.)
    - With gradient accumulation a checkpoint may fall between the batches of one optimizer step: it
      holds the gradients so far, of every rank, beside the model under ``half_step``.

    Args:
        **kwargs: As for :class:`mmengine.hooks.CheckpointHook`.
    """

    STATE_KEY = 'half_step'

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self._half_step: Optional[List[Dict[str, Tensor]]] = None
        self._at_home = True  # what lies in the folder is of this run
        if self.backend_args is None and '://' not in str(self.out_dir or ''):
            self.backend_args = dict(backend='atomic')

    def before_run(self, runner: Runner) -> None:
        """Choose the checkpoint of a run that is to be resumed from its latest one.

        Args:
            runner (Runner): The runner.

        Raises:
            MMFakeError: If the work dir has checkpoints and none is whole.
        """
        if not runner._resume or runner._load_from is not None:
            return
        found = [self._look_for_latest(runner)]
        broadcast_object_list(found)  # the ranks must agree, also on a failure
        if isinstance(found[0], MMFakeError):
            raise found[0]
        runner._load_from = found[0]
        if found[0] is None:
            runner._resume = False
            print_log(f'{runner.work_dir}: no checkpoint yet, training starts anew.', 'current')

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Look at what the run is resumed from; keep the gradients of a step that was half done.

        Raises:
            MMFakeError: If its optimizer or schedules are not those of the run.
        """
        if runner._resume:
            check_resumed_state(runner, checkpoint)
            self._half_step = checkpoint.get(self.STATE_KEY)

    def before_train(self, runner: Runner) -> None:
        """Settle in the folder: what earlier runs recorded may lie elsewhere or be half done.

        Args:
            runner (Runner): The runner.
        """
        info = runner.message_hub.runtime_info
        self._at_home = self._is_at_home(runner)
        if not self._at_home:  # it has no files here yet
            for name in ('keep_ckpt_ids', 'outdated_ckpt_ids', 'outdated_best'):
                info.pop(name, None)
        super().before_train(runner)
        restore_half_step(runner, self._half_step)
        self._half_step = None
        last = runner.message_hub.runtime_info.get('last_ckpt')
        if last:  # it is written again if its validation, now made up for, gives a new best one
            self.last_ckpt = str(Path(self.out_dir, Path(last).name))
        # another hook may keep the best, in a folder of its own
        for key in self._best_paths() if self.save_best else ():
            name = f'best_ckpt_{key}' if key else 'best_ckpt'
            path = info.get(name)
            if path:
                self._adopt(runner, name, path)
        if is_main_process():
            # killed before it removed what it had replaced, the run does it now
            for step in info.get('outdated_ckpt_ids', ()):
                self._remove(self._path_of(step))
            for path in info.get('outdated_best', ()):
                own = Path(self.out_dir, Path(path).name)
                if self._is_best(own) and str(own) not in self._best_paths().values():
                    self._remove(str(own))
            for folder in {runner.work_dir, self.out_dir}:
                for path in Path(folder).glob('.*.tmp'):
                    if _LEFTOVER.fullmatch(path.name):  # of a run that was killed
                        path.unlink()

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Put the gradients of a step that is half done beside the model."""
        if self._half_step is not None:
            checkpoint[self.STATE_KEY] = self._half_step

    def _look_for_latest(self, runner: Runner) -> Any:
        """Path, None, or the error, on rank 0."""
        if not is_main_process():
            return None
        folder = Path(runner.work_dir)
        if self.out_dir is not None:
            folder = Path(self.out_dir, folder.name)
        try:
            return latest_checkpoint(runner.work_dir, str(folder), self.filename_tmpl)
        except MMFakeError as error:
            return error

    def _is_at_home(self, runner: Runner) -> bool:
        """Whether the run begins, or goes on from a checkpoint of its own folders."""
        if not runner._resume or runner._load_from is None:
            return True
        folders = [Path(runner.work_dir)]
        for hook in runner.hooks:
            if isinstance(hook, SafeCheckpointHook) and hook.out_dir:
                # before mmengine has put the name of the run behind it, and after
                folders += [Path(hook.out_dir), Path(hook.out_dir, Path(runner.work_dir).name)]
        return Path(runner._load_from).resolve().parent in [path.resolve() for path in folders]

    def _is_best(self, path: Path) -> bool:
        """Whether it has the name of a best checkpoint: a stranger's may name any file."""
        suffix = re.escape(Path(self.filename_tmpl).suffix)
        return re.fullmatch(rf'best_.*\d{suffix}', path.name) is not None

    def _best_paths(self) -> Dict[str, Optional[str]]:
        single = len(self.key_indicators) == 1 if self.save_best else True
        return {'': self.best_ckpt_path} if single else dict(self.best_ckpt_path_dict)

    def _adopt(self, runner: Runner, name: str, path: str) -> None:
        """Make the best checkpoint so far, recorded as ``path``, one of this folder."""
        own = Path(self.out_dir, Path(path).name)
        found = [False]
        if is_main_process() and self._is_best(own):
            found = [self._is_brought(runner, own, path)]
        broadcast_object_list(found)
        info = runner.message_hub.runtime_info
        if not found[0]:
            print_log(
                f'{path}, the best checkpoint so far, is not there: the next one that is '
                'validated is the best.',
                logger='current',
                level=logging.WARNING,
            )
            info.pop(name)
            info.pop(name.replace('ckpt', 'score', 1), None)
        best = str(own) if found[0] else None
        if best:
            runner.message_hub.update_info(name, best)
        if name == 'best_ckpt':
            self.best_ckpt_path = best
        else:
            self.best_ckpt_path_dict[name[len('best_ckpt_') :]] = best

    def _is_brought(self, runner: Runner, own: Path, path: str) -> bool:
        """Copy it from where it was recorded, or from beside the checkpoint that is resumed from.

        Returns:
            bool: Whether it is in this folder now.
        """
        if self._at_home and own.is_file():
            return True
        for source in (Path(path), Path(runner._load_from or path).with_name(own.name)):
            if source.is_file():
                if not (own.is_file() and own.samefile(source)):
                    with atomic_file(own, 'the best checkpoint so far') as temporary:
                        shutil.copyfile(source, temporary)
                    print_log(f'The best checkpoint so far was copied from {source}.', 'current')
                return True
        return False

    def _path_of(self, step: int) -> str:
        return self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step))

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: Dict[str, Any]) -> None:
        """Write, point to it, then remove: the parent removes first."""
        outdated = []
        if self.max_keep_ckpts > 0:
            steps = [kept for kept in self.keep_ckpt_ids if kept != step] + [step]
            outdated = steps[: -self.max_keep_ckpts]
            self.keep_ckpt_ids = deque(steps[-self.max_keep_ckpts :], self.max_keep_ckpts)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
            # killed before they are removed, the run does it when it goes on
            runner.message_hub.update_info('outdated_ckpt_ids', outdated)
        self.last_ckpt = self._path_of(step)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        self._half_step = half_step(runner)  # here, because rank 0 alone saves
        runner.save_checkpoint(
            self.out_dir,
            self.filename_tmpl.format(step),
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        self._half_step = None
        if is_main_process():
            pointer = Path(runner.work_dir, 'last_checkpoint')
            with atomic_file(pointer, 'the name of the last checkpoint') as temporary:
                temporary.write_text(self.last_ckpt)
            for old in outdated:
                self._remove(self._path_of(old))

    def _save_best_checkpoint(self, runner: Runner, metrics: Dict[str, float]) -> None:
        if not self.save_best:
            return
        # the parent removes the best so far before it writes the new one: hide it meanwhile
        before = self._best_paths()
        runner.message_hub.update_info('outdated_best', [path for path in before.values() if path])
        if '' in before:
            self.best_ckpt_path = None
        else:
            self.best_ckpt_path_dict = dict.fromkeys(before)
        super()._save_best_checkpoint(runner, metrics)
        now = self._best_paths()
        for key, path in before.items():
            if now[key] is None:
                now[key] = path
            elif path and path not in now.values() and is_main_process():
                self._remove(path)
        if '' in before:
            self.best_ckpt_path = now['']
        else:
            self.best_ckpt_path_dict = now
        runner.message_hub.update_info('outdated_best', [])

    def _remove(self, path: str) -> None:
        """Remove a checkpoint and its published copies."""
        if self.file_backend.isdir(path):  # DeepSpeed's are directories
            self.file_backend.rmtree(path)
        elif self.file_backend.isfile(path):
            self.file_backend.remove(path)
        self._remove_copies(path)

    def _remove_copies(self, path: str, but: str = '') -> None:
        copy = re.compile(re.escape(Path(path).stem) + r'-[0-9a-f]{8}\.pth')
        for found in Path(path).parent.glob('*.pth'):
            if copy.fullmatch(found.name) and found.name != but:
                found.unlink()

    @master_only
    def _publish_model(self, runner: Runner, ckpt_path: Optional[str]) -> None:
        """Write the published copy of a checkpoint in place of an older one."""
        if not ckpt_path or not Path(ckpt_path).is_file():
            return
        checkpoint = CheckpointLoader.load_checkpoint(ckpt_path, 'cpu')
        buffer = io.BytesIO()
        torch.save({key: checkpoint[key] for key in self.published_keys}, buffer)
        content = buffer.getvalue()
        name = f'{Path(ckpt_path).stem}-{hashlib.sha256(content).hexdigest()[:8]}.pth'
        self.file_backend.put(content, str(Path(ckpt_path).with_name(name)))
        self._remove_copies(ckpt_path, but=name)
        print_log(f'The checkpoint ({ckpt_path}) is published to {name}.', 'current')
