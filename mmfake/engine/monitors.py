"""Monitors: by which metric a checkpoint is best, training stops, the learning rate goes down."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, Mapping, Tuple

from ..errors import MMFakeError

_METRIC, _PREFIX = 'DeepfakeMetric', 'deepfake/'
# of the metrics of a validation, which end is the better one
_BETTER = {
    **dict.fromkeys(('auc', 'ap', 'acc', 'bacc', 'acc_val', 'tpr_fpr1', 'tpr_fpr5'), 'greater'),
    **dict.fromkeys(('eer', 'ece', 'brier'), 'less'),
}
_TO_THE_LEAST = ('Cosine', 'Poly', 'OneCycle')  # schedules that end with next to no learning rate


def check_monitors(cfg: Mapping[str, Any]) -> None:
    """Refuse a metric that the validation does not give, and a rule that wants its worse end.

    Args:
        cfg (Mapping): A config; one with another evaluator has metrics that are not known here.

    Raises:
        MMFakeError: Such as ``save_best='deepfake/eer'`` with the inherited ``rule='greater'``.
    """
    found = cfg.get('val_evaluator') or []
    evaluators = found if isinstance(found, (list, tuple)) else [found]
    if not evaluators or not all(_is_ours(one) for one in evaluators):
        return
    for place, part in _parts(cfg):
        key = 'save_best' if 'save_best' in part else 'monitor'
        names = part.get(key) or []
        rule = part.get('rule', 'less' if 'ReduceOnPlateau' in str(part.get('type')) else None)
        for number, name in enumerate([names] if isinstance(names, str) else names):
            if name == 'auto':
                continue
            if not str(name).startswith(_PREFIX):
                raise MMFakeError(
                    f'{place}.{key} of the config is {name!r}, which no validation gives; take '
                    f"'{_PREFIX}auc'."
                )
            better = _BETTER.get(re.sub('_(low|high)$', '', name.split('/')[-1]))
            wanted = rule[min(number, len(rule) - 1)] if isinstance(rule, (list, tuple)) else rule
            if better and wanted and wanted != better:
                raise MMFakeError(
                    f"{place}.rule of the config is '{wanted}', and of {name} the worse values are "
                    f"{wanted}: set rule='{better}' there."
                )


def told_of_schedule(cfg: Mapping[str, Any]) -> str:
    """Say that training goes on after its learning rate has come down to the least; else empty.

    A schedule that has ended leaves the learning rate where it is: a longer ``max_epochs`` alone
    adds epochs in which nothing is learnt.

    Args:
        cfg (Mapping): A config.
    """
    found = cfg.get('param_scheduler') or []
    schedules = dict(enumerate(found if isinstance(found, (list, tuple)) else [found]))
    loop = cfg.get('train_cfg')
    loop = loop if isinstance(loop, dict) else {}
    ends = {
        number: part['end']
        for number, part in schedules.items()
        if isinstance(part, dict)
        and isinstance(part.get('end'), int)
        and part.get('by_epoch', True) == ('max_iters' not in loop)
    }
    last = max(ends, key=ends.get, default=None)
    length = loop.get('max_epochs', loop.get('max_iters'))
    if last is None or len(ends) < len(schedules) or not length or ends[last] >= length:
        return ''
    kind = str(schedules[last].get('type'))
    if not any(name in kind for name in _TO_THE_LEAST):
        return ''
    unit, key = ('epoch', 'max_epochs') if 'max_epochs' in loop else ('iteration', 'max_iters')
    return (
        f'param_scheduler.{last} ({kind}) ends at {unit} {ends[last]} of {length}: after it the '
        'learning rate stays at its least, and next to nothing is learnt. Set its end (and T_max) '
        f'to go with train_cfg.{key}.'
    )


def _is_ours(evaluator: Any) -> bool:
    if not isinstance(evaluator, dict) or evaluator.get('prefix'):
        return False
    return str(evaluator.get('type')).split('.')[-1] == _METRIC


def _parts(cfg: Mapping[str, Any]) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """What may name a metric, and where in the config it is."""
    parts = {f'default_hooks.{key}': hook for key, hook in (cfg.get('default_hooks') or {}).items()}
    for key in ('custom_hooks', 'param_scheduler'):
        found = cfg.get(key) or []
        listed = found if isinstance(found, (list, tuple)) else [found]
        parts.update({f'{key}.{number}': part for number, part in enumerate(listed)})
    for place, part in parts.items():
        if isinstance(part, dict) and ('save_best' in part or 'monitor' in part):
            yield place, part
