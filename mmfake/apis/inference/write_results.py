"""The files of a run that other programs read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Dict, Union

from ...atomic_file import atomic_file
from .own_files import RESULTS, TABLE

_COLUMNS = (
    *('video', 'verdict', 'probability', 'threshold', 'threshold_source', 'status', 'reason'),
    *('likely_family', 'people', 'clips', 'duration', 'warnings'),
)


def write_results(results: Dict[str, Any], folder: Union[str, Path]) -> None:
    """Write ``results.json`` and ``results.csv``, each whole or not at all.

    Args:
        results (dict): As :data:`RESULTS_SCHEMA` says.
        folder (str | Path): Where they go.

    Raises:
        MMFakeError: If they cannot be written.
    """
    write_json(results, Path(folder, RESULTS))
    table = io.StringIO()
    rows = csv.DictWriter(table, _COLUMNS, lineterminator='\n')
    rows.writeheader()
    rows.writerows(_row(results, video) for video in results['predictions'])
    _write(Path(folder, TABLE), table.getvalue())


def write_json(results: Dict[str, Any], path: Union[str, Path]) -> None:
    """Write the results as JSON, whole or not at all.

    Args:
        results (dict): As :data:`RESULTS_SCHEMA` says.
        path (str | Path): The file.

    Raises:
        MMFakeError: If it cannot be written.
    """
    text = json.dumps(results, indent=2, allow_nan=False, ensure_ascii=False)
    _write(Path(path), text + '\n')


def _write(path: Path, text: str) -> None:
    with atomic_file(path, 'the results') as temporary:
        # a file name that is no valid text must not cost the results
        temporary.write_bytes(text.encode('utf-8', 'backslashreplace'))


def _row(results: Dict[str, Any], video: Dict[str, Any]) -> Dict[str, Any]:
    row = {key: video.get(key) for key in ('video', 'verdict', 'probability', 'status', 'reason')}
    return dict(
        row,
        threshold=results['threshold'],
        threshold_source=results['threshold_source'],
        likely_family=(video['family'] or {}).get('likely'),
        people=len(video['people']),
        clips=sum(len(person['clips']) for person in video['people']),
        duration=video['metadata'].get('duration'),
        warnings='; '.join(video['warnings']),
    )
