"""Settings of a preparation: what a clip looks like, and where everything lies."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Dict, Optional

from mmfake.datasets.protocol import VideoRecord
from mmfake.errors import MMFakeError
from mmfake.faces.detectors import FaceSettings
from mmfake.video.mp4_file import X264
from mmfake.video.stored_clip import PICTURES

from ..clip_writer import clip_suffix, codec_settings
from .index_file import codecs_in

CLIP_FORMATS = ('mp4', 'jpg', 'npy')
"""tuple[str]: How clips can be stored."""

_NOT_FOR_DECORD = (16, 24, 48, 72)  # px; decord 0.6.0 counts the padding of their rows


@dataclass(frozen=True)
class Settings(FaceSettings):
    """Everything that decides what a clip looks like.

    Args:
        min_frames (int): Fewest frames of a clip. Defaults to 32.
        format (str): ``'mp4'``, ``'jpg'`` or ``'npy'``. Defaults to ``'mp4'``.
        own_track (bool): Whether each fake is tracked by itself, instead of being cropped where
            the face of its target original is. Defaults to False.
        preset (str): Of x264, for mp4: how much time it takes to save bytes. Defaults to
            ``'veryfast'``.
        **kwargs: Those of :class:`~mmfake.faces.detectors.FaceSettings`.

    Raises:
        MMFakeError: If a value is not possible.
    """

    min_frames: int = 32
    format: str = 'mp4'
    own_track: bool = False
    preset: str = X264['preset']

    def __post_init__(self) -> None:
        if self.format not in CLIP_FORMATS:
            raise MMFakeError(f'--format {self.format!r} is none of {", ".join(CLIP_FORMATS)}')
        if not 1 <= self.min_frames <= self.window:
            raise MMFakeError(
                f'--min-frames {self.min_frames} is not from 1 to --frames {self.window}'
            )
        if self.size < 16 or self.size % 2:
            raise MMFakeError(f'--size {self.size} is not an even number of 16 or more')
        if self.format == 'mp4' and self.size in _NOT_FOR_DECORD:
            raise MMFakeError(
                f'--size {self.size} is a width that decord cannot read from mp4: choose another, '
                'or --format jpg or npy'
            )
        if (self.detector == 'yunet') != (self.model is not None):
            raise MMFakeError(
                '--model FILE and --detector yunet go together: YuNet needs its model, '
                'face_detection_yunet_2023mar.onnx of the OpenCV model zoo, and nothing else does'
            )
        super().__post_init__()

    def provenance(self) -> Dict[str, str]:
        """Say in the columns of the index how clips are made."""
        detector, margin = self.load()
        return dict(
            detector=self.detector,
            detector_version='' if detector is None else detector.version,
            margin=f'{margin:g}',
            size=str(self.size),
            codec=codec_settings(self.format, self.encoder),
        )

    @property
    def encoder(self) -> Optional[Dict[str, str]]:
        """Options of x264; None for clips that it does not make."""
        return dict(X264, preset=self.preset) if self.format == 'mp4' else None

    def as_begun(self, root: Path) -> Settings:
        """Keep the preset of the clips that earlier runs have put into a folder.

        Clips of two presets in one dataset could be told apart by their compression.
        """
        earlier = replace(self, preset='medium')  # that of all clips before there was another
        begun = self.format == 'mp4' and earlier.provenance()['codec'] in codecs_in(root)
        return earlier if begun else self

    def fingerprint(self) -> Dict[str, object]:
        """Say what a clip depends on: another fingerprint, another clip."""
        values = asdict(self)
        values['frames'] = values.pop('window')
        del values['model']  # its content is in the detector's version, wherever the file lies
        del values['preset']  # it is in the codec
        return dict(values, **self.provenance())


@dataclass(frozen=True)
class Layout:
    """The folders of a prepared dataset.

    ``clips/``, ``tracks/``, ``points/`` and ``records/`` have the same inner order,
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

    def points(self, video: VideoRecord) -> Path:
        """Where the points of the face in the clip go, of an original."""
        return self._place('points', video, '.npy')

    def pictures(self, video: VideoRecord) -> Path:
        """Where the list of pictures goes, of a video of which there is nothing else."""
        return self._place('pictures', video, PICTURES)

    def record(self, video: VideoRecord) -> Path:
        """Where the record goes."""
        return self._place('records', video, '.json')

    def index(self, shard: str = '') -> Path:
        """Where the index goes."""
        return self.root / (f'index-{shard}.csv' if shard else 'index.csv')

    def relative(self, path: Path) -> str:
        """Write a path of this dataset as the index does: from the dataset's folder, with /."""
        return path.relative_to(self.root).as_posix()

    def _place(self, kind: str, video: VideoRecord, suffix: str) -> Path:
        return self.root / kind / video.method / video.compression / f'{video.stem}{suffix}'
