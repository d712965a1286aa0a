"""Paired benchmark: ratios of variants that run in turn, and the machine they ran on."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Callable, Dict, NamedTuple, Sequence

sys.path.append(str(Path(__file__).resolve().parents[2]))  # data_prep, which only a checkout has

_FLAGS = ('amx_bf16', 'avx512_bf16', 'avx512_vnni', 'avx512f', 'avx2', 'asimd', 'bf16')
_PACKAGES = ('torch', 'numpy', 'opencv-python-headless', 'av', 'onnxruntime', 'openvino')


class Ratios(NamedTuple):
    """What a variant took.

    Attributes:
        seconds (float): Median, s.
        low (float): Least ratio to the first variant, of the same round.
        median (float): Median of the ratios.
        high (float): Greatest ratio.
        n (int): Number of rounds.
    """

    seconds: float
    low: float
    median: float
    high: float
    n: int


def compare(
    variants: Dict[str, Callable[[], object]],
    rounds: int = 7,
    clock: Callable[[], float] = time.perf_counter,
    title: str = '',
    warm_up: int = 1,
) -> Dict[str, Ratios]:
    """Run variants in turn, round by round, and print the ratio of each to the first one.

    What else the machine does meanwhile thus meets all of them alike. Every other round goes
    backwards, so that none always runs behind the same one.

    Args:
        variants (dict[str, Callable]): Name -> what to time.
        rounds (int): How often. Defaults to 7.
        clock (Callable): Tells the time, s; ``time.process_time`` counts CPU seconds of all
            threads, which other jobs disturb less. Defaults to ``time.perf_counter``.
        title (str): Line above the table. Defaults to '', none.
        warm_up (int): Rounds before, not counted. Defaults to 1.

    Returns:
        dict[str, Ratios]: Of each variant; those of the first are 1.
    """
    seconds: Dict[str, list] = {name: [] for name in variants}
    for number in range(-warm_up, rounds):
        for name in list(variants)[:: 1 if number % 2 == 0 else -1]:
            start = clock()
            variants[name]()
            spent = clock() - start
            if number >= 0:
                seconds[name].append(spent)
    first = next(iter(seconds.values()))
    found = {}
    for name, spent in seconds.items():
        ratios = [own / other for own, other in zip(spent, first)]
        middle = statistics.median(ratios)
        found[name] = Ratios(
            statistics.median(spent), min(ratios), middle, max(ratios), len(ratios)
        )
    print(table(found, title), flush=True)
    return found


def table(found: Dict[str, Ratios], title: str = '') -> str:
    """A line for each variant: ratio to the first one, min - median - max, and median seconds."""
    width = max(map(len, [title, *found]))
    lines = [f'{title:{width}}  ratio: min - median - max    median s    n']
    for name, one in found.items():
        ratios = f'{one.low:6.3f} - {one.median:6.3f} - {one.high:6.3f}'
        lines.append(f'{name:{width}}  {ratios:>27}  {one.seconds:10.4f}  {one.n:3d}')
    return '\n'.join(lines)


def machine(packages: Sequence[str] = _PACKAGES) -> str:
    """Say where it runs: processor, cores, instructions that matter, load, versions."""
    info: Dict[str, str] = {}
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            info = dict(line.split(':', 1) for line in file if ':' in line)
    except OSError:  # not on Linux
        pass
    info = {key.strip(): value.strip() for key, value in info.items()}
    name = info.get('model name') or platform.processor() or platform.machine()
    flags = set(info.get('flags', info.get('Features', '')).split())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    told = [f'{name}, {cores} cores', ' '.join(flag for flag in _FLAGS if flag in flags)]
    if hasattr(os, 'getloadavg'):
        told.append(f'load {os.getloadavg()[0]:.1f}')
    versions = [f'Python {platform.python_version()}']
    for package in packages:
        try:
            versions.append(f'{package} {metadata.version(package)}')
        except metadata.PackageNotFoundError:
            continue
    return '; '.join(part for part in [*told, ', '.join(versions)] if part)
