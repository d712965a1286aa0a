"""Official lists: reading the text and JSON files that a dataset comes with."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Tuple, TypeVar, Union

from mmfake.errors import MMFakeError

Made = TypeVar('Made')


def read_each(
    entries: Iterable[Tuple[Any, ...]], read: Callable[..., Made], faults: List[str]
) -> Iterator[Made]:
    """Read entry by entry; one that makes no sense is left out and noted in ``faults``."""
    for entry in entries:
        try:
            yield read(*entry)
        except MMFakeError as error:
            faults.append(str(error))


def read_lines(path: Union[str, Path]) -> Iterator[Tuple[str, str]]:
    """Read the lines that are not empty: where each is, for messages, and its text, stripped."""
    for number, line in enumerate(_read(Path(path)).splitlines(), 1):
        if line.strip():
            yield f'list {path}, line {number}', line.strip()


def read_entries(
    path: Union[str, Path], faults: List[str]
) -> Iterator[Tuple[str, str, Dict[str, Any]]]:
    """Read a JSON object with one object for each video: where it is, its key and its value."""
    path = Path(path)
    # as pairs: a dict keeps the last of two values for a key and says nothing
    entries = read_json(path, object_pairs_hook=_Pairs)
    if not isinstance(entries, _Pairs):
        raise MMFakeError(f'list {path} is no JSON object with one entry for each video')
    times = Counter(key for key, _ in entries)
    for key, value in dict(entries).items():
        where = f'list {path}, entry {key!r}'
        if times[key] > 1:
            faults.append(f'{where} is there {times[key]} times')
        elif not isinstance(value, _Pairs):
            faults.append(f'{where} is {value!r}, not an object such as {{"label": ...}}')
        else:
            yield where, key, dict(value)


def read_json(path: Path, **options) -> Any:
    """Read a JSON file; options as of ``json.loads``."""
    try:
        return json.loads(_read(path), **options)
    except (ValueError, RecursionError) as error:
        raise MMFakeError(
            f'list {path} cannot be read as JSON ({error}): copy it anew from the dataset'
        ) from None


class _Pairs(list):
    """The keys and values of a JSON object."""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8-sig')
    except FileNotFoundError:
        raise MMFakeError(
            f'list {path} not found: copy it from the dataset, which comes with it'
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MMFakeError(f'list {path} cannot be read ({error}): copy it anew') from None
