"""Keeps a checkpoint to the clips it was made for."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Tuple

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...errors import MMFakeError


@HOOKS.register_module()
class ClipShapeHook(Hook):
    """Refuses to test a checkpoint with clips of another length or size than it was validated with.

    A network that pools its last feature map takes any clip, and gives other scores without a word:
    a forgotten ``--scale`` moves them away from the threshold that was chosen on validation. Each
    checkpoint holds the shape of the validation clips; one without it, such as another project's,
    passes.

    Args:
        refuse (bool): Whether another shape ends the test. Defaults to True.
    """

    META_KEY = 'clip_shape'

    def __init__(self, refuse: bool = True) -> None:
        self.refuse = refuse
        self._shape: Optional[Sequence[int]] = None

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Dict[str, Any]] = None
    ) -> None:
        """Remember the shape of the clips."""
        self._shape = _shape_of(data_batch)

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Write it."""
        if self._shape is not None:
            checkpoint['meta'][self.META_KEY] = list(self._shape)

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Read it."""
        self._shape = checkpoint.get('meta', {}).get(self.META_KEY)

    def before_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Dict[str, Any]] = None
    ) -> None:
        """Compare it.

        Raises:
            MMFakeError: If the clips have another shape.
        """
        if batch_idx == 0 and self.refuse:
            check_clip_shape(
                self._shape,
                _shape_of(data_batch),
                'for a test with others set default_hooks.clip_shape.refuse=False',
            )


def check_clip_shape(
    expected: Optional[Sequence[int]], found: Sequence[int], otherwise: str = ''
) -> None:
    """Compare the clips of a config with those of a checkpoint.

    Args:
        expected (Sequence[int], optional): (T, H, W) of the checkpoint; what is no list passes.
        found (Sequence[int]): (T, H, W) of the config.
        otherwise (str): What else to do, for the message. Defaults to ''.

    Raises:
        MMFakeError: If they differ.
    """
    if isinstance(expected, (list, tuple)) and tuple(expected) != tuple(found):
        before, now = (' x '.join(map(str, shape)) for shape in (expected, found))
        raise MMFakeError(
            f'the checkpoint was validated with clips of {before} (frames x px), this config makes '
            f'them {now}: take the config and the --scale it was trained with'
            + (f'; {otherwise}' if otherwise else '')
        )


def _shape_of(batch: Dict[str, Any]) -> Tuple[int, ...]:
    """(T, H, W) of a batch whose inputs are (clips, C, T, H, W), each or stacked."""
    return tuple(batch['inputs'][0].shape[-3:])
