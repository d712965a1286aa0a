"""Accelerator hook: TF32 and torch.compile of the encoder."""

from __future__ import annotations

from typing import Any, Dict, Optional, Union

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...errors import MMFakeError
from . import model_of


@HOOKS.register_module()
class AcceleratorHook(Hook):
    """Sets what makes a GPU faster and is no part of the model.

    Two more such options are elsewhere: ``env_cfg.cudnn_benchmark`` of mmengine and
    ``model.backbone.channels_last`` of :class:`mmfake.S3D`.

    The encoder is compiled in place, so that no name in the ``state_dict`` changes, and alone:
    heads and losses read labels, which mmengine's ``compile=True`` compiles anew for each set of
    them. Validation runs the encoder as it is, like the test and ``tools/detect.py``, and so does
    the moving-average copy of :class:`mmfake.LabelMoCoHook`.

    Args:
        tf32 (bool, optional): Whether float32 convolutions and matrix products are rounded to
            TensorFloat-32, 10 bits of mantissa instead of 23. Defaults to None, torch's own choice:
            convolutions are, matrix products are not.
        compile (bool or dict): Whether to compile the encoder for training; a dict has arguments of
            :func:`torch.compile`. Defaults to False.

    Raises:
        MMFakeError: From ``before_train`` if the encoder cannot be compiled.
    """

    def __init__(self, tf32: Optional[bool] = None, compile: Union[bool, Dict] = False) -> None:
        self.tf32 = tf32
        self.compile = compile
        self._compiled: Any = None

    def before_run(self, runner: Runner) -> None:
        """Set the precision of float32."""
        if self.tf32 is not None:
            torch.backends.cuda.matmul.allow_tf32 = self.tf32
            torch.backends.cudnn.allow_tf32 = self.tf32

    def before_train(self, runner: Runner) -> None:
        """Compile the encoder; its first batch takes a minute or two."""
        if not self.compile:
            return
        backbone = model_of(runner).backbone
        for name, module in backbone.named_modules(prefix='model.backbone'):
            if getattr(module, 'with_cp', False):  # also of an encoder within PerFrame
                raise MMFakeError(
                    f'default_hooks.accelerator.compile does not go with {name}.with_cp, whose '
                    'recomputation cannot be compiled; drop one of them.'
                )
        if not hasattr(backbone, 'compile'):
            raise MMFakeError(
                f'default_hooks.accelerator.compile needs a newer torch than {torch.__version__}, '
                'which compiles a module in place; drop it.'
            )
        backbone.compile(**(self.compile if isinstance(self.compile, dict) else {}))
        self._compiled = backbone._compiled_call_impl

    def before_train_epoch(self, runner: Runner) -> None:
        """Take the compiled encoder."""
        if self._compiled is not None:
            model_of(runner).backbone._compiled_call_impl = self._compiled

    def before_val_epoch(self, runner: Runner) -> None:
        """Take the encoder as it is."""
        if self._compiled is not None:
            model_of(runner).backbone._compiled_call_impl = None

    after_train = before_val_epoch
