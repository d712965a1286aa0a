"""What a checkpoint of training holds, which mmengine takes on trust."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, List, Tuple

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner
from mmengine.runner import runner as host_runner

from ..errors import MMFakeError
from ..files import is_full

# A kind is a type, several of them, [kind] for a list, {kind: kind} for a dict, or a function.
_NONE, _NUMBER = type(None), (int, float, np.number)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**40


def _is_place(value: Any) -> bool:
    """Batches done of how many."""
    return _fits(value, [_is_count]) and len(value) == 2 and value[0] <= value[1] > 0


def _is_pair_of_counts(value: Any) -> bool:
    return _fits(value, [_is_count]) and len(value) == 2


def _is_weights(value: Any) -> bool:
    """Named tensors; modules may add what they like under a name that torch keeps for it."""
    return _fits(value, {str: object}) and all(
        isinstance(one, torch.Tensor) or name.endswith('_extra_state')
        for name, one in value.items()
    )


def _is_info(value: Any) -> bool:
    """What a run notes down; of each metric whose best checkpoint is kept, its path and score."""
    kinds = dict(best_ckpt=(str, _NONE), best_score=(_NUMBER, _NONE))
    return _fits(value, {str: object}) and all(
        _fits(one, kind)
        for name, one in value.items()
        for start, kind in kinds.items()
        if name.startswith(start)
    )


def _is_log(value: Any) -> bool:
    columns = [getattr(value, f'_{name}_history', None) for name in ('log', 'count')]
    arrays = all(isinstance(column, np.ndarray) and column.ndim == 1 for column in columns)
    return type(value) is HistoryBuffer and arrays and len(columns[0]) == len(columns[1])


def _is_queue(value: Any) -> bool:
    rows = ('keys', 'labels', 'videos')
    return (
        _fits(value, {str: object})
        and all(isinstance(value.get(name), torch.Tensor) for name in rows)
        and _is_count(value.get('pointer'))
    )


# entry, its kind, that in words
_OF_ALL: List[Tuple[str, Any, str]] = [
    ('state_dict', _is_weights, 'named tensors'),
    ('meta', {str: object}, 'a dict'),
    ('meta.dataset_meta', ({str: object}, _NONE), 'a dict'),
    ('meta.dataset_meta.multi_classes', ([str], _NONE), 'a list of names'),
    ('meta.val_threshold', _NUMBER, 'a number'),
]
_OF_TRAINING: List[Tuple[str, Any, str]] = [
    ('message_hub', {str: dict}, 'a dict of dicts'),
    ('optimizer', {str: object}, 'a dict'),
    ('meta.epoch', _is_count, 'a number of epochs'),
    ('meta.iter', _is_count, 'a number of iterations'),
    ('meta.seed', (_is_count, _NONE), 'a number'),
    ('message_hub.log_scalars', {str: _is_log}, 'named logs'),
    ('message_hub.runtime_info', _is_info, 'named notes, paths and scores of the best among them'),
    ('message_hub.resumed_keys', {str: bool}, 'named flags'),
    ('message_hub.runtime_info.place_in_epoch', _is_place, 'two numbers of batches'),
    ('message_hub.runtime_info.validated_epoch', _is_count, 'a number of epochs'),
    ('message_hub.runtime_info.keep_ckpt_ids', [_is_count], 'a list of numbers'),
    ('message_hub.runtime_info.outdated_ckpt_ids', [_is_count], 'a list of numbers'),
    ('message_hub.runtime_info.outdated_best', [str], 'a list of paths'),
    ('message_hub.runtime_info.last_ckpt', (str, _NONE), 'a path'),
    ('optimizer.state', {int: {str: object}}, 'numbered states'),
    ('optimizer.param_groups', [{str: object}], 'a list of groups'),
    ('param_schedulers', ([dict], {str: [dict]}), 'a list of states'),
    ('unreadable_videos', {str: str}, 'a reason for each name'),
    ('non_finite_loss', _is_pair_of_counts, 'two numbers of iterations'),
    ('label_moco', {str: dict}, 'a dict of dicts'),
    ('label_moco.key_encoder', {str: torch.Tensor}, 'named tensors'),
    ('half_step', ([{str: torch.Tensor}], _NONE), 'gradients of each rank'),
    ('label_moco.queues', {str: _is_queue}, 'named queues'),
]
_TO_RESUME = ('message_hub', 'optimizer', 'meta', 'meta.epoch', 'meta.iter') + tuple(
    f'message_hub.{name}' for name in ('log_scalars', 'runtime_info', 'resumed_keys')
)
_ABSENT = object()


def check_contents(content: Any, name: str, resume: bool = False) -> None:
    """Check the kinds of the entries that are there.

    Args:
        content (Any): What was loaded.
        name (str): Its file, for the message.
        resume (bool): Whether what a run needs to be resumed must be there. Defaults to False.

    Raises:
        MMFakeError: Naming the first entry that is of another kind, or absent.
    """
    if not isinstance(content, Mapping):
        raise MMFakeError(
            f'{name}: holds {_called(content)} instead of named entries, so it is no checkpoint; '
            'give one that training wrote.'
        )
    weights = content.get('state_dict', content)
    if isinstance(weights, Mapping) and not any(
        isinstance(value, torch.Tensor) for value in weights.values()
    ):
        raise MMFakeError(f'{name}: holds no weights, so it is no checkpoint; give another file.')
    training = resume or 'message_hub' in content
    for entry, kind, words in _OF_ALL + (_OF_TRAINING if training else []):
        value = _entry(content, entry)
        if value is _ABSENT:
            if resume and entry in _TO_RESUME:
                hint = (
                    'It holds weights only (a published one, named NAME-<hash>.pth) and can start '
                    'a new run, with --cfg-options load_from=CHECKPOINT and without --resume.'
                )
                raise MMFakeError(
                    f'{name}: cannot be resumed from, it has no {entry}. '
                    + ('Give another one.' if '.' in entry else hint)
                )
        elif not _fits(value, kind):
            raise MMFakeError(
                f'{name}: its entry {entry} should be {words}, but is {_called(value)}; the '
                'checkpoint is damaged or not of this project: give another one.'
            )


def _entry(content: Any, entry: str) -> Any:
    for key in entry.split('.'):
        if not isinstance(content, Mapping) or key not in content:
            return _ABSENT
        content = content[key]
    return content


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(kind, tuple):
        return any(_fits(value, one) for one in kind)
    if isinstance(kind, list):
        return isinstance(value, (list, tuple)) and all(_fits(item, kind[0]) for item in value)
    if isinstance(kind, dict):
        ((of_key, of_value),) = kind.items()
        return isinstance(value, Mapping) and all(
            _fits(key, of_key) and _fits(one, of_value) for key, one in value.items()
        )
    return isinstance(value, kind) if isinstance(kind, type) else kind(value)


def _called(value: Any) -> str:
    """Its type: what is in it may be long."""
    if isinstance(value, (dict, list, tuple)):
        return f'{type(value).__name__} of {len(value)}'
    if isinstance(value, (int, float, str)):
        return f'{type(value).__name__} {str(value)[:40]}'
    return type(value).__name__


def repair_trust_in_checkpoints() -> None:
    """Let a run check the entries of its checkpoint, and tell what fails in one line.

    Only that of a run: backbones of the host load weight files in wrappings of their own.
    """
    load, load_or_resume = host_runner._load_checkpoint, Runner.load_or_resume

    @functools.wraps(load)
    def load_checked(filename: str, *args, **kwargs) -> Any:
        content = load(filename, *args, **kwargs)
        check_contents(content, filename)
        return content

    @functools.wraps(load_or_resume)
    def told_in_one_line(self: Runner) -> None:
        resume, file = self._resume, self._load_from or self.work_dir
        try:
            load_or_resume(self)
        except MMFakeError:
            raise
        except Exception as error:  # whatever mmengine and torch make of wrong entries
            if is_full(error):  # no room for the log: not the checkpoint's fault
                raise
            reason = (str(error).strip().splitlines() or [''])[0][:300]
            raise MMFakeError(
                f'{file}: cannot be {"resumed from" if resume else "loaded"} '
                f'({type(error).__name__}: {reason}); was it written with this config, by this '
                'version? Give another one.'
            ) from error

    host_runner._load_checkpoint = load_checked
    Runner.load_or_resume = told_in_one_line
