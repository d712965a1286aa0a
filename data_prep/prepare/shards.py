"""Shards: a part of the videos for each machine, and the facts that let them be merged."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence

from mmfake.datasets.protocol import UNKNOWN, VideoRecord
from mmfake.errors import MMFakeError
from mmfake.files import atomic_file

from .settings import Settings


@dataclass(frozen=True)
class Shard:
    """The i-th of n shares.

    Args:
        number (int): Which, from 1. Defaults to 1.
        count (int): Of how many. Defaults to 1.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``i/n``."""
        match = re.fullmatch(r'(\d+)/(\d+)', text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise MMFakeError(f'--shard {text!r} is not i/n with i from 1 to n, e.g. 2/10')
        return cls(int(match[1]), int(match[2]))

    @property
    def name(self) -> str:
        """str: ``'2-of-10'``; empty if it is the whole."""
        return f'{self.number}-of-{self.count}' if self.count > 1 else ''

    def select(self, videos: Sequence[VideoRecord]) -> List[VideoRecord]:
        """Choose its videos; an original and its manipulations stay together."""
        names = [family_of(video.video_id, video.target) for video in videos]
        place = {name: number for number, name in enumerate(sorted(set(names)))}
        mine = self.number - 1
        return [v for v, name in zip(videos, names) if place[name] % self.count == mine]


def family_of(video_id: str, target: str) -> str:
    """Name what stays together: an original and all that was made of it."""
    dataset, _, compression, _ = video_id.split('/')
    return video_id if target == UNKNOWN else f'{dataset}/{compression}/{target}'


def write_shard_facts(index: Path, videos: Sequence[VideoRecord], settings: Settings) -> None:
    """Write beside the index of a shard what the whole is."""
    names = '\n'.join(sorted(f'{video.video_id} {video.split}' for video in videos))
    facts = dict(
        videos=len(videos),
        list_of_videos=hashlib.blake2b(names.encode(), digest_size=16).hexdigest(),
        **settings.fingerprint(),
    )
    with atomic_file(index.with_suffix('.json'), 'what the shards are of') as path:
        path.write_text(json.dumps(facts, indent=1) + '\n', encoding='utf-8')


def read_shard_facts(index: Path) -> Dict[str, object]:
    """Read what :func:`write_shard_facts` wrote."""
    path = index.with_suffix('.json')
    try:
        facts = json.loads(path.read_text(encoding='utf-8'))
        facts['videos'] += 0
    except (OSError, ValueError, TypeError, KeyError):
        raise MMFakeError(
            f'{path} is missing or damaged: run this shard again, which makes no clip anew'
        ) from None
    return facts
