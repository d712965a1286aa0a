"""The unit of work of one process: the videos of one target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict

from .encode import write_video
from .videos import render_target


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
