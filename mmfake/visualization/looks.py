"""Which name, colour and shape a method or a row of a table has in every figure."""

from __future__ import annotations

from typing import Any, Dict, Sequence

import numpy as np

from ..datasets.manipulations import ORIGINAL, get_manipulation, manipulation_keys
from .figure_style import BLACK, CYCLE

_DASHES = ('-', '--', '-.', (0, (1, 1)), (0, (4, 1, 1, 1, 1, 1)), (0, (6, 2)))
_MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X')


def method_name(method: str) -> str:
    """Give the name of a method to show.

    Args:
        method (str): Its key.

    Returns:
        str: Its name, or the key where the table of manipulations has no such method.
    """
    known = (ORIGINAL, *manipulation_keys(everything=True))
    return get_manipulation(method).name if method in known else method


def method_look(method: str, others: Dict[str, int]) -> Dict[str, Any]:
    """Give the look of a method, the same in every figure.

    Args:
        method (str): Its key; originals are black circles.
        others (dict[str, int]): Places of methods that the table of manipulations lacks; one that
            is new is added.

    Returns:
        dict[str, Any]: ``color``, ``linestyle`` and ``marker``.
    """
    if method == ORIGINAL:
        return dict(color=BLACK, linestyle='-', marker='o')
    keys = manipulation_keys(everything=True)
    if method in keys:
        place = keys.index(method)
    else:
        place = others.setdefault(method, len(keys) + len(others))
    return dict(series_look(place), marker=_MARKERS[(1 + place) % len(_MARKERS)])


def series_look(place: int) -> Dict[str, Any]:
    """Give the look of one of several equals, such as the regimes of a table.

    Args:
        place (int): Its place among them, from 0.

    Returns:
        dict[str, Any]: ``color`` and ``linestyle``; the first 36 are all different.
    """
    rounds = place // len(CYCLE)  # the second time around a colour has another dash
    return dict(color=CYCLE[place % len(CYCLE)], linestyle=_DASHES[(place + rounds) % len(_DASHES)])


def text_color(background: Sequence[float]) -> str:
    """Choose black or white, whichever is more legible on a colour.

    Args:
        background (Sequence[float]): Red, green and blue between 0 and 1; further numbers are
            ignored.

    Returns:
        str: The one with the higher contrast ratio of WCAG 2.
    """
    rgb = np.asarray(background[:3], dtype=float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return 'black' if (luminance + 0.05) ** 2 > 1.05 * 0.05 else 'white'
