"""Local files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend

from ..atomic_file import atomic_file
from ..errors import MMFakeError


@register_backend('atomic', force=True)
class AtomicLocalBackend(LocalBackend):
    """mmengine's local file backend, whose ``put`` cannot leave half a checkpoint behind.

    The parent writes in place: a run killed meanwhile, or a full disk, leaves a truncated file
    under the name that the next ``--resume`` trusts. Chosen with
    ``backend_args=dict(backend='atomic')``.
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write to a temporary name, through to the disk, and rename.

        Args:
            obj (bytes): Content.
            filepath (str | Path): Where it goes; missing folders are made.

        Raises:
            MMFakeError: If it cannot be written, e.g. on a full disk; what was there stays.
        """
        with atomic_file(filepath, 'the checkpoint') as temporary:
            try:
                with open(temporary, 'wb') as file:
                    file.write(obj)
                    file.flush()
                    os.fsync(file.fileno())  # or a power cut may leave the new name without content
            except OSError as error:
                raise MMFakeError(
                    f'{filepath}: the checkpoint cannot be written ({error.strerror or error}); '
                    'those before it are whole: make room and go on with --resume'
                ) from None
