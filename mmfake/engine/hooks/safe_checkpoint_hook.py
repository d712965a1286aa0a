"""Checkpoint hook whose files survive a kill, a full disk and a change of folder."""

from __future__ import annotations

import hashlib
import io
import logging
import re
import shutil
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

import torch
from mmaction.registry import HOOKS
from mmengine.dist import broadcast_object_list, is_main_process, master_only
from mmengine.hooks import CheckpointHook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader, Runner

from ...compat.checkpoints import without_meta
from ...errors import MMFakeError, first_line, hint
from ...files import atomic_file
from ..checkpoint_files import explain_misfits, latest_checkpoint

_LEFTOVER = re.compile(r'\.(.+\.pth|last_checkpoint)\.\d+\.tmp')


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook``, in an order in which nothing is lost at any moment.

    - Every file, ``last_checkpoint`` included, is written under a temporary name and renamed.
    - An outdated or formerly best checkpoint is removed after its successor has been written, and
      its published copies (``NAME-<hash>.pth``) with it.
    - ``--resume`` without a file passes over checkpoints that are not whole, and says so. One that
      does not fit the run ends in one line.
    - Resumed into another folder, a run takes the best checkpoint so far with it and removes
      nothing that it has not written. (A file that is there under the name of one to be written is
      replaced.)
    - With gradient accumulation, a checkpoint that is due between the batches of one optimizer step
      is written after that step, so that a resumed run is exact. At the end of an epoch that means
      a few batches into the next one.
    - What keeps rank 0 from writing, weights that are not finite or a full disk, ends every rank.

    Args:
        **kwargs: As for :class:`mmengine.hooks.CheckpointHook`.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self._postponed = False  # a checkpoint is due at the next optimizer step
        self._is_writing = False
        if self.backend_args is None and '://' not in str(self.out_dir or ''):
            self.backend_args = dict(backend='atomic')

    def before_run(self, runner: Runner) -> None:
        """Choose the checkpoint of a run that is to be resumed from its latest one.

        Raises:
            MMFakeError: If the work dir has checkpoints and none is whole.
        """
        explain_misfits(runner)
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
        """Take over which files are the run's own: none, if it goes on in another folder."""
        if not runner._resume:
            return
        info = checkpoint['message_hub']['runtime_info']
        at_home = self._is_at_home(runner)
        for name in ('keep_ckpt_ids', 'outdated_ckpt_ids'):  # numbers: they become names of files
            info[name] = [int(step) for step in info.get(name, ())] if at_home else []
        info['outdated_best'] = list(map(str, info.get('outdated_best', ()))) if at_home else []

    def before_train(self, runner: Runner) -> None:
        """Settle in the folder: what the run has recorded may lie elsewhere or be half done."""
        super().before_train(runner)
        info = runner.message_hub.runtime_info
        # the last one is written again if its validation, now made up for, gives a new best one
        last = info.get('last_ckpt')
        if last:
            self.last_ckpt = str(Path(self.out_dir, Path(last).name))
        # the best so far comes along
        for key, path in self._best_paths().items():
            if path:
                self._adopt(runner, key, path)
        # killed before it removed what it had replaced, or in a write, the run does it now
        if is_main_process():
            for step in info.get('outdated_ckpt_ids', ()):
                self._remove(self._path_of(step))
            for folder in {runner.work_dir, self.out_dir}:
                for path in Path(folder).glob('.*.tmp'):
                    if _LEFTOVER.fullmatch(path.name):
                        path.unlink()
        self._remove_outdated_best(runner)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Save what is due by iteration, or was due in the middle of the step that ends here."""
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        if self._postponed and not _in_mid_step(runner):
            done = runner.iter + 1
            step = runner.epoch if self.by_epoch else done
            self._save_checkpoint_with_step(runner, step, dict(epoch=runner.epoch, iter=done))
            self._remove_outdated_best(runner)

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
        """Whether the run goes on from a checkpoint of its own folders."""
        work_dir = Path(runner.work_dir)
        folders = [work_dir]
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook) and hook.out_dir:
                folders.append(Path(hook.out_dir, work_dir.name))  # as mmengine will have it
        return Path(runner._load_from).resolve().parent in [path.resolve() for path in folders]

    def _path_of(self, step: int) -> str:
        return self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step))

    @contextmanager
    def _failing_together(self) -> Iterator[None]:
        """End every rank where rank 0, which alone writes, fails: the others would wait for it."""
        if self._is_writing:  # the best checkpoint writes the last one again
            yield
            return
        self._is_writing, failure = True, None
        try:
            yield
        except Exception as error:
            failure = error
        self._is_writing = False
        told = [None if failure is None else first_line(failure)]
        broadcast_object_list(told)  # from rank 0
        if failure is not None:
            raise failure
        if told[0] is not None:
            raise MMFakeError(told[0])

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: Dict[str, Any]) -> None:
        """Write, point to it, then remove: the parent removes first."""
        self._postponed = _in_mid_step(runner)
        if self._postponed:
            print_log('In the middle of an optimizer step: saved at the end of it.', 'current')
            return
        # what it replaces; killed before that is removed, the run does it when it goes on
        outdated = []
        if self.max_keep_ckpts > 0:
            steps = [kept for kept in self.keep_ckpt_ids if kept != step] + [step]
            outdated = steps[: -self.max_keep_ckpts]
            self.keep_ckpt_ids = deque(steps[-self.max_keep_ckpts :], self.max_keep_ckpts)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
            runner.message_hub.update_info('outdated_ckpt_ids', outdated)
        # write
        self.last_ckpt = self._path_of(step)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        with self._failing_together():
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
            # point to it, and remove
            if is_main_process():
                pointer = Path(runner.work_dir, 'last_checkpoint')
                with atomic_file(pointer, 'the name of the last checkpoint') as temporary:
                    temporary.write_text(self.last_ckpt)
                for old in outdated:
                    self._remove(self._path_of(old))

    def _save_best_checkpoint(self, runner: Runner, metrics: Dict[str, float]) -> None:
        """Write the new best one, then remove the old: the parent removes first."""
        if not self.save_best:
            return
        for name in set(self.key_indicators) - {*metrics, 'auto'}:
            raise MMFakeError(
                f'default_hooks.checkpoint.save_best of the config is {name!r}, which this '
                f'validation does not give{hint(name, metrics)}'
            )
        info = runner.message_hub.runtime_info
        # hide the best so far from the parent; the last checkpoint, which it writes again, tells a
        # run that is killed here what is to be removed
        before = self._best_paths()
        outdated = [*info.get('outdated_best', ()), *(path for path in before.values() if path)]
        runner.message_hub.update_info('outdated_best', outdated)
        for key in before:
            self._set_best(key, None)
        with self._failing_together():
            super()._save_best_checkpoint(runner, metrics)
        # those that no better one has replaced
        for key, path in self._best_paths().items():
            if path is None:
                self._set_best(key, before[key])
        if not self._postponed:
            self._remove_outdated_best(runner)

    def _best_paths(self) -> Dict[str, Optional[str]]:
        """Metric -> path of its best checkpoint so far; ``''`` where there is one metric only."""
        if not self.save_best:
            return {}
        if len(self.key_indicators) == 1:
            return {'': self.best_ckpt_path}
        return {key: self.best_ckpt_path_dict.get(key) for key in self.key_indicators}

    def _set_best(self, key: str, path: Optional[str]) -> None:
        if key:
            self.best_ckpt_path_dict[key] = path
        else:
            self.best_ckpt_path = path

    def _is_best(self, path: Path) -> bool:
        """Whether it has the name of a best checkpoint: a stranger's may name any file."""
        suffix = re.escape(Path(self.filename_tmpl).suffix)
        return re.fullmatch(rf'best_.*\d{suffix}', path.name) is not None

    def _adopt(self, runner: Runner, key: str, path: str) -> None:
        """Make the best checkpoint so far, recorded as ``path``, one of this folder."""
        own = Path(self.out_dir, Path(path).name)
        found = [None]
        if is_main_process() and self._is_best(own):
            # beside the checkpoint that is resumed from, or where it was recorded
            beside = Path(runner._load_from or path).with_name(own.name)
            source = next((p for p in (beside, Path(path)) if p.is_file()), None)
            if source is not None:
                found = [str(own)]
                if not (own.is_file() and own.samefile(source)):
                    with atomic_file(own, 'the best checkpoint so far') as temporary:
                        shutil.copyfile(source, temporary)
                    print_log(f'The best checkpoint so far was copied from {source}.', 'current')
        broadcast_object_list(found)
        self._set_best(key, found[0])
        suffix = f'_{key}' if key else ''
        if found[0] is not None:
            runner.message_hub.update_info(f'best_ckpt{suffix}', found[0])
            return
        print_log(
            f'{path}, the best checkpoint so far, is not there: the next one that is validated is '
            'the best.',
            logger='current',
            level=logging.WARNING,
        )
        for name in ('best_ckpt', 'best_score'):
            runner.message_hub.runtime_info.pop(f'{name}{suffix}', None)

    def _remove_outdated_best(self, runner: Runner) -> None:
        """Remove what was the best once, of this folder."""
        if not self.save_best:  # another hook may keep the best, in this folder
            return
        for path in runner.message_hub.runtime_info.get('outdated_best', ()):
            own = Path(self.out_dir, Path(path).name)
            is_replaced = self._is_best(own) and str(own) not in self._best_paths().values()
            if is_replaced and is_main_process():
                self._remove(str(own))
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
        without_meta(checkpoint.get('state_dict'))
        buffer = io.BytesIO()
        torch.save({key: checkpoint[key] for key in self.published_keys}, buffer)
        content = buffer.getvalue()
        name = f'{Path(ckpt_path).stem}-{hashlib.sha256(content).hexdigest()[:8]}.pth'
        self.file_backend.put(content, str(Path(ckpt_path).with_name(name)))
        self._remove_copies(ckpt_path, but=name)
        print_log(f'The checkpoint ({ckpt_path}) is published to {name}.', 'current')


def _in_mid_step(runner: Runner) -> bool:
    """Whether gradients of some batches wait for the others of their optimizer step."""
    wrapper = runner.optim_wrapper
    # without accumulation, as for several optimizers, no step is ever half done
    return getattr(wrapper, '_accumulative_counts', 1) > 1 and not wrapper.should_update()
