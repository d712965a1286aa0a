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


def check_resumed_state(runner: Runner, checkpoint: Dict[str, Any]) -> None:
    """Try the states of a checkpoint, before any of them is taken over.

    torch takes over whatever it is given and fails at the first step, or later. So copies of the
    optimizer and of the schedules, over zeros of the same shapes on the CPU, load them here and
    make a step. What cannot make one there with its own state either, such as a schedule that waits
    for a metric, is left alone.

    Args:
        runner (Runner): With optimizer and schedules built.
        checkpoint (dict): With the entries ``optimizer`` and ``param_schedulers``.

    Raises:
        MMFakeError: If a copy fails.
    """
    for name, wrapper, state in _pairs(runner.optim_wrapper, checkpoint, 'optimizer'):
        # those that are spread over the ranks have collectives in their step
        if isinstance(wrapper, OptimWrapper) and not hasattr(
            wrapper.optimizer, 'consolidate_state_dict'
        ):
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
        _step(stepper, stepper.state_dict())
    except Exception:  # not by the state: this is its own
        return
    try:
        _step(stepper, state)
    except Exception as error:  # whatever torch and mmengine make of wrong entries
        if isinstance(error, ValueError) and not isinstance(stepper, OptimWrapper):
            return  # a schedule that has ended
        reason = (str(error).strip().splitlines() or [''])[0][:200]
        raise MMFakeError(
            f'{runner._load_from}: cannot be resumed from, no step can be made with its entry '
            f'{name} ({type(error).__name__}: {reason}); resume with the optimizer and schedules '
            'it was trained with, or start anew from its weights with --cfg-options '
            'load_from=CHECKPOINT and without --resume.'
        ) from None


def _step(stepper: Any, state: Dict[str, Any]) -> None:
    """Let a copy of an optimizer or a schedule load a state and make a step."""
    if isinstance(stepper, OptimWrapper):
        twin = _on_zeros(stepper)
    else:
        twin = copy.copy(stepper)
        twin.optimizer = _on_zeros(stepper.optimizer)
    # a step changes it in place
    twin.load_state_dict(apply_to(state, torch.is_tensor, lambda tensor: tensor.cpu().clone()))
    if isinstance(stepper, OptimWrapper):
        type(twin.optimizer).step(twin.optimizer)  # that of the object counts the steps of the run
        for values in twin.get_lr().values():  # for the log, with what mmengine keeps itself
            all(map(math.isfinite, values))
        return
    with warnings.catch_warnings():  # that no optimizer has made a step
        warnings.simplefilter('ignore')
        twin.step()
    bool(twin.by_epoch)  # which the hook asks for


def _on_zeros(wrapper: OptimWrapper) -> OptimWrapper:
    """Copy it, with other parameters and gradients."""
    twin = copy.copy(wrapper)
    twin.optimizer = copy.copy(wrapper.optimizer)
    # by which mmengine knows the learning rate, if there are several
    if getattr(wrapper, 'base_param_settings', None) is not None:
        twin.base_param_settings = dict(wrapper.base_param_settings)
    twin.optimizer.state = defaultdict(dict)
    twin.optimizer.param_groups = []
    for group in wrapper.optimizer.param_groups:
        params = [torch.nn.Parameter(torch.zeros_like(p, device='cpu')) for p in group['params']]
        for param in params:
            param.grad = torch.zeros_like(param)
        twin.optimizer.param_groups.append(dict(group, params=params))
    return twin
