"""Official lists: reading the text and JSON files that a dataset comes with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple, Union

from mmfake.errors import MMFakeError, sample_of


def read_lines(path: Union[str, Path]) -> Iterator[Tuple[str, str]]:
    """Read the lines that are not empty: where each is, for messages, and its text, stripped."""
    for number, line in enumerate(_read(Path(path)).splitlines(), 1):
        if line.strip():
            yield f'list {path}, line {number}', line.strip()


def read_entries(path: Union[str, Path]) -> Iterator[Tuple[str, str, Dict[str, Any]]]:
    """Read a JSON object with one object for each video: where it is, its key and its value."""
    path = Path(path)
    try:
        entries = json.loads(_read(path), object_pairs_hook=_refuse_repetition)
    except ValueError as error:
        raise MMFakeError(
            f'list {path} cannot be read as JSON ({error}): copy it anew from the dataset'
        ) from None
    if not isinstance(entries, dict):
        raise MMFakeError(f'list {path} is no JSON object with one entry for each video')
    for key, value in entries.items():
        where = f'list {path}, entry {key!r}'
        if not isinstance(value, dict):
            raise MMFakeError(f'{where} is {value!r}, not an object such as {{"label": ...}}')
        yield where, key, value


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8-sig')
    except FileNotFoundError:
        raise MMFakeError(
            f'list {path} not found: copy it from the dataset, which comes with it'
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MMFakeError(f'list {path} cannot be read ({error}): copy it anew') from None


def _refuse_repetition(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    """Make an object; plain JSON keeps the last of two values for a key and says nothing."""
    entries = dict(pairs)
    if len(entries) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f'twice: {sample_of(sorted({k for k in keys if keys.count(k) > 1}))}')
    return entries
