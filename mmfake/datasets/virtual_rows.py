"""Virtual rows: records of forgeries that training makes from originals when it loads them."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from mmengine.logging import print_log

from ..errors import MMFakeError, sample_of
from .ffpp_tree import dataset_name
from .manipulations import ORIGINAL
from .protocol import RENDERED, UNKNOWN, VideoRecord
from .transforms.attribute_forgery import FROM_OTHERS


def with_virtual_rows(
    available: Sequence[VideoRecord], synthetic: Sequence[str], without_points: str, origin: str
) -> List[VideoRecord]:
    """Put behind each original of training the forgeries that are to be made of it.

    Such a record is that of the original with the method of the forgery. Its source is the original
    itself, or unknown where a part of another face is put in.

    Args:
        available (Sequence[VideoRecord]): The videos of training whose file is there.
        synthetic (Sequence[str]): Keys of the forgeries.
        without_points (str): ``'skip'`` makes none of an original whose points are not stored,
            ``'centre'`` makes ``'sbi'`` as if the face were in the centre.
        origin (str): Where the videos were found, for messages.

    Returns:
        list[VideoRecord]: All of them in their order.

    Raises:
        MMFakeError: If nothing can be made, or there is one person where two are needed.
    """
    originals = [record for record in available if record.method == ORIGINAL]
    pointless = {r.video_id for r in originals if not (r.points and Path(r.points).is_file())}
    anywhere = ('sbi',) if without_points == 'centre' else ()
    tied = [key for key in synthetic if key not in anywhere]
    if pointless and tied:
        _tell(len(originals), sorted(pointless), tied, origin)

    from_others = [key for key in synthetic if key in FROM_OTHERS]
    people = {record.target for record in originals if record.video_id not in pointless}
    if from_others and len(people) < 2:
        raise MMFakeError(
            f'synthetic {", ".join(from_others)} takes parts of another person, and the originals '
            f'with points in {origin} show {len(people)}: leave it out, or train on more people'
        )

    made: Dict[str, List[VideoRecord]] = {}
    for record in originals:
        located = record.video_id not in pointless
        for key in synthetic:
            if located or key in anywhere:
                forged = replace(
                    record,
                    method=key,
                    source=UNKNOWN if key in FROM_OTHERS else record.target,
                    points=record.points if located else '',
                )
                made.setdefault(record.video_id, []).append(forged)
    return [row for record in available for row in (record, *made.get(record.video_id, ()))]


def check_makers(synthetic: Sequence[str], transforms: Sequence[object]) -> None:
    """Refuse a pipeline that would show originals as the forgeries that it does not make.

    A pipeline that decodes nothing shows nothing and passes.
    """
    made = {key for transform in transforms for key in getattr(transform, 'makes', ())}
    lacking = [key for key in synthetic if key not in made]
    if lacking and any('Decode' in type(transform).__name__ for transform in transforms):
        maker = 'SelfBlend' if lacking == ['sbi'] else 'AttributeForgery'
        raise MMFakeError(
            f'synthetic={", ".join(lacking)}, but no transform of the pipeline makes that: put '
            f"dict(type='mmfake.{maker}') behind the decoding, and mmfake.Recompress behind it"
        )


def donors_of(available: Sequence[VideoRecord]) -> Tuple[dict, ...]:
    """List the originals with points, of which a forgery may take a part of the face."""
    return tuple(
        dict(filename=record.filename, points=record.points, target=record.target, fps=record.fps)
        for record in available
        if record.method == ORIGINAL and record.points and Path(record.points).is_file()
    )


def _tell(total: int, pointless: List[str], synthetic: Sequence[str], origin: str) -> None:
    """Name the originals of which nothing is made; MMFakeError if those are all."""
    found = (
        f'{len(pointless)} of {total} originals in {origin} have no points of the face, '
        f'needed for {", ".join(synthetic)}'
    )
    if origin.endswith('.csv'):
        remedy = f'add them with "python data_prep/add_points.py {origin}"'
    elif dataset_name(origin) == RENDERED:
        remedy = f'add them with "python data_prep/make_mini_ffpp.py --out {origin}"'
    else:
        remedy = 'prepare the dataset with data_prep/prepare_ffpp.py'
    remedy += ", or blend centred faces with sbi alone and without_points='centre'"
    if len(pointless) == total:
        raise MMFakeError(f'{found}: {remedy}')
    print_log(
        f'{found}; nothing is made of {sample_of(pointless)}: {remedy}',
        logger='current',
        level=logging.WARNING,
    )
