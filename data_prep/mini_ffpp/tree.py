"""Tree of the rendered dataset: its settings, pairs and splits, and the videos to render."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, List

import cv2
import numpy as np

from mmfake.datasets.manipulations import ORIGINAL, get_manipulation
from mmfake.datasets.protocol import RENDERED
from mmfake.errors import MMFakeError
from mmfake.faces.clip_points import write_points
from mmfake.files import atomic_file, remove_leftovers

from ..clip_writer import write_clip
from ..worker_pool import run_jobs
from .head_model import HeadModel, face_points, shoot
from .identity import sample_identity
from .methods import FAMILIES
from .motion import FPS
from .noise import rng_for

FILE_NAME = f'{RENDERED}.json'  # by which its videos are told from those of FaceForensics++
# Raised whenever the pixels change: a tree of another version is never mixed with this one's.
RENDERER = 2


@dataclass(frozen=True)
class Settings:
    """Settings of one mini tree.

    Args:
        pairs (int): Pairs of identities; every pair gives 2 originals and 2 videos per
            manipulation. Defaults to 48.
        seed (int): Seed of everything random. Defaults to 0.
        frames (int): Frames per video, at 25 per second. Defaults to 40.
        size (int): Side of the square picture in pixels. Defaults to 128.

    Raises:
        MMFakeError: If a value is out of range.
    """

    pairs: int = 48
    seed: int = 0
    frames: int = 40
    size: int = 128

    def __post_init__(self) -> None:
        self._check('pairs', 3 <= self.pairs <= 499, 'between 3 (one per split) and 499')
        self._check('seed', 0 <= self.seed < 2**32, 'between 0 and 4294967295')
        self._check('frames', 2 <= self.frames <= 2000, 'between 2 and 2000')
        even = self.size % 2 == 0  # H.264 stores colour at half the resolution
        self._check('size', 32 <= self.size <= 512 and even, 'an even number between 32 and 512')

    def _check(self, name: str, good: bool, wanted: str) -> None:
        if not good:
            raise MMFakeError(f'--{name} {getattr(self, name)} is not {wanted}: choose another')

    def claim(self, root: Path) -> None:
        """Make a folder the home of this tree, or recognise it; nothing else in it is touched."""
        file, wanted = root / FILE_NAME, {'renderer': RENDERER, **asdict(self)}
        if root.exists() and not root.is_dir():
            raise MMFakeError(f'{root} is a file: choose a folder for --out')
        if not file.exists():
            if root.exists() and any(root.iterdir()):
                raise MMFakeError(
                    f'{root} is not empty and has no {FILE_NAME}: choose another folder for --out'
                )
            with atomic_file(file, 'what the tree is made of') as unfinished:
                unfinished.write_text(json.dumps(wanted, indent=2) + '\n')
            return
        try:
            found = dict(json.loads(file.read_text()))
        except (TypeError, ValueError) as error:
            raise MMFakeError(
                f'{file} cannot be read ({error}): delete {root} or choose another --out'
            ) from error
        if found != wanted:
            names = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
            differ = ', '.join(f'{n} {found.get(n)} instead of {wanted.get(n)}' for n in names)
            raise MMFakeError(
                f'{root} holds a mini tree of other settings ({differ}): '
                'choose another --out or delete it'
            )


# ---- pairs and splits

Splits = Dict[str, List[List[str]]]


def pair_up(seed: int, pairs: int) -> Splits:
    """Pair ids and share the pairs out, so that no identity is in two splits.

    A sixth of the pairs validates and a quarter tests: 28, 8 and 12 of the default 48, so that a
    test of one manipulation compares 24 originals with 24 manipulated videos.
    """
    rng = rng_for(seed, 'pairs')
    numbers = [f'{k:03d}' for k in range(2 * pairs)]
    # Similar skin is paired with similar skin, as the makers of FaceForensics++ paired similar
    # faces; a face of another tone would give every swap away at first glance.
    tone = [sample_identity(seed, n).skin.mean() * np.exp(0.05 * rng.normal()) for n in numbers]
    ranked = [numbers[k] for k in np.argsort(tone)]
    couples = [sorted(ranked[k : k + 2]) for k in range(0, 2 * pairs, 2)]
    couples = [couples[k] for k in rng.permutation(pairs)]
    val, test = max(1, pairs // 6), max(1, pairs // 4)
    train = pairs - val - test
    return {
        'train': sorted(couples[:train]),
        'val': sorted(couples[train : train + val]),
        'test': sorted(couples[train + val :]),
    }


# ---- the videos of one target

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
    """Encode a video as H.264 in mp4; the file appears under its name only when it is whole."""
    remove_leftovers(path)
    write_clip(path, video, FPS, settings=X264)


def render_target(
    seed: int, target: str, source: str, frames: int, side: int
) -> Dict[str, np.ndarray]:
    """Render the videos of one target, (T, S, S, 3) uint8 RGB by ``'original'``, ``'df'``, ...

    A video depends on the seed and the ids it shows, on nothing else.
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
        files (dict[str, Path]): Where each video goes, by the keys of :func:`render_target`.
        points (Path): Where the points of the face in the original go.
    """

    seed: int
    target: str
    source: str
    frames: int
    size: int
    files: Dict[str, Path]
    points: Path

    def done(self) -> bool:
        """Tell whether all its videos, and the points, are there."""
        return all(path.exists() for path in (*self.files.values(), self.points))

    def run(self) -> None:
        """Render the target and write those of its videos, and points, that are not there yet."""
        if not self.points.exists():
            points = face_points(self.seed, self.target, self.frames, self.size)
            write_points(self.points, points)
        if all(path.exists() for path in self.files.values()):
            return
        videos = render_target(self.seed, self.target, self.source, self.frames, self.size)
        for key, path in self.files.items():
            if not path.exists():
                write_video(path, videos[key])


# ---- the whole tree


def video_files(root: Path, target: str, source: str) -> Dict[str, Path]:
    """Where the videos of one target lie, in the official layout."""
    stems = {'original': target, **dict.fromkeys(FAMILIES, f'{target}_{source}')}
    return {
        key: root / get_manipulation(key).folder / 'c23' / 'videos' / f'{stem}.mp4'
        for key, stem in stems.items()
    }


def points_file(root: Path, target: str) -> Path:
    """Where the points of an original lie: in a folder beside that of the videos."""
    return root / get_manipulation(ORIGINAL).folder / 'c23' / 'points' / f'{target}.npy'


def _write_splits(root: Path, splits: Splits) -> None:
    """Write the three split files, each under its name only when whole."""
    for name, pairs in splits.items():
        with atomic_file(root / 'splits' / f'{name}.json', 'the splits') as unfinished:
            unfinished.write_text(json.dumps(pairs) + '\n')


def tree_jobs(root: Path, settings: Settings, splits: Splits) -> List[Job]:
    """List all that there is to render."""
    return [
        Job(
            *(settings.seed, *ids, settings.frames, settings.size, video_files(root, *ids)),
            points=points_file(root, ids[0]),
        )
        for pairs in splits.values()
        for pair in pairs
        for ids in (pair, pair[::-1])
    ]


def render_tree(root: Path, settings: Settings, processes: int = 1) -> List[Job]:
    """Render a tree, or what is missing of it; gives all its jobs, which know the files.

    When interrupted, the targets begun are finished and the others dropped.
    """
    settings.claim(root)
    splits = pair_up(settings.seed, settings.pairs)
    jobs = tree_jobs(root, settings, splits)
    for path in (*jobs[0].files.values(), jobs[0].points):
        path.parent.mkdir(parents=True, exist_ok=True)
    _write_splits(root, splits)
    missing = [job for job in jobs if not job.done()]
    for _, future in run_jobs(Job.run, missing, processes, 'identities'):
        future.result()
    return jobs
