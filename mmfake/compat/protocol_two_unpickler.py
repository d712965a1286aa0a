"""The reader of pickles that checkpoints need, and no more."""

from __future__ import annotations

import pickle
import pickletools
from typing import Any


class ProtocolTwoUnpickler(pickle._Unpickler):
    """Reader of protocol 2, which ``torch.save`` writes.

    Later ones may ask for memory by number. It is the one in Python, as that in C has a memo of
    the size of the highest number in the file.
    """

    dispatch = {
        code: load
        for code, load in pickle._Unpickler.dispatch.items()
        if pickletools.code2op[chr(code)].proto <= 2
    }

    def load(self) -> Any:
        """Read one pickle.

        Raises:
            UnpicklingError: If it has an instruction of a later protocol.
        """
        try:
            return super().load()
        except KeyError as error:  # of the dispatch, or of the memo
            raise pickle.UnpicklingError(f'unknown instruction or entry {error}') from None

    def load_build(self) -> None:
        """Set the state of an object, but never that of a class or function."""
        if callable(self.stack[-2]):
            raise pickle.UnpicklingError('the state of a class or function is to be changed')
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build
