"""What decides a score and is no tensor: facts of a model, compared with those of a checkpoint."""

from __future__ import annotations

import math
from typing import Any, Dict, Sequence, Tuple

from torch import nn

from ..datasets.frame_sampling import step_facts
from ..errors import MMFakeError

PREPROCESSING, CLIP_SHAPE = 'preprocessing', 'clip_shape'
"""str: Keys in the meta of a checkpoint."""


def preprocessing_of(model: nn.Module, sampler: Any = None) -> Dict[str, Any]:
    """Ask a model and a sampler of frames what of them decides a score and is no tensor.

    Args:
        model (nn.Module): A recognizer.
        sampler (Any): Transform that chooses the frames of a clip. Defaults to None, not known.

    Returns:
        dict[str, Any]: Name as in a config, e.g. ``'data_preprocessor.mean'`` -> plain data.
    """
    facts: Dict[str, Any] = {}
    # normalisation and layout of the inputs
    normalise = getattr(model, 'data_preprocessor', None)
    for name in ('mean', 'std', 'to_rgb', 'format_shape'):
        value = getattr(normalise, name, None)
        if value is not None:
            plain = value.flatten().tolist() if hasattr(value, 'tolist') else value
            facts[f'data_preprocessor.{name}'] = plain
    # frames of a clip
    if sampler is not None:
        facts.update(step_facts(sampler))
    # layers
    for name, module in model.named_modules():
        if 'norm' in type(module).__name__.lower() and hasattr(module, 'eps'):
            facts[f'{name}.eps'] = module.eps
        # what a module of ours tells of itself
        for key, value in getattr(module, 'facts', {}).items():
            facts[f'{name}.{key}'] = value
    # classes
    heads = getattr(model, 'classifiers', None) or dict(model=getattr(model, 'cls_head', None))
    for name, head in heads.items():
        for key in ('num_classes', 'label_key'):
            if hasattr(head, key):
                facts[f'{name}.cls_head.{key}'] = getattr(head, key)
    return facts


def check_preprocessing(expected: Any, found: Dict[str, Any], otherwise: str = '') -> None:
    """Compare the facts of a config with those of a checkpoint, as far as both have them.

    Args:
        expected (dict[str, Any]): In the checkpoint; what is no dict passes.
        found (dict[str, Any]): Of the config, see :func:`preprocessing_of`.
        otherwise (str): What else to do, for the message. Defaults to ''.

    Raises:
        MMFakeError: If they differ; it names the first difference.
    """
    if not isinstance(expected, dict):
        return
    for name, value in found.items():
        if name in expected and not _is_same(expected[name], value):
            trained, own = _what_differs(expected[name], value)
            if otherwise and name.endswith('.num_classes'):  # --holdout sets it, for a training
                otherwise = (
                    'a test on every method is --cfg-options test_dataloader.dataset.holdout=None'
                )
            raise MMFakeError(
                f'the checkpoint was trained with {name} {_plain(trained)}, this config has '
                f'{_plain(own)}: take the config it was trained with'
                + (f'; {otherwise}' if otherwise else '')
            )


def _is_same(one: Any, other: Any) -> bool:
    """Whether two facts are equal, numbers to rounding.

    mmengine averages the buffers of a model over the processes after each epoch, with those of
    normalisation among them, and the mean of three equal numbers is not quite that number.
    """
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return all(map(_is_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-5)
    return str(one) == str(other)  # as text: a stranger's file may hold anything, say a tensor


def _what_differs(trained: Any, own: Any) -> Tuple[Any, Any]:
    """Of two lists of texts those that differ, which else are lost in them; all else as it is."""
    lists = (trained, own)
    if not all(isinstance(v, list) and all(isinstance(t, str) for t in v) for v in lists):
        return lists
    only = (
        [text for text in trained if text not in own],
        [text for text in own if text not in trained],
    )
    return only[0] or trained, only[1] or own


def _plain(value: Any) -> str:
    """A number or a list of numbers without the digits of float32."""
    if isinstance(value, list) and all(isinstance(number, float) for number in value):
        return f'[{", ".join(map(_plain, value))}]'
    return f'{value:.6g}' if isinstance(value, float) else str(value)


def check_clip_shape(expected: Any, found: Sequence[int], otherwise: str = '') -> None:
    """Compare the clips or frames of a config with those of a checkpoint.

    Args:
        expected (Sequence[int]): Shape in the checkpoint, see ``CLIP_SHAPE``; what is
            no list passes.
        found (Sequence[int]): (C, T, H, W) or (C, H, W) of the config.
        otherwise (str): What else to do, for the message. Defaults to ''.

    Raises:
        MMFakeError: If they differ.
    """
    if not isinstance(expected, (list, tuple)):
        return
    expected, found = tuple(expected), tuple(found)
    if len(expected) == 3 and len(found) == 4 and expected[0] != found[0]:  # of older files
        expected = (found[0], *expected)
    if expected != found:
        now = _size(found) if len(found) == len(expected) else shape_in_words(found)
        raise MMFakeError(
            f'the checkpoint was validated with {shape_in_words(expected)}, this config makes them '
            f'{now}: take the config and the --scale it was trained with'
            + (f'; {otherwise}' if otherwise else '')
        )


def shape_in_words(shape: Tuple[int, ...]) -> str:
    """Such as ``'clips of 8 x 64 x 64 (frames x px)'`` or ``'frames of 64 x 64 px'``."""
    size = _size(shape)
    if len(shape) == 4:
        return f'clips of {size}' if shape[1] == 1 else f'clips of {size} (frames x px)'
    return f'frames of {size} px'


def _size(shape: Tuple[int, ...]) -> str:
    numbers = ' x '.join(map(str, shape[1:]))
    return f'1 frame{numbers[1:]} px' if len(shape) == 4 and shape[1] == 1 else numbers
