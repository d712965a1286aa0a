"""From detections in some frames to the tracks of all persons."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from .box_overlap import box_overlap
from .centre_square import centre_square
from .cut_finder import CutFinder
from .face_detector import FaceDetector
from .face_track import FaceTrack
from .faces import Faces
from .open_track import OpenTrack
from .picture import check_picture


class FaceTracker:
    """Follows all faces of a video whose frames come one at a time.

    Detects in frames 0, ``every``, 2 ``every``, ..., in the first and the last frame of a shot, and
    links detections that overlap. Cuts are looked for between all frames, and end all tracks; so
    does a change of the picture's size. A track lies between two detections: boxes are
    interpolated, never extrapolated. Only boxes are kept, and the latest picture, which must not be
    overwritten before the next call.

    Args:
        detector (FaceDetector, optional): What finds the faces. None gives one track, the largest
            square in the centre of each frame.
        every (int): Frames from one detection to the next. Defaults to 5.
        min_iou (float): Least overlap (intersection over union) of a detection with the place
            where the person was, or would be if they kept moving. Whom this leaves without a
            match may still be linked: once more with all boxes doubled. Defaults to 0.3.
        max_missed (int): A person not seen in more detections than this in a row is gone.
            Defaults to 3.
        first_frame (int): Number of the first frame; that of the first extra one when only the end
            of a video is tracked. Defaults to 0.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        detector: Optional[FaceDetector],
        every: int = 5,
        min_iou: float = 0.3,
        max_missed: int = 3,
        first_frame: int = 0,
    ):
        if every < 1 or max_missed < 0 or not 0 < min_iou <= 1:
            raise ValueError(
                f'every={every} >= 1, max_missed={max_missed} >= 0 and '
                f'0 < min_iou={min_iou} <= 1 are needed'
            )
        self.detector, self.every = detector, every
        self.min_iou, self.max_missed = min_iou, max_missed
        self.first_frame = first_frame
        self._begin()

    def update(self, picture: np.ndarray) -> None:
        """Take the next frame.

        Args:
            picture (np.ndarray): (H, W, 3) uint8 RGB.

        Raises:
            ValueError: If it has another shape or type.
        """
        check_picture(picture)
        if self.detector is None:
            self._squares.append(centre_square(picture))
        else:
            self._follow(picture)
        self._frame += 1

    def finish(self) -> List[FaceTrack]:
        """End the video; the tracker is then ready for another.

        Returns:
            list[FaceTrack]: All tracks, by their first frame, then from left to right.
        """
        self._end_shot()
        self._close(self._before_cut)
        if self._squares:
            boxes = np.float32(self._squares)
            unseen = np.zeros(len(boxes), bool)
            self._done.append(FaceTrack(self.first_frame, boxes, np.float32(unseen), unseen))
        tracks = sorted(self._done, key=lambda track: (track.start, *track.boxes[0].tolist()))
        self._begin()
        return tracks

    def _begin(self) -> None:
        self._frame = self.first_frame  # number of the frame to come
        self._cuts = CutFinder()
        self._shape: Optional[Tuple[int, ...]] = None
        self._unsearched: Optional[np.ndarray] = None  # the latest picture, if no face was sought
        self._active: List[OpenTrack] = []
        self._before_cut: List[OpenTrack] = []  # they live again if the cut proves to be a flash
        self._done: List[FaceTrack] = []
        self._squares: List[np.ndarray] = []

    def _follow(self, picture: np.ndarray) -> None:
        change = self._cuts.update(picture)
        if picture.shape != self._shape:  # then old and new boxes have nothing in common
            change, self._cuts, self._shape = 'cut', CutFinder(), picture.shape
            self._cuts.update(picture)
        if change == 'cut':
            self._end_shot()
        elif change == 'back':
            self._active, self._before_cut = self._before_cut, []
        if change or (self._frame - self.first_frame) % self.every == 0:
            self._search(picture, self._frame)
            self._unsearched = None
        else:
            self._unsearched = picture

    def _end_shot(self) -> None:
        if self._unsearched is not None:
            self._search(self._unsearched, self._frame - 1)
            self._unsearched = None
        self._close(self._before_cut)
        self._before_cut, self._active = self._active, []

    def _search(self, picture: np.ndarray, frame: int) -> None:
        """Detect, and give each face to the track it continues or to a new one."""
        faces = self.detector.detect(picture)
        for track in self._active:
            track.missed += 1  # until a face is found for it
        continued = self._link(faces.boxes, frame)
        for number in range(len(faces.boxes)):
            if number not in continued:
                continued[number] = OpenTrack()
                self._active.append(continued[number])
            one = Faces(*(None if part is None else part[number, None] for part in faces))
            continued[number].add(frame, one)
        self._close([track for track in self._active if track.missed > self.max_missed])
        self._active = [track for track in self._active if track.missed <= self.max_missed]

    def _link(self, boxes: np.ndarray, frame: int) -> Dict[int, OpenTrack]:
        """Which box continues which track: as much overlap in all as possible."""
        links: Dict[int, OpenTrack] = {}
        # Once more with boxes of twice the size for those who are left: a head that sways can move
        # by 0.7 of its width in 5 frames. Who was missed before has to be where they were.
        for growth in (0.0, 0.5):
            free = [box for box in range(len(boxes)) if box not in links]
            lost = [track for track in self._active if track not in links.values()]
            lost = [track for track in lost if track.missed == 1 or not growth]
            if not free or not lost:
                continue
            expected = np.concatenate([track.expected(frame) for track in lost])
            overlap = box_overlap(_grown(expected, growth), _grown(boxes[free], growth))
            overlap = overlap.reshape(len(lost), 2, len(free)).max(axis=1)
            overlap[overlap < self.min_iou] = 0  # too little must not tip the balance either
            for track, box in zip(*linear_sum_assignment(overlap, maximize=True)):
                if overlap[track, box] > 0:
                    links[free[box]] = lost[track]
        return links

    def _close(self, tracks: List[OpenTrack]) -> None:
        self._done += [track.close() for track in tracks]


def _grown(boxes: np.ndarray, share: float) -> np.ndarray:
    """Boxes with a share of their size added on each side."""
    size = boxes[:, 2:] - boxes[:, :2]
    return np.hstack([boxes[:, :2] - share * size, boxes[:, 2:] + share * size])
