"""What all shards of a dataset have to agree on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Dict, Sequence

from mmfake.atomic_file import atomic_file
from mmfake.datasets.video_record import VideoRecord
from mmfake.errors import MMFakeError

from .settings import Settings


def write_shard_facts(index: Path, videos: Sequence[VideoRecord], settings: Settings) -> None:
    """Write beside the index of a shard what the whole is.

    Args:
        index (Path): Index of the shard.
        videos (Sequence[VideoRecord]): The videos of all shards.
        settings (Settings): How clips are made.

    Raises:
        MMFakeError: If it cannot be written.
    """
    names = '\n'.join(sorted(f'{video.video_id} {video.split}' for video in videos))
    facts = dict(
        videos=len(videos),
        list_of_videos=hashlib.blake2b(names.encode(), digest_size=16).hexdigest(),
        **settings.fingerprint(),
    )
    with atomic_file(index.with_suffix('.json'), 'what the shards are of') as path:
        path.write_text(json.dumps(facts, indent=1) + '\n', encoding='utf-8')


def read_shard_facts(index: Path) -> Dict[str, object]:
    """Read what :func:`write_shard_facts` wrote.

    Args:
        index (Path): Index of the shard.

    Returns:
        dict[str, object]: The facts.

    Raises:
        MMFakeError: If they are missing or damaged.
    """
    path = index.with_suffix('.json')
    try:
        facts = json.loads(path.read_text(encoding='utf-8'))
        facts['videos'] += 0
    except (OSError, ValueError, TypeError, KeyError):
        raise MMFakeError(
            f'{path} is missing or damaged: run this shard again, which makes no clip anew'
        ) from None
    return facts
