"""Rendering a whole FaceForensics++-shaped tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List

from mmfake.atomic_file import atomic_file
from mmfake.datasets.manipulations import get_manipulation

from .job import Job
from .pairing import Splits, pair_up
from .pool import run_all
from .settings import Settings
from .videos import FAMILIES


def video_files(root: Path, target: str, source: str) -> Dict[str, Path]:
    """Where the videos of one target lie, in the official layout.

    Args:
        root (Path): Root of the tree.
        target (str): Id whose background and head are seen.
        source (str): Id whose face or expression is put there.

    Returns:
        dict[str, Path]: Paths by key, ``'original'`` first.
    """
    stems = {'original': target, **dict.fromkeys(FAMILIES, f'{target}_{source}')}
    return {
        key: root / get_manipulation(key).folder / 'c23' / 'videos' / f'{stem}.mp4'
        for key, stem in stems.items()
    }


def _write_splits(root: Path, splits: Splits) -> None:
    """Write the three split files, each under its name only when whole."""
    for name, pairs in splits.items():
        with atomic_file(root / 'splits' / f'{name}.json', 'the splits') as unfinished:
            unfinished.write_text(json.dumps(pairs) + '\n')


def tree_jobs(root: Path, settings: Settings, splits: Splits) -> List[Job]:
    """All that there is to render.

    Args:
        root (Path): Root of the tree.
        settings (Settings): What to render.
        splits (dict[str, list[list[str]]]): Pairs by split.

    Returns:
        list[Job]: Two jobs per pair: each of the two is the target once.
    """
    return [
        Job(
            settings.seed,
            target,
            source,
            settings.frames,
            settings.size,
            video_files(root, target, source),
        )
        for pairs in splits.values()
        for pair in pairs
        for target, source in (pair, pair[::-1])
    ]


def render_tree(root: Path, settings: Settings, processes: int = 1) -> List[Job]:
    """Render a tree, or what is missing of it.

    Args:
        root (Path): Where it goes. A tree of the same settings is completed.
        settings (Settings): What to render.
        processes (int): Processes that render. Defaults to 1.

    Returns:
        list[Job]: All jobs of the tree, also those found done: they know the files.

    Raises:
        MMFakeError: If the folder holds something else; nothing is touched then.
    """
    settings.claim(root)
    splits = pair_up(settings.seed, settings.pairs)
    jobs = tree_jobs(root, settings, splits)
    for path in jobs[0].files.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    _write_splits(root, splits)
    run_all([job for job in jobs if not job.done()], processes)
    return jobs
