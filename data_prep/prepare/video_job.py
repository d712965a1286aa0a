"""Job: one video, and the record that says from what its clip was made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

from mmfake.datasets.protocol import VideoRecord
from mmfake.errors import MMFakeError
from mmfake.faces.face_track import FaceTrack
from mmfake.files import atomic_file

from .settings import Layout, Settings


@dataclass(frozen=True)
class VideoJob:
    """A video and what to make of it.

    Args:
        video (VideoRecord): The video; its ``filename`` is the raw file.
        layout (Layout): Where things go.
        settings (Settings): How the clip is made.
        guide (VideoRecord, optional): The target original of a fake, whose boxes the fake is
            cropped with. Defaults to None: the video is tracked by itself.
    """

    video: VideoRecord
    layout: Layout
    settings: Settings
    guide: Optional[VideoRecord] = None

    def read_record(self) -> Optional[dict]:
        """Read what an earlier run left; None if that is nothing, or damaged."""
        return _read(self.layout.record(self.video))

    def guide_record(self) -> Optional[dict]:
        """Read the record of the guide; None unless that was made into a clip."""
        record = self.guide and _read(self.layout.record(self.guide))
        return record if record and record['facts']['status'] == 'used' else None

    def guide_input(self) -> Optional[List[str]]:
        """Say which video the guide is and what its raw file holds; None without one."""
        record = self.guide_record()
        return record and [self.guide.video_id, record['inputs']['source']['hash']]

    def inputs(self, record: Optional[dict]) -> Dict[str, object]:
        """Say what the clip is made from: settings, raw file and guide, as JSON keeps them.

        The raw file is not read if size and time are those of the record of an earlier run.
        """
        status = Path(self.video.filename).stat()
        source = dict(size=status.st_size, mtime_ns=status.st_mtime_ns)
        before = (record or {}).get('inputs', {}).get('source', {})
        if source == {key: before.get(key) for key in source}:
            source['hash'] = before['hash']
        else:
            source['hash'] = file_hash(Path(self.video.filename))
        return dict(settings=self.settings.fingerprint(), source=source, guide=self.guide_input())

    def is_current(self, record: Optional[dict]) -> bool:
        """Tell whether there is nothing to do: same inputs as in the record, clip still there."""
        try:
            if record is None or not _same(record['inputs'], self.inputs(record)):
                return False
            if record['facts']['status'] != 'used':
                return True
            FaceTrack.load(self.layout.track(self.video))
            return clip_bytes(self.layout.clip(self.video)) == record['clip_bytes']
        except (OSError, MMFakeError):  # a file is gone or damaged; making the clip will say more
            return False

    def note_times(self) -> None:
        """Note the time of a raw file whose content is as it was, or every run would read it."""
        record = self.read_record()
        if record is None:
            return
        try:
            inputs = json.loads(json.dumps(self.inputs(record)))
        except OSError:  # it went away since it was compared; the next run finds it missing
            return
        if inputs != record['inputs']:
            self.write_record(dict(record, inputs=inputs))

    def write_record(self, record: dict) -> None:
        """Write the record, after all else: with it the video is finished."""
        with atomic_file(self.layout.record(self.video), 'the record') as path:
            path.write_text(json.dumps(record, indent=1) + '\n', encoding='utf-8')


def _same(before: dict, now: dict) -> bool:
    """Compare inputs; the time of a file whose content is the same does not matter."""

    def essence(inputs: dict) -> list:
        return [inputs['settings'], inputs['source']['hash'], inputs['guide']]

    return essence(before) == essence(json.loads(json.dumps(now)))


def _read(path: Path) -> Optional[dict]:
    """Read a record; a damaged one counts as none, so that the video is made again."""
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
        whole = {'facts', 'inputs', 'clip_bytes'} <= set(record)
    except (OSError, ValueError, TypeError):
        return None
    return record if whole else None


def file_hash(path: Path) -> str:
    """Hash a file, or all files of a folder: 128 bits of BLAKE2b, hexadecimal."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with open(file, 'rb') as stream:
            for block in iter(lambda: stream.read(1 << 20), b''):
                digest.update(block)
    return digest.hexdigest()


def clip_bytes(clip: Path) -> int:
    """Add up the bytes of a clip, a file or a folder; 0 if there is none."""
    if clip.is_dir():
        return sum(file.stat().st_size for file in clip.iterdir())
    return clip.stat().st_size if clip.exists() else 0
