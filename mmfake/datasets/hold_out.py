"""The leave-one-manipulation-out protocol: which methods a split consists of, and their labels."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from ..errors import MMFakeError
from .manipulations import ORIGINAL, get_manipulation, manipulation_keys
from .video_record import SPLITS


class HoldOut:
    """One hold-out run of arXiv 2308.13503, seen from one of its splits.

    Args:
        split (str): ``'train'``, ``'val'`` or ``'test'``.
        holdout (str, optional): Key of the manipulation kept for the test. Defaults to None, which
            means that every method is in every split.
        methods (Sequence[str] | str, optional): Keys of the manipulations, the held-out one
            included. Defaults to None, which means ``('df', 'f2f', 'fs', 'nt')``.

    Attributes:
        classes (tuple[str]): The method of each multi-class label: ``'original'``, then the
            methods of training in the order of the table of manipulations.
        methods (tuple[str]): The methods the split consists of, ``'original'`` first.

    Raises:
        MMFakeError: If a name is unknown, or nothing is left to train on.
    """

    def __init__(
        self,
        split: str,
        holdout: Optional[str] = None,
        methods: Optional[Sequence[str]] = None,
    ) -> None:
        if split not in SPLITS:
            raise MMFakeError(f'unknown split {split!r}: choose one of {", ".join(SPLITS)}')
        self.split, self.holdout = split, holdout
        # --cfg-options methods=df gives a string
        given = (methods,) if isinstance(methods, str) else methods or manipulation_keys()
        for key in (*given, *filter(None, [holdout])):
            if get_manipulation(key).key == ORIGINAL:
                raise MMFakeError(f'{ORIGINAL!r} is no manipulation: originals are always read')
        if holdout is not None and holdout not in given:
            raise MMFakeError(
                f'holdout {holdout!r} is not among the methods {", ".join(given)}: add it to '
                'methods or hold out another'
            )
        # the table's order, so that labels do not depend on how a config lists the methods
        seen = [key for key in manipulation_keys(everything=True) if key in given]
        training = tuple(key for key in seen if key != holdout)
        tests_held_out = split == 'test' and holdout is not None
        if not training and not tests_held_out:
            raise MMFakeError(
                f'methods holds nothing but the held-out {holdout!r}: split {split!r} needs another'
            )
        self.classes: Tuple[str, ...] = (ORIGINAL, *training)
        self.methods: Tuple[str, ...] = (ORIGINAL, holdout) if tests_held_out else self.classes

    def label_multi(self, method: str) -> int:
        """Give the multi-class label of a method.

        Args:
            method (str): ``'original'`` or the key of a manipulation.

        Returns:
            int: Its place in :attr:`classes`, or -1 for the held-out method.
        """
        return self.classes.index(method) if method in self.classes else -1
