"""Rendering a whole FaceForensics++-shaped tree."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List

import cv2
import numpy as np

from mmfake.datasets.protocol import get_manipulation
from mmfake.files import atomic_file, remove_leftovers

from ..clip_writer import write_clip
from ..progress import progress_bar
from ..worker_pool import WorkerPool
from .head_model import HeadModel, shoot
from .identity import Splits, pair_up
from .methods import deepfakes, face2face, faceswap, neural_textures
from .motion import FPS
from .settings import Settings

# The same for originals and manipulations, or the codec would give the label away. crf 23 is the
# c23 of FaceForensics++. decord counts frames wrongly where groups of pictures are open or where
# frames are reordered, hence a closed group of one second and no B-frames. Flicker must not be
# taken for a cut, which would give manipulations more key frames than originals. Without the
# macroblock tree the same pictures always give the same bytes.
X264 = {
    'crf': '23',
    'preset': 'medium',
    'bf': '0',
    'g': str(FPS),
    'flags': '+cgop',
    'sc_threshold': '0',
    'mbtree': '0',
}


def write_video(path: Path, video: np.ndarray) -> None:
    """Encode a video as H.264 in mp4; the file appears under its name only when it is whole.

    Args:
        path (Path): Where it goes.
        video (np.ndarray): (T, H, W, 3) uint8 RGB, H and W even.
    """
    remove_leftovers(path)
    write_clip(path, video, FPS, settings=X264)


FAMILIES = {'df': deepfakes, 'f2f': face2face, 'fs': faceswap, 'nt': neural_textures}


def render_target(
    seed: int, target: str, source: str, frames: int, side: int
) -> Dict[str, np.ndarray]:
    """Render the videos of one target.

    Args:
        seed (int): Seed of the dataset.
        target (str): Id whose background and head are seen.
        source (str): Id whose face or expression is put there.
        frames (int): Number of frames T.
        side (int): Side S of the picture in pixels.

    Returns:
        dict[str, np.ndarray]: 'original', 'df', 'f2f', 'fs', 'nt' to (T, S, S, 3) uint8 RGB. A
        video depends on the seed and the ids it shows, on nothing else.
    """
    # One thread: parallelism is over targets, and threads would only contend.
    cv2.setNumThreads(1)
    take = shoot(seed, target, frames, side)
    other = HeadModel(seed, source, 2 * side)
    videos = {'original': take.video}
    videos.update({key: family(take, other) for key, family in FAMILIES.items()})
    return {
        key: np.clip(video * 255.0 + 0.5, 0, 255).astype(np.uint8) for key, video in videos.items()
    }


@dataclass(frozen=True)
class Job:
    """Which videos of a target to write.

    Args:
        seed (int): Seed of the dataset.
        target (str): Id whose background and head are seen.
        source (str): Id whose face or expression is put there.
        frames (int): Frames per video.
        size (int): Side of the picture in pixels.
        files (dict[str, Path]): Where each video goes, by the keys of
            :func:`mini_ffpp.videos.render_target`.
    """

    seed: int
    target: str
    source: str
    frames: int
    size: int
    files: Dict[str, Path]

    def done(self) -> bool:
        """Whether all its videos are there.

        Returns:
            bool: True if there is nothing to do.
        """
        return all(path.exists() for path in self.files.values())

    def run(self) -> None:
        """Render the target and write those of its videos that are not there yet."""
        videos = render_target(self.seed, self.target, self.source, self.frames, self.size)
        for key, path in self.files.items():
            if not path.exists():
                write_video(path, videos[key])


def run_all(jobs: List[Job], processes: int) -> None:
    """Run all jobs; when interrupted, finish those begun and drop the rest.

    Args:
        jobs (list[Job]): What to do, in any order.
        processes (int): Processes that work at the same time.
    """
    if not jobs:
        return
    bar = progress_bar('rendering', 'identities')
    processes = min(processes, len(jobs))
    with bar, WorkerPool(Job.run, processes, preload=['mmfake.video.frame_reader']) as pool:
        task = bar.add_task('', total=len(jobs))
        for job in jobs:
            pool.submit(job)
        for _, future in pool.finished():
            future.result()
            bar.advance(task)


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
