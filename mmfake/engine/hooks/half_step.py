"""The gradients of an optimizer step that is half done."""

from __future__ import annotations

import logging
from typing import Dict, List, Optional

from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ...errors import MMFakeError


def half_step(runner: Runner) -> Optional[List[Dict[str, Tensor]]]:
    """Collect the gradients that have accumulated since the last optimizer step.

    With ``accumulative_counts`` above 1 a checkpoint may be due between two steps. Until the step
    each rank has gradients of its own, so all are kept. To be called on every rank.

    Args:
        runner (Runner): The runner.

    Returns:
        list[dict[str, Tensor]] | None: For each rank parameter -> gradient; None between two steps,
        where there is nothing to keep.
    """
    if not _in_mid_step(runner):
        return None
    # one without a gradient yet is left out: for Adam that is another thing than zeros
    return all_gather_object(
        {
            name: weight.grad.cpu()
            for name, weight in _model(runner).named_parameters()
            if weight.grad is not None
        }
    )


def restore_half_step(runner: Runner, ranks: Optional[List[Dict[str, Tensor]]]) -> None:
    """Put the gradients back, before training goes on.

    Args:
        runner (Runner): The runner, with the iteration of the checkpoint.
        ranks (list[dict[str, Tensor]], optional): What :func:`half_step` gave.

    Raises:
        MMFakeError: If they do not fit the model.
    """
    if ranks is None:
        return
    if len(ranks) != get_world_size() or not _in_mid_step(runner):
        print_log(
            f'The checkpoint was written in the middle of an optimizer step, by {len(ranks)} '
            'process(es). Another number of processes, or of accumulative_counts, cannot go on '
            'with its gradients: they are left out, so the run is not bit-identical.',
            logger='current',
            level=logging.WARNING,
        )
        return
    weights = dict(_model(runner).named_parameters())
    for name, gradient in ranks[get_rank()].items():
        if name not in weights or weights[name].shape != gradient.shape:
            raise MMFakeError(
                f'the checkpoint to resume from has a gradient of {name} that does not fit the '
                'model; resume with the config it was trained with.'
            )
        weights[name].grad = gradient.to(weights[name].device)
    print_log('The gradients accumulated before the checkpoint are restored.', logger='current')


def _in_mid_step(runner: Runner) -> bool:
    wrapper = runner.optim_wrapper
    # without accumulation, as for several optimizers, no step is ever half done
    return getattr(wrapper, '_accumulative_counts', 1) > 1 and not wrapper.should_update()


def _model(runner: Runner) -> nn.Module:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
