"""What an operating system says when there is no room."""

from __future__ import annotations

import errno

# the device, the user's share of it, or the largest file allowed
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: BaseException) -> bool:
    """Tell whether an error means that there is no room left on a disk.

    Args:
        error (BaseException): Any error.

    Returns:
        bool: True if it is an ``OSError`` for want of room.
    """
    return isinstance(error, OSError) and error.errno in _FULL
