"""Hooks of training: one file each, but those that write facts into checkpoints."""

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn


def model_of(runner: Runner) -> nn.Module:
    """The recognizer, without a DistributedDataParallel around it."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
