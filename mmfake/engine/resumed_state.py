"""Whether a run can go on with the optimizer and the schedules of a checkpoint."""

from __future__ import annotations

import copy
import math
import warnings
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Dict, Iterator, Tuple

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from mmengine.utils import apply_to

from ..errors import MMFakeError

_FLAGS = ('foreach', 'fused')  # None where torch is to choose


def check_resumed_state(runner: Runner, checkpoint: Dict[str, Any]) -> None:
    """Try the states of a checkpoint, before any of them is taken over.

    torch takes over whatever it is given and fails at the first step, or later. So copies of the
    optimizer and of the schedules, over parameters of the same shapes that have no numbers (the
    ``meta`` device), load them here and make a step. What cannot even make one without a
    checkpoint, such as a schedule that waits for a metric, is left alone.

    Args:
        runner (Runner): With optimizer and schedules built.
        checkpoint (dict): With the entries ``optimizer`` and ``param_schedulers``.

    Raises:
        MMFakeError: If a copy fails.
    """
    for name, wrapper, state in _pairs(runner.optim_wrapper, checkpoint, 'optimizer'):
        if isinstance(wrapper, OptimWrapper):
            _try(runner, name, wrapper, state)
    for name, schedulers, states in _pairs(runner.param_schedulers, checkpoint, 'param_schedulers'):
        for number, (scheduler, state) in enumerate(zip(schedulers or (), states)):
            _try(runner, f'{name}[{number}]', scheduler, state)


def _pairs(built: Any, checkpoint: Dict[str, Any], entry: str) -> Iterator[Tuple[str, Any, Any]]:
    """Name, object and state; several for a model with several optimizers."""
    found = checkpoint.get(entry)
    if built is None or found is None:
        return
    if isinstance(built, (OptimWrapperDict, dict)):
        for key, one in built.items():
            if isinstance(found, Mapping) and key in found:
                yield f'{entry}.{key}', one, found[key]
    else:
        yield entry, built, found


def _try(runner: Runner, name: str, stepper: Any, state: Dict[str, Any]) -> None:
    try:
        _step(stepper)
    except Exception:  # not by the state: it has its own, or none
        return
    try:
        _step(stepper, state)
    except Exception as error:  # whatever torch and mmengine make of wrong entries
        reason = (str(error).strip().splitlines() or [''])[0][:200]
        raise MMFakeError(
            f'{runner._load_from}: cannot be resumed from, no step can be made with its entry '
            f'{name} ({type(error).__name__}: {reason}); resume with the optimizer and schedules '
            'it was trained with, or start anew from its weights with --cfg-options '
            'load_from=CHECKPOINT and without --resume.'
        ) from None


def _step(stepper: Any, state: Any = None) -> None:
    """Let a copy of an optimizer or a schedule load a state and make a step."""
    twin = copy.copy(stepper)
    if isinstance(stepper, OptimWrapper):
        twin = _without_numbers(stepper)
    else:
        twin.optimizer = _without_numbers(stepper.optimizer)
    if state is not None:
        # a step changes the counts in place
        twin.load_state_dict(apply_to(state, torch.is_tensor, _copy_of_counts))
    if not isinstance(stepper, OptimWrapper):
        with warnings.catch_warnings():  # that no optimizer has made a step
            warnings.simplefilter('ignore')
            twin.step()
        _compare_flags(stepper.state_dict(), twin.state_dict())
        return
    type(twin.optimizer).step(twin.optimizer)  # that of the object counts the steps of the run
    for values in twin.get_lr().values():  # for the log, with what mmengine keeps beside torch's
        all(map(math.isfinite, values))
    for group in zip(stepper.optimizer.param_groups, twin.optimizer.param_groups):
        _compare_flags(*group)


def _compare_flags(built: Dict[str, Any], found: Dict[str, Any]) -> None:
    """Tell flags from numbers, which a step without numbers does not."""
    for key, value in built.items():
        flag, is_flag = isinstance(value, bool) or key in _FLAGS, isinstance(found[key], bool)
        if flag != is_flag and not (value is None or found[key] is None):
            raise TypeError(f'{key} is {type(found[key]).__name__}')
        if key == 'fused' and found[key] and not value:
            raise TypeError('fused, which this optimizer is not')


def _copy_of_counts(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clone() if tensor.numel() <= 1 else tensor.to('meta')


def _without_numbers(wrapper: OptimWrapper) -> OptimWrapper:
    """Copy it, with parameters and gradients on the meta device."""
    twin = copy.copy(wrapper)
    twin.optimizer = copy.copy(wrapper.optimizer)
    if hasattr(wrapper, 'base_param_settings'):  # by which mmengine knows the learning rate
        twin.base_param_settings = dict(wrapper.base_param_settings)
    twin.optimizer.state = defaultdict(dict)
    twin.optimizer.param_groups = []
    for group in wrapper.optimizer.param_groups:
        params = [torch.nn.Parameter(torch.empty_like(p, device='meta')) for p in group['params']]
        for param in params:
            param.grad = torch.empty_like(param)
        twin.optimizer.param_groups.append(dict(group, params=params))
    return twin
