"""Face tracking by box overlap within shots, and shot cut detection."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from .crop import centre_square
from .detectors import FaceDetector, Faces, check_picture
from .face_track import FaceTrack, box_overlap, interpolate

_SIDE = 32  # of the thumbnail, px

# Calibrated on 1,502 pairs of consecutive frames of 16 talking-head videos (largest difference
# 17.4 grey levels, least correlation 0.81, largest histogram distance 0.11) against 720 pairs of
# frames of two of them (least difference 15.9, largest correlation 0.81, least distance 0.26; the
# worst are two men before the same wall). All three have to agree: each alone is deceived, the
# difference by motion, the correlation by blur, the histogram by a flash.
_DIFFERENCE = 12.0
_CORRELATION = 0.85
_HISTOGRAM = 0.2


class _Thumbnail(NamedTuple):
    """What of a picture is compared."""

    grey: np.ndarray  # (32, 32) float32
    colours: np.ndarray  # (216,) float32, sums to 1


class CutFinder:
    """Finds hard cuts, frame by frame.

    A flash is not a cut: when the picture returns to what it was within ``flash`` frames, this is
    told too. Neither is motion, nor a slow fade.

    Args:
        flash (int): Longest flash, frames. Defaults to 3.
    """

    def __init__(self, flash: int = 3):
        self.flash = flash
        self._last: Optional[_Thumbnail] = None
        self._before: Optional[_Thumbnail] = None  # the last picture before the latest cut
        self._since = 0  # frames since the latest cut

    def update(self, picture: np.ndarray) -> Optional[str]:
        """Compare the next (H, W, 3) uint8 RGB frame with those before it.

        ``'cut'`` if it begins a new shot, ``'back'`` if the latest cut proves to have been a flash
        that is over now, else None.
        """
        now, last = _thumbnail(picture), self._last
        self._last = now
        self._since += 1
        if last is None or not _differ(last, now):
            return None
        if self._before and self._since <= self.flash and not _differ(self._before, now):
            self._before = None
            return 'back'
        self._before, self._since = last, 0
        return 'cut'


def _thumbnail(picture: np.ndarray) -> _Thumbnail:
    # every n-th pixel first: averaging all of a 720p frame would take 2 ms instead of 0.1 ms
    step = max(1, min(picture.shape[:2]) // (2 * _SIDE))
    few = np.ascontiguousarray(picture[::step, ::step])
    small = cv2.resize(few, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    colours = cv2.calcHist([small], [0, 1, 2], None, [6, 6, 6], [0, 256] * 3).ravel()
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return _Thumbnail(grey, colours / colours.sum())


def _differ(one: _Thumbnail, other: _Thumbnail) -> bool:
    """Whether the cheap measure and the two dearer ones agree that these are two shots."""
    if np.abs(one.grey - other.grey).mean() < _DIFFERENCE:
        return False
    if _correlation(one.grey, other.grey) > _CORRELATION:
        return False
    distance = cv2.compareHist(one.colours, other.colours, cv2.HISTCMP_BHATTACHARYYA)
    return distance > _HISTOGRAM


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """How well the middle of one picture is found in the other, wherever a pan has moved it."""
    middle = slice(_SIDE // 4, -_SIDE // 4)
    best = [
        cv2.matchTemplate(whole, part[middle, middle], cv2.TM_CCOEFF_NORMED).max()
        for whole, part in ((one, other), (other, one))
        if part[middle, middle].std() >= 1  # an empty part is found everywhere
    ]
    return max(best, default=0.0)


class OpenTrack:
    """The detections of one person so far.

    Attributes:
        missed (int): Detections since the person was last seen.
    """

    def __init__(self):
        self.missed = 0
        self._frames: List[int] = []
        self._seen: List[Faces] = []  # each of one face

    def add(self, frame: int, face: Faces) -> None:
        """Append the one face that was detected in a later frame."""
        self._frames.append(frame)
        self._seen.append(face)
        self.missed = 0

    def expected(self, frame: int) -> np.ndarray:
        """Give two boxes (2, 4): where the person was, and where they are if they kept moving.

        The second tells two people apart who cross; the first finds one who turned back.
        """
        last = self._seen[-1].boxes[0]
        if len(self._frames) == 1:
            return np.stack([last, last])
        step = (last - self._seen[-2].boxes[0]) / (self._frames[-1] - self._frames[-2])
        step = np.tile((step[:2] + step[2:]) / 2, 2)  # the centre moves, the size stays
        return np.stack([last, last + step * (frame - self._frames[-1])])

    def close(self) -> FaceTrack:
        """Fill the frames between the first detection and the last one."""
        boxes, scores, points = zip(*self._seen)
        filled = {
            name: interpolate(self._frames, np.concatenate(values))
            for name, values in (('boxes', boxes), ('scores', scores), ('points', points))
            if values[0] is not None
        }
        detected = np.zeros(len(filled['boxes']), bool)
        detected[np.array(self._frames) - self._frames[0]] = True
        return FaceTrack(start=self._frames[0], detected=detected, **filled)


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
        """Take the next frame, (H, W, 3) uint8 RGB; anything else is a ValueError."""
        check_picture(picture)
        if self.detector is None:
            self._squares.append(centre_square(picture))
        else:
            self._follow(picture)
        self._frame += 1

    def finish(self) -> List[FaceTrack]:
        """End the video and give its tracks, by their first frame, then from left to right.

        The tracker is then ready for another video.
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
        """Look for a cut before the picture, and for faces in it if it is its turn."""
        # 1. a cut, or a change of size, after which old and new boxes have nothing in common
        change = self._cuts.update(picture)
        if picture.shape != self._shape:
            change, self._cuts, self._shape = 'cut', CutFinder(), picture.shape
            self._cuts.update(picture)
        # 2. a cut ends all tracks, and one that was a flash brings them back
        if change == 'cut':
            self._end_shot()
        elif change == 'back':
            self._active, self._before_cut = self._before_cut, []
        # 3. faces are sought in every k-th picture and in the first of a shot
        if change or (self._frame - self.first_frame) % self.every == 0:
            self._search(picture, self._frame)
            self._unsearched = None
        else:
            self._unsearched = picture

    def _end_shot(self) -> None:
        """Look for faces in the last picture, then put the tracks aside in case of a flash."""
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
        # each face to a track
        continued = self._link(faces.boxes, frame)
        for number in range(len(faces.boxes)):
            if number not in continued:
                continued[number] = OpenTrack()
                self._active.append(continued[number])
            one = Faces(*(None if part is None else part[number, None] for part in faces))
            continued[number].add(frame, one)
        # who was not seen for too long is gone
        self._close([track for track in self._active if track.missed > self.max_missed])
        self._active = [track for track in self._active if track.missed <= self.max_missed]

    def _link(self, boxes: np.ndarray, frame: int) -> Dict[int, OpenTrack]:
        """Say by number of the box which track it continues: the most overlap in all."""
        links: Dict[int, OpenTrack] = {}
        # Once more with boxes of twice the size for those who are left: a head that sways can move
        # by 0.7 of its width in 5 frames. Who was missed before has to be where they were.
        for growth in (0.0, 0.5):
            free = [box for box in range(len(boxes)) if box not in links]
            lost = [track for track in self._active if track not in links.values()]
            lost = [track for track in lost if track.missed == 1 or not growth]
            if not free or not lost:
                continue
            expected = np.concatenate([track.expected(frame) for track in lost])  # (2 lost, 4)
            overlap = box_overlap(_grown(expected, growth), _grown(boxes[free], growth))
            overlap = overlap.reshape(len(lost), 2, len(free)).max(axis=1)  # (lost, free)
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
