"""Where the parts of a prepared dataset lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmfake.datasets.video_record import VideoRecord
from mmfake.video import clip_suffix


@dataclass(frozen=True)
class Layout:
    """The folders of a prepared dataset.

    ``clips/``, ``tracks/`` and ``records/`` have the same inner order,
    ``<method>/<compression>/<stem>``. A record is what is known of a finished video; it is written
    last, so that a clip without one is not taken for finished.

    Args:
        root (Path): The dataset's folder.
        format (str): ``'mp4'``, ``'jpg'`` or ``'npy'``. Defaults to ``'mp4'``.
    """

    root: Path
    format: str = 'mp4'

    def clip(self, video: VideoRecord) -> Path:
        """Where the face clip goes: a file, or a folder of pictures."""
        return self._place('clips', video, clip_suffix(self.format))

    def track(self, video: VideoRecord) -> Path:
        """Where the face boxes go."""
        return self._place('tracks', video, '.npz')

    def record(self, video: VideoRecord) -> Path:
        """Where the record goes."""
        return self._place('records', video, '.json')

    def index(self, shard: str = '') -> Path:
        """Where the index goes.

        Args:
            shard (str): ``'2-of-10'``, or empty for the whole. Defaults to ``''``.
        """
        return self.root / (f'index-{shard}.csv' if shard else 'index.csv')

    def relative(self, path: Path) -> str:
        """Write a path of this dataset as the index does: from the dataset's folder, with /."""
        return path.relative_to(self.root).as_posix()

    def _place(self, kind: str, video: VideoRecord, suffix: str) -> Path:
        return self.root / kind / video.method / video.compression / f'{video.stem}{suffix}'
