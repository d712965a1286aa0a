"""What a comparison says, in words."""

from __future__ import annotations

import math
from typing import Callable, Dict, List, Sequence

from .comparisons import Comparison, PairedDifference

RESOLVED = 'resolved'
NETWORKS = 'these networks differ'
UNRESOLVED = 'not resolved'
UNDEFINED = 'undefined'

_METRICS = {'auc': 'AUC', 'acc': 'accuracy'}


def verdict(comparison: Comparison, metric: str, alpha: float = 0.05) -> str:
    """Judge the difference of one metric.

    Args:
        comparison (Comparison): With Holm's corrections, as
            :func:`~.compare_regimes.compare_regimes` makes it.
        metric (str): ``'auc'`` or ``'acc'``.
        alpha (float): Level of the tests. Defaults to 0.05.

    Returns:
        str: ``'resolved'`` (over videos and seeds at once), ``'these networks differ'`` (over
        videos alone, or there is one seed only), ``'not resolved'`` or ``'undefined'``.
    """
    found: PairedDifference = getattr(comparison, metric)
    if math.isnan(found.p_holm):
        return UNDEFINED
    if found.p_holm > alpha:
        return UNRESOLVED
    return RESOLVED if found.p_joint_holm <= alpha else NETWORKS  # a NaN is no proof


def describe_comparisons(
    comparisons: Sequence[Comparison],
    where: str,
    alpha: float = 0.05,
    name_of: Callable[[str], str] = str,
) -> List[str]:
    """Say which differences are resolved and which are not.

    Args:
        comparisons (Sequence[Comparison]): The pairs of one test set.
        where (str): Name of the test set, such as ``'Deepfakes held out'``.
        alpha (float): Level of the tests. Defaults to 0.05.
        name_of (Callable): Gives the name shown for that of a regime. Defaults to the same name.

    Returns:
        list[str]: A sentence for each metric and kind of verdict, then one for the videos that
        were left out, if any; empty without comparisons.
    """
    lines = []
    for metric, metric_name in _METRICS.items():
        groups: Dict[str, List[Comparison]] = {}
        for one in comparisons:
            groups.setdefault(verdict(one, metric, alpha), []).append(one)
        for kind in (RESOLVED, NETWORKS, UNRESOLVED, UNDEFINED):
            pairs = groups.get(kind, [])
            if not pairs:
                continue
            count = f'{len(pairs)} of {len(comparisons)} pairs'
            meaning = f'{where}, {metric_name}: {_meaning(kind, pairs)} ({count})'
            if kind == UNRESOLVED and len(pairs) > 3:  # a wall of numbers would say less
                pairs = [max(pairs, key=lambda one: abs(getattr(one, metric).difference))]
                meaning += ', the largest of them'
            brief = kind == NETWORKS and len(pairs) > 3
            shown = '; '.join(_pair(one, metric, kind, name_of, brief) for one in pairs)
            lines.append(f'{meaning}: {shown}.')
    left_out = [one for one in comparisons if one.n_left_out]
    if left_out:
        worst = max(left_out, key=lambda one: one.n_left_out)
        lines.append(
            f'{where}: {len(left_out)} of {len(comparisons)} pairs are compared on fewer videos '
            f'than were scored; at worst {worst.n_original} + {worst.n_manipulated} are common to '
            f'{name_of(worst.name_a)} and {name_of(worst.name_b)} and {worst.n_left_out} left out.'
        )
    return lines


def _meaning(kind: str, pairs: Sequence[Comparison]) -> str:
    if kind == NETWORKS and all(min(one.n_seeds_a, one.n_seeds_b) == 1 for one in pairs):
        return (
            'resolved over videos, for these trained networks; with one seed nothing is said of '
            'training them again'
        )
    if kind == NETWORKS:
        return (
            'resolved over videos, for these trained networks, but not over seeds too: training '
            'them again might reverse it'
        )
    if kind == UNRESOLVED:
        return 'not resolved; other videos might reverse it'
    if kind == UNDEFINED:
        return 'undefined on these videos'
    return 'resolved over videos and seeds'


def _pair(
    comparison: Comparison, metric: str, kind: str, name_of: Callable[[str], str], brief: bool
) -> str:
    found: PairedDifference = getattr(comparison, metric)
    a, b = name_of(comparison.name_a), name_of(comparison.name_b)
    if kind == UNDEFINED:
        return f'{a} and {b}'
    ends = found.low, found.high
    if found.difference < 0:  # seen from the better one
        a, b, ends = b, a, (-found.high, -found.low)
    text = f'{a} {"and" if kind == UNRESOLVED else "over"} {b}'
    if brief:
        return text
    low, high = (round(end, 3) + 0.0 for end in ends)  # no -0.000
    text += f' by {abs(found.difference):.3f} [{low:.3f}, {high:.3f}], {p_text(found.p_holm)}'
    if not math.isnan(found.p_joint_holm):
        text += f', over videos and seeds {p_text(found.p_joint_holm)}'
    return text


def p_text(p: float) -> str:
    """Write a p-value.

    Args:
        p (float): The p-value.

    Returns:
        str: ``'p = 0.032'`` or ``'p < 0.001'``.
    """
    return 'p < 0.001' if p < 0.001 else f'p = {p:.3f}'
