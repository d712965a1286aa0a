"""Which of the persons in a video is meant."""

from __future__ import annotations

from typing import Iterable, List, Optional

from .face_track import FaceTrack


def rank_people(tracks: Iterable[FaceTrack]) -> List[FaceTrack]:
    """Sort tracks by how much of the video they are: length times median side of the face.

    Args:
        tracks (Iterable[FaceTrack]): In any order, which does not matter.

    Returns:
        list[FaceTrack]: The most prominent first; of equal ones the earlier, then the one further
        left, then the one further up.
    """

    def rank(track: FaceTrack) -> tuple:
        return (-len(track) * track.side, track.start, *track.boxes[0].tolist())

    return sorted(tracks, key=rank)


def choose_person(tracks: Iterable[FaceTrack]) -> Optional[FaceTrack]:
    """Take the most prominent person, the first of :func:`rank_people`.

    Args:
        tracks (Iterable[FaceTrack]): In any order.

    Returns:
        FaceTrack | None: None if there is no track.
    """
    ranked = rank_people(tracks)
    return ranked[0] if ranked else None
