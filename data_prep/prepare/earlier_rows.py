"""What an earlier run with other methods leaves in the index."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from mmfake.datasets.video_record import VideoRecord
from mmfake.errors import MMFakeError

from .index_file import Row
from .layout import Layout
from .settings import Settings
from .video_job import VideoJob


def earlier_rows(
    rows: Sequence[Row], videos: Sequence[VideoRecord], layout: Layout, settings: Settings
) -> Tuple[List[Row], int]:
    """Choose the rows of an earlier index that go on being true beside this run's.

    Args:
        rows (Sequence[dict[str, str]]): The earlier index.
        videos (Sequence[VideoRecord]): The videos of this run.
        layout (Layout): Where things lie.
        settings (Settings): How this run makes clips.

    Returns:
        tuple[list[dict[str, str]], int]: Rows of other videos, made with the same settings, whose
        target is in the same split as now; and how many other rows are no longer true.

    Raises:
        MMFakeError: If the index is that of another dataset.
    """
    names = {video.video_id for video in videos}
    split = {video.target: video.split for video in videos}
    dataset = videos[0].dataset
    others = [row for row in rows if row['id'] not in names]
    strangers = [row['id'] for row in others if row['id'].split('/')[0] != dataset]
    if strangers:
        raise MMFakeError(
            f'--out {layout.root} holds another dataset (e.g. {strangers[0]}), this is {dataset}: '
            'choose another folder'
        )
    kept = [
        row
        for row in others
        if split.get(row['target']) == row['split'] and _made_with(row, layout, settings)
    ]
    return kept, len(others) - len(kept)


def _made_with(row: Row, layout: Layout, settings: Settings) -> bool:
    """Whether the record of a row tells of these settings."""
    dataset, method, compression, stem = row['id'].split('/')
    place = VideoRecord(
        dataset, method, compression, stem, row['target'], row['source'], row['split'], ''
    )
    record = VideoJob(place, layout, settings).read_record()
    return record is not None and record['inputs']['settings'] == settings.fingerprint()
