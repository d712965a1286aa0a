"""Sidecar of a scores file: checkpoint, config, averaging, threshold and the list of videos."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple, Union

import pandas as pd

from ..errors import MMFakeError, sample_of
from ..files import atomic_file, sha256_of, write_json
from .scores import read_scores_file, write_scores_file

PathLike = Union[str, Path]

GIVEN, VALIDATION = 'given', 'chosen on validation'
"""str: Where a threshold is from."""


def sidecar_of(path: PathLike) -> Path:
    """Name the sidecar of a file of scores: ``scores.json`` beside ``scores.csv``."""
    return Path(path).with_suffix('.json')


def hash_of_videos(videos: Iterable[str]) -> str:
    """Hash a list of videos, in whatever order: SHA-256 in hexadecimal digits."""
    return hashlib.sha256('\n'.join(sorted(videos)).encode()).hexdigest()


def write_scores(frame: pd.DataFrame, path: PathLike, facts: Mapping[str, Any]) -> str:
    """Write video scores and the sidecar that says what they are of.

    A file of other videos that is there already is kept under another name,
    ``scores-<hash>.csv``, with its sidecar; one of the same videos is replaced.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~mmfake.evaluation.scores.score_videos` makes them.
        path (str | Path): The CSV file; its sidecar has the ending ``.json``.
        facts (Mapping): What the sidecar holds beside the hashes of the file and of its list of
            videos, such as ``checkpoint``, ``config``, ``averaging``, ``threshold`` and
            ``threshold_from``.

    Returns:
        str: What differs from the file that was there, one line, or ``''``.

    Raises:
        MMFakeError: A file cannot be written.
    """
    path = Path(path)
    difference = _keep_other_list(path, frame)
    write_scores_file(frame, path)
    beside = sidecar_of(path)
    if beside.exists() and not _is_sidecar(_read_json(beside)):
        return difference  # some other file of the user's
    record = dict(
        scores_sha256=sha256_of(path),
        videos=len(frame),
        videos_sha256=hash_of_videos(frame['video']),
        **facts,
    )
    write_json(beside, record, 'what the scores are of')
    return difference


def read_sidecar(path: PathLike) -> Dict[str, Any]:
    """Read what a file of scores is of; empty where it has no sidecar, or one of other scores."""
    record = _read_json(sidecar_of(path))
    if not _is_sidecar(record) or record['scores_sha256'] != sha256_of(path):
        return {}
    return record


def known_threshold(facts: Mapping[str, Any]) -> Tuple[Optional[float], str]:
    """Give the threshold that a sidecar holds, or None, and where it is from."""
    value = facts.get('threshold')
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        return None, ''
    source = facts.get('threshold_from')
    return float(value), 'given to the test' if source == GIVEN else VALIDATION


def threshold_text(level: Optional[float], source: str) -> str:
    """Say which threshold is used: its value and where it is from, 0.5 where there is none."""
    return '0.5, as none is known from validation' if level is None else f'{level:.4g}, {source}'


def _is_sidecar(record: Any) -> bool:
    return isinstance(record, dict) and 'scores_sha256' in record


def _read_json(path: Path) -> Any:
    with contextlib.suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding='utf-8'))
    return None


def _keep_other_list(path: Path, frame: pd.DataFrame) -> str:
    """Keep a file of other videos under another name, and say what differs."""
    if not path.is_file():
        return ''
    try:
        before, now = set(read_scores_file(path)['video']), set(frame['video'])
    except MMFakeError:
        before, now = None, set(frame['video'])
    if before == now:
        return ''

    kept = path.with_name(f'{path.stem}-{sha256_of(path)[:8]}{path.suffix}')
    _copy(path, kept)
    if _is_sidecar(_read_json(sidecar_of(path))):
        _copy(sidecar_of(path), sidecar_of(kept))
    if before is None:
        return f'{path} was no file of scores; what was there is kept as {kept.name}'
    parts = [
        f'{len(names)} {word} ({sample_of(sorted(names))})'
        for word, names in (('missing', before - now), ('new', now - before))
        if names
    ]
    return (
        f'{path}: other videos than before, {len(now)} instead of {len(before)}: '
        f'{", ".join(parts)}; the earlier scores are kept as {kept.name}'
    )


def _copy(source: Path, target: Path) -> None:
    with atomic_file(target, 'a copy of the earlier scores') as temporary:
        shutil.copyfile(source, temporary)
