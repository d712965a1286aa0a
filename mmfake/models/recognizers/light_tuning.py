"""Light tuning: only the parameters whose names match a pattern are trained."""

from __future__ import annotations

import logging
import re
from typing import Dict, Iterator, List, Sequence, Tuple

from mmengine.logging import print_log
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...errors import MMFakeError, sample_of


def freeze_others(model: nn.Module, patterns: Sequence[str]) -> None:
    """Freeze all parameters of a model but those whose names match a pattern.

    It has to happen when the model is built: DistributedDataParallel, which the Runner puts around
    the model before it calls any hook, waits for a gradient of each parameter that it finds
    unfrozen. What something else has frozen, such as ``frozen_stages``, stays frozen.

    Args:
        model (nn.Module): The whole model.
        patterns (Sequence[str]): Regular expressions, searched for in the names of parameters.

    Raises:
        MMFakeError: If a pattern is no regular expression, or matches nothing that can be trained.
    """
    if isinstance(patterns, str) or not patterns:
        raise MMFakeError(
            f"model.trainable={patterns!r} is no list of patterns; set such as ['norm', "
            "'^binary'], or leave it out to train everything."
        )
    matched = matches(model, patterns)
    for pattern, names in matched.items():
        if not any(model.get_parameter(name).requires_grad for name in names):
            state = f'only frozen parameters ({sample_of(names, 2)})' if names else 'no parameter'
            known = sample_of((name for name, _ in model.named_parameters()), 3)
            raise MMFakeError(
                f'model.trainable: {pattern!r} matches {state}; the names are such as {known}.'
            )
    trained = {name for names in matched.values() for name in names}
    for name, parameter in model.named_parameters():
        if name not in trained:
            parameter.requires_grad = False


def matches(model: nn.Module, patterns: Sequence[str]) -> Dict[str, List[str]]:
    """Pattern -> names of the parameters that it matches."""
    names = [name for name, _ in model.named_parameters()]
    found = {}
    for pattern in patterns:
        try:
            found[pattern] = [name for name in names if re.search(pattern, name)]
        except (re.error, TypeError) as error:
            raise MMFakeError(
                f'model.trainable: {pattern!r} is no regular expression ({error}); correct it.'
            ) from None
    return found


def keep_frozen_norms_still(model: nn.Module) -> None:
    """Put batch norms without a trained parameter into eval mode: their statistics stay."""
    for _, module in frozen_norms(model):
        module.eval()


def frozen_norms(model: nn.Module) -> Iterator[Tuple[str, nn.Module]]:
    """Give the batch norms without a trained parameter, by name."""
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm) and not any(p.requires_grad for p in module.parameters()):
            yield name, module


def report_trained(model: nn.Module, patterns: Sequence[str]) -> None:
    """Log how many parameters are trained, and by which pattern."""

    def count(parameters: Sequence[nn.Parameter]) -> int:
        return sum(parameter.numel() for parameter in parameters)

    every = list(model.parameters())
    trained = [parameter for parameter in every if parameter.requires_grad]
    parts = []
    for pattern, names in matches(model, patterns).items():
        found = [model.get_parameter(name) for name in names]
        found = [parameter for parameter in found if parameter.requires_grad]
        parts.append(f'{pattern} {count(found):,} in {len(found)} tensors')
    print_log(
        f'Light tuning: {count(trained):,} of {count(every):,} parameters are trained '
        f'({count(trained) / count(every):.2%}): {"; ".join(parts)}.',
        logger='current',
        level=logging.INFO,
    )
    heads = {
        name: list(part.parameters())
        for name, part in model.named_modules()
        if name.endswith(('cls_head', 'contrastive_head'))
    }
    still = [
        name
        for name, own in heads.items()
        if own and not any(parameter.requires_grad for parameter in own)
    ]
    if still:
        print_log(
            f'Light tuning: nothing of {sample_of(still)} is trained: it stays random unless '
            f'weights are loaded into it; add ^{still[0].split(".")[0]} to model.trainable.',
            logger='current',
            level=logging.WARNING,
        )
