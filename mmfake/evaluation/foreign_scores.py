"""Foreign score files: scores per video as other programs and people write them (CSV, TSV)."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, Iterator, List, Pattern, Sequence, Tuple, Union

import pandas as pd

from ..datasets.manipulations import canonical_method
from ..errors import MMFakeError, sample_of
from .scores import (
    COLUMNS,
    NOT_SCORED,
    SCORED,
    SampleScore,
    frame_of,
    label_of,
    score_videos,
)
from .scores_file import A_SCORE, checked_row, refuse_doubled
from .video_metrics import format_summary

NEEDED = ('video', 'method', 'label', 'score')
"""tuple[str]: The columns that a file of scores must have."""

NO_SCORE = 'no score in the file'

_SEPARATORS = ',\t;'
_FEW_METHODS = 9  # that many may have one row each
_FEW_VIDEOS = 10  # fewer names may be folders
_MISSING = ('', 'nan', 'none', 'na', 'n/a', 'null')
_LABELS = {
    **dict.fromkeys(('0', 'false', 'real', 'original', 'pristine', 'genuine'), '0'),
    **dict.fromkeys(('1', 'true', 'fake', 'manipulated', 'deepfake'), '1'),
}
_DECIMAL_COMMA = re.compile(r'[+-]?\d*,\d+')
_VIDEO_FILE = re.compile(r'\.(?:mp4|m4v|mov|avi|mkv|webm|mpe?g|wmv|npy)$', re.IGNORECASE)

_PICTURE = r'\.(?:png|jpe?g|bmp|webp|tiff?)'
# 'VIDEO/012.png', 'VIDEO_012.jpg', 'VIDEO/frame_012', 'VIDEO_frame12.png', 'VIDEO_t1.5.png'
_FRAME = re.compile(
    r'(.+?)(?:[/_ .#:@-](?:(?:frame|img|image|f|t)?[_-]?\d+|t[_-]?\d+\.\d+)s?'
    rf'{_PICTURE}|[/_-]frame[_-]?\d+)',
    re.IGNORECASE,
)
# 'VIDEO/003_0.png', whatever the picture is called
_FOLDER = re.compile(rf'(.+)/[^/]+{_PICTURE}', re.IGNORECASE)
# 'VIDEO/12', 'VIDEO#12', 'VIDEO@1.5s' and 'VIDEO_clip3', which may be videos as well
_PART = re.compile(
    r'(.+)(?:[/#:@]\d+(?:\.\d+)?s?|[/_-](?:clip|segment|seg|chunk|window|part|shot)[_-]?\d+)',
    re.IGNORECASE,
)


def told_of_parts(frame: pd.DataFrame) -> str:
    """Say that rows may be frames or clips of videos, ``''`` if nothing speaks for it.

    Args:
        frame (pandas.DataFrame): As :func:`read_foreign_scores` returns it.
    """
    names = defaultdict(list)
    for video, method in zip(frame['video'], frame['method']):
        whole = _video_of(video, method, _PART)
        if whole != video:
            names[whole].append(video)
    n_rows = sum(map(len, names.values()))
    if len(names) < _FEW_VIDEOS or n_rows < 2 * len(names) or 2 * n_rows <= len(frame):
        return ''
    first = next(rows for rows in names.values() if len(rows) > 1)
    return (
        f'{n_rows} rows are named as parts of {len(names)} videos ({first[0]}, {first[1]}): if '
        'they are frames or clips, average them (--average-frames, or one row a video), as n and '
        'intervals take each row for a video that is independent of the others'
    )


def told_of_copies(frame: pd.DataFrame) -> List[str]:
    """Say of which methods the same videos are there several times, in several folders.

    Equal file names may number other videos: told are names whose rows all have one score, where
    most rows of the method are such and equal scores are no chance.

    Args:
        frame (pandas.DataFrame): As :func:`read_foreign_scores` returns it.

    Returns:
        list[str]: A line for each such method.
    """
    lines = []
    for method, rows in frame[frame['status'] == SCORED].groupby('method'):
        names = rows['video'].str.split('/').str[-1]
        scores = rows.groupby(names)['score']
        same = (scores.transform('nunique') == 1) & (scores.transform('size') > 1)
        chance = (scores.first().value_counts(normalize=True) ** 2).sum()
        if same.sum() < _FEW_VIDEOS or same.mean() <= max(0.5, 2 * chance):
            continue
        copies = names[same]
        first, second = rows['video'][names == copies.iloc[0]][:2]
        lines.append(
            f'{same.sum()} rows of {method} look like {copies.nunique()} videos that are there '
            f'several times, under several folders with the same score ({first}, {second}): AP, '
            'accuracy and all intervals take each for a video of its own; keep one row of each'
        )
    return lines


def read_foreign_scores(path: Union[str, Path], average_frames: bool = False) -> pd.DataFrame:
    """Read and check anybody's file of video scores, or one of ours.

    A file with all columns of ``scores.csv`` is read as such. Any other is a text file with a
    header and the columns ``video``, ``method``, ``label`` (0 original, 1 manipulated) and
    ``score`` (how strongly it speaks for manipulated, 0 to 1), separated by commas, tabs or
    semicolons; further ones are ignored. Capitals and spaces do not matter, a label may be written
    as ``1.0``, ``True`` or ``FAKE``. A score that is empty, ``NaN``, ``None``, ``NA`` or any other
    word makes the video one that is not scored.
    Methods may be spelt as the folders or names of FaceForensics++, ``Deepfakes`` for ``df``.
    Methods often share their file names: unless the method is part of it, ``video`` is put after
    the method, ``033_097`` of ``df`` becoming ``df/033_097``.

    Args:
        path (str | Path): The file.
        average_frames (bool): Whether rows of frames, named ``VIDEO/FRAME.png``,
            ``VIDEO_frame_NNN``, ``VIDEO/NNN`` or the like, and several rows of one video are
            averaged. Defaults to False: those that are frames for certain are refused.

    Returns:
        pandas.DataFrame: As :func:`~mmfake.evaluation.scores.score_videos` returns it, with the
        number of rows of the file in ``attrs['rows']``.

    Raises:
        MMFakeError: The file cannot be read, is empty, lacks a column, has a bad row, a video
            twice, rows of frames, or videos as methods; the message names the file and the line.
    """
    try:
        text = Path(path).read_bytes().decode('utf-8-sig')
        rows = list(_rows(text, path, average_frames))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, 'strerror', None) or error
        raise MMFakeError(
            f'{path}: not a readable file of scores ({reason}); expected a CSV file with the '
            f'header {",".join(NEEDED)}'
        ) from None
    if not rows:
        raise MMFakeError(f'{path}: no video below the header; give one row for each video')
    frame = _averaged(rows, path) if average_frames else frame_of(rows)
    if not (frame['status'] == SCORED).any():
        raise MMFakeError(f'{path}: no video has a score: {format_summary(frame)}')
    frame.attrs['rows'] = len(rows)
    return frame


def _rows(text: str, path: Union[str, Path], average_frames: bool) -> Iterator[tuple]:
    # header
    header, separator = _header(text)
    absent = [name for name in NEEDED if name not in header]
    if absent:
        found = text.split('\n', 1)[0].strip()[:80] or 'nothing'
        raise MMFakeError(
            f'{path}:1: no column {", ".join(absent)} in the first line ({found}); the first line '
            f'must be a header with {",".join(NEEDED)}, separated by commas, tabs or semicolons'
        )
    ours = all(name in header for name in COLUMNS)
    refuse_doubled(header, COLUMNS if ours else NEEDED, path)

    # rows
    reader = csv.DictReader(
        io.StringIO(text, newline=''), strict=True, delimiter=separator, skipinitialspace=True
    )
    reader.fieldnames = header  # the file's own is then the first row
    next(reader)
    found: List[tuple] = []
    names: List[Tuple[str, str]] = []
    lines: Dict[str, int] = {}
    for record in reader:
        if not any(record.values()):  # such as the ';;;' that spreadsheets leave
            continue
        where = f'{path}:{reader.line_num}'
        row = checked_row(_plain(record, where, ours), where)
        names.append(row[:2])
        row = _named(row)
        first = lines.setdefault(row[0], reader.line_num)
        if first != reader.line_num and not average_frames:
            raise MMFakeError(
                f"{where}: video '{record['video']}' of method '{record['method']}' was already in "
                f'line {first}; average the scores of a video and keep one row, or add '
                '--average-frames'
            )
        found.append(row)
    _refuse_exchanged(names, path)
    if not average_frames:
        _refuse_frames(found, path)
    yield from found


def _refuse_exchanged(names: Sequence[Tuple[str, str]], path: Union[str, Path]) -> None:
    """Refuse columns video and method that are exchanged, and methods that are names of videos."""
    methods = {method for _, method in names}
    named = sum(label_of(video) is not None for video, _ in names)
    if 2 * named > len(names) or len(methods) > max(0.9 * len(names), _FEW_METHODS):
        raise MMFakeError(
            f'{path}: {len(methods)} methods in {len(names)} rows ({sample_of(sorted(methods))}), '
            'where a method is how many videos were made, such as df; are the columns video and '
            'method exchanged?'
        )


def _header(text: str) -> Tuple[List[str], str]:
    """The names of the columns, plain, and the separator that makes most sense of them."""
    first = text.splitlines()[:1]
    headers = {
        separator: [
            name.strip().lower()
            for name in next(csv.reader(first, delimiter=separator, skipinitialspace=True), [])
        ]
        for separator in _SEPARATORS
    }
    best = max(headers, key=lambda separator: len(set(NEEDED) & set(headers[separator])))
    return headers[best], best


def _plain(record: Dict[str, str], where: str, ours: bool) -> Dict[str, str]:
    """A record of ours or of somebody else, spelt as :func:`checked_row` wants it."""
    if None in record or None in record.values():  # see checked_row
        raise MMFakeError(f'{where}: wrong number of fields; as many as in the header are needed')
    names = COLUMNS if ours else NEEDED
    plain = {name: record[name].strip() for name in names}
    if not ours:
        plain.update(clips='1', status=SCORED, reason='')
    plain['label'] = _label(plain['label'])
    if plain['status'] != SCORED:
        return plain

    score = plain['score']
    if _DECIMAL_COMMA.fullmatch(score):
        score = score.replace(',', '.')
    if score.endswith('%'):
        raise MMFakeError(
            f"{where}: score is '{score}' for video '{plain['video']}'; expected {A_SCORE}"
        )
    if score.lower() in _MISSING or not _is_number(score):
        reason = NO_SCORE if score.lower() in _MISSING else f"'{score}' in place of a score"
        plain.update(status=NOT_SCORED, clips='0', reason=reason)
        score = ''
    return dict(plain, score=score)


def _label(text: str) -> str:
    """``'0'`` or ``'1'`` for the ways to write them, or the text as it is."""
    if _is_number(text) and float(text) in (0, 1):  # '1.0'
        return str(int(float(text)))
    return _LABELS.get(text.lower(), text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _named(row: tuple) -> tuple:
    """The row with the key of its method, and with a video that no other method shares."""
    video, method = _VIDEO_FILE.sub('', row[0]), canonical_method(row[1])
    if '/' not in video:
        video = video.replace('\\', '/')  # as Windows writes paths
    parts = video.split('/')
    named = [place for place, part in enumerate(parts) if canonical_method(part) == method]
    if named:
        parts[named[0]] = method  # 'real/033' and 'original/033' are one video
    else:
        parts.insert(0, method)
    return ('/'.join(parts), method, *row[2:])


# --- frames ---------------------------------------------------------------------------------------


def _video_of(name: str, method: str, rule: Pattern) -> str:
    """The video of a frame or clip, or the name as it is."""
    part = rule.fullmatch(name)
    if not part or part[1] == method:  # the folder of a method is no video
        return name
    return _VIDEO_FILE.sub('', part[1])  # of 'VIDEO.mp4/0001.png'


def _videos_of(rows: Sequence[tuple], rules: Sequence[Pattern]) -> List[str]:
    """The video of each row, by the first rule that finds several rows of most videos.

    If none does, by the first. Methods have folders too: but for the first rule, which is certain,
    there must be more videos than methods.
    """
    readings = [[_video_of(*row[:2], rule) for row in rows] for rule in rules]
    for place, videos in enumerate(readings):
        sizes = Counter(videos)
        n_single = sum(size == 1 for size in sizes.values())
        if 2 * n_single <= len(sizes) and (not place or len(sizes) > len({row[1] for row in rows})):
            return videos
    return readings[0]


def _refuse_frames(rows: Sequence[tuple], path: Union[str, Path]) -> None:
    """Refuse several rows that are named as the frames of one video."""
    frames = defaultdict(list)
    for (name, *_), video in zip(rows, _videos_of(rows, (_FRAME, _FOLDER))):
        if name != video:
            frames[video].append(name)
    frames = {video: names for video, names in frames.items() if len(names) > 1}
    if frames:
        n_rows = sum(map(len, frames.values()))
        names = next(iter(frames.values()))
        raise MMFakeError(
            f'{path}: {n_rows} rows look like frames of {len(frames)} videos ({names[0]}, '
            f'{names[1]}); a row must be a video, as its frames are not independent: average the '
            'scores of a video and keep one row, or add --average-frames'
        )


def refuse_unaveraged(frames: Sequence[pd.DataFrame], paths: Sequence[Union[str, Path]]) -> None:
    """Refuse that rows are to be averaged where no file has two rows of one video.

    Args:
        frames (Sequence[pandas.DataFrame]): As :func:`read_foreign_scores` returns them.
        paths (Sequence[str | Path]): Their files.

    Raises:
        MMFakeError: As said; the message has two names of the first file.
    """
    if all(frame.attrs['rows'] == len(frame) for frame in frames):
        raise MMFakeError(
            f'{paths[0]}: no two rows are of one video by their names '
            f'({", ".join(frames[0]["video"][:2])}); name rows VIDEO/FRAME.png, give each row the '
            'name of its video, or leave --average-frames out'
        )


def _averaged(rows: Sequence[tuple], path: Union[str, Path]) -> pd.DataFrame:
    """The mean over the rows of each video."""
    samples = [
        SampleScore(whole, method, label, score, clips, None, reason)
        if status == SCORED
        else SampleScore(whole, method, label, math.nan, 0, None, reason or NO_SCORE)
        for whole, (_, method, label, score, clips, status, reason) in zip(
            _videos_of(rows, (_FRAME, _FOLDER, _PART)), rows
        )
    ]
    try:
        return score_videos(samples)
    except MMFakeError as error:
        raise MMFakeError(f'{path}: {error}') from None
