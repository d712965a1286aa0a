"""Every two regimes of a hold-out, compared."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Dict, List, Optional, Sequence, Tuple

from .compare_runs import Comparison, PairedDifference, compare_runs
from .holm import holm
from .run_scores import RunScores
from .seed_spread import joint_test, pooled_spread, seed_test

_P_VALUES = dict(p='p_holm', p_seeds='p_seeds_holm', p_joint='p_joint_holm')


def compare_regimes(
    runs: Sequence[RunScores],
    thresholds: Optional[Dict[str, float]] = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Dict[str, List[Comparison]]:
    """Compare every two regimes on each hold-out, corrected for the number of pairs.

    The pairs of one hold-out and one metric are a family for Holm's correction: over videos, over
    seeds, and over both at once, with the spread over seeds pooled over the regimes.

    Args:
        runs (Sequence[RunScores]): The runs; several of one cell are its seeds.
        thresholds (dict[str, float], optional): Threshold of the accuracy of each regime.
            Defaults to None, 0.5 for all.
        n_bootstrap (int): Replicates behind the intervals of the accuracy. Defaults to 1000.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        dict[str, list[Comparison]]: Hold-out -> its pairs, in the order of the runs; empty where
        there is one regime only.

    Raises:
        MMFakeError: Two regimes have no scored video of a hold-out in common, or contradict each
            other on a label.
    """
    result = {}
    for holdout in dict.fromkeys(run.holdout for run in runs):
        cells: Dict[str, List[RunScores]] = {}
        for run in runs:
            if run.holdout == holdout:
                cells.setdefault(run.regime, []).append(run)
        comparisons = []
        for pair in combinations(cells, 2):
            frames = [[run.frame for run in cells[name]] for name in pair]
            levels = tuple((thresholds or {}).get(name, 0.5) for name in pair)
            comparisons.append(
                compare_runs(*frames, pair, levels, n_bootstrap=n_bootstrap, seed=seed)
            )
        result[holdout] = _correct(comparisons)
    return result


def _correct(comparisons: List[Comparison]) -> List[Comparison]:
    """Pool the spread over seeds of a hold-out, then correct for the number of pairs."""
    for metric in ('acc', 'auc'):
        groups = {}
        for one in comparisons:
            found = getattr(one, metric)
            groups[one.name_a] = found.sd_seeds_a, one.n_seeds_a
            groups[one.name_b] = found.sd_seeds_b, one.n_seeds_b
        spread = pooled_spread(list(groups.values()))
        pairs = [_over_seeds(getattr(one, metric), one, spread) for one in comparisons]
        corrected = zip(*(holm([getattr(pair, p) for pair in pairs]) for p in _P_VALUES))
        comparisons = [
            replace(one, **{metric: replace(pair, **dict(zip(_P_VALUES.values(), map(float, ps))))})
            for one, pair, ps in zip(comparisons, pairs, corrected)
        ]
    return comparisons


def _over_seeds(
    pair: PairedDifference, one: Comparison, spread: Tuple[float, int]
) -> PairedDifference:
    """Test a pair with the pooled spread."""
    counts = one.n_seeds_a, one.n_seeds_b
    return replace(
        pair,
        p_seeds=seed_test(pair.difference, *counts, *spread),
        p_joint=joint_test(pair.difference, pair.error, *counts, *spread),
    )
