"""Arguments of registered classes and of optimizers: what is taken, swallowed, the nearest name."""

from __future__ import annotations

import dis
import inspect
from typing import Any, Callable, Iterable, List, Mapping, Optional

from mmengine.registry import Registry

from ..errors import MMFakeError, hint

# what mmengine's constructor of optimizers reads of paramwise_cfg, and of each custom key
_CONSTRUCTOR = 'DefaultOptimWrapperConstructor'
_PARAMWISE = (
    *('custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'dwconv_decay_mult'),
    *('flat_decay_mult', 'dcn_offset_lr_mult', 'bypass_duplicate'),
)
_OF_CUSTOM_KEY = ('lr_mult', 'decay_mult')


def find_class(kind: Any, registries: Iterable[Registry]) -> Optional[Any]:
    """The class or function of a ``type=`` in the first registry that has it, None if none has."""
    if not isinstance(kind, str):
        return kind
    for registry in registries:
        try:
            found = registry.get(kind)
        except (ImportError, RuntimeError):  # a dotted name that leads nowhere
            continue
        if found is not None:
            return found
    return None


def registered(registry: Optional[Registry]) -> List[str]:
    """The names in a registry and in those above it."""
    return [*registry.module_dict, *registered(registry.parent)] if registry else []


def arguments_of(cls: Any) -> List[str]:
    """The arguments of a class and of those it inherits from, or of a function."""
    owners = _inits(cls) if inspect.isclass(cls) else [cls]
    parameters = [part for one in owners for part in inspect.signature(one).parameters.values()]
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [part.name for part in parameters if part.kind not in variable and part.name != 'self']


def is_swallowed(cls: Any, name: str) -> bool:
    """Whether a class takes an argument in ``**kwargs`` and never looks at it.

    mmaction2's ``SampleFrames(clip_length=8)`` is one: no error, and clips of the default length.
    """
    for init in _inits(cls) if inspect.isclass(cls) else []:
        parameters = inspect.signature(init).parameters
        rest = [part.name for part in parameters.values() if part.kind == part.VAR_KEYWORD]
        if name in parameters or not rest:  # taken, or refused by Python itself
            return False
        if not _is_read(init, rest[0]):
            return True
    return False


def check_paramwise(wrapper: Mapping[str, Any]) -> None:
    """Refuse a key of ``optim_wrapper.paramwise_cfg`` that mmengine passes over.

    Args:
        wrapper (Mapping): ``optim_wrapper`` of a config; one with a constructor of its own reads
            what it likes.

    Raises:
        MMFakeError: Nothing reads the key, or ``paramwise_cfg`` is no dict.
    """
    place, given = 'optim_wrapper.paramwise_cfg', wrapper.get('paramwise_cfg') or {}
    if wrapper.get('constructor', _CONSTRUCTOR) != _CONSTRUCTOR:
        return
    parts = {place: given}
    if isinstance(given, dict):
        parts[f'{place}.custom_keys'] = custom = given.get('custom_keys') or {}
        if isinstance(custom, dict):
            parts.update({f'{place}.custom_keys.{key}': custom[key] for key in custom})
    for name, part in parts.items():
        if not isinstance(part, dict):
            raise MMFakeError(f'{name} of the config is {part!r}, and has to be a dict.')
    for key in given.keys() - set(_PARAMWISE):
        near = hint(key, _PARAMWISE) or f'; there are {", ".join(_PARAMWISE)}.'
        raise MMFakeError(f'{place} of the config: nothing reads {key}{near}')
    for name, part in list(parts.items())[2:]:
        for key in part.keys() - set(_OF_CUSTOM_KEY):  # else an option of the optimizer
            if hint(key, _OF_CUSTOM_KEY):
                raise MMFakeError(
                    f'{name} of the config: nothing reads {key}{hint(key, _OF_CUSTOM_KEY)}'
                )


def _inits(cls: type) -> List[Callable]:
    """The constructors of a class and of those it inherits from."""
    found = (vars(one).get('__init__') for one in inspect.getmro(cls))
    return [inspect.unwrap(init) for init in found if inspect.isfunction(init)]


def _is_read(function: Callable, variable: str) -> bool:
    """Whether the code of a function reads one of its variables."""
    for step in dis.get_instructions(function):
        names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        if 'LOAD' in step.opname and variable in names:
            return True
    return False
