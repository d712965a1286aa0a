"""AttributeForgery: forgeries of one attribute of a face: eyes, mouth, nose, illumination."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ...errors import MMFakeError
from ...faces.clip_points import read_points
from .face_blending import (
    UNIT,
    Place,
    blend,
    face_mask,
    fit_poses,
    own_generator,
    part_mask,
    place_mask,
    place_masks,
    points_of,
    random_warp,
    soften,
    warp_mask,
)
from .video_init import VideoInit

FROM_OTHERS = ('physeye', 'physmouth', 'physnose')
"""tuple[str]: The methods that take a part of another person's face."""

_FAST = 0.04  # eye distances per frame: a face that would cross its clip in 90 frames

# what of the face a method forges, '' all of it
_PARTS = dict(eyeexpr='eyes', physeye='eyes', physillum='', physmouth='mouth', physnose='nose')


@TRANSFORMS.register_module()
class AttributeForgery(BaseTransform):
    """Forge one attribute of a face: what the joint-embedding detector is trained on besides FF++.

    ========== ==========================================================================
    method     what is made of an original
    ========== ==========================================================================
    physeye    the eyes of another person: expression stays, physical consistency breaks
    physmouth  the mouth of another person
    physnose   the nose of another person
    eyeexpr    the eyes of the same person at another instant, at least a second away
    physillum  another illumination within the face: gamma, gain, side light, temperature
    ========== ==========================================================================

    The paper names these forgeries without a procedure. The parts are those of SLADD (Chen et al.,
    CVPR 2022): widened segments between the five points, whose shape is warped, blended with a
    feathered edge; the other person is the nearest by aligned points among random frames of the
    originals of the split, as in Face X-ray (Li et al., CVPR 2020), and the colours are matched
    within the mask. All is drawn once per clip; the other person's frames follow each other as the
    clip's own do.

    It is for samples that ``FFPPDataset(synthetic=...)`` makes, and stands directly after the
    decoding; all other samples pass. :class:`mmfake.Recompress` has to follow it, for ALL samples.
    A clip that cannot be forged (the video of the other person does not decode, the eyes never
    differ) becomes a black one with the reason, see :class:`GuardedPipeline`.

    Required Keys:

        - imgs
        - method
        - frame_inds, points, filename (of a forgery)
        - donors, target (of a forgery with a part of another person)
        - total_frames, avg_fps (of eyeexpr)

    Modified Keys:

        - imgs

    Args:
        bank (int): Random frames of other people among which the nearest is chosen. Defaults to
            200.
        feather (float): Widest soft edge, in units of the longer side of the part. SLADD's.
            Defaults to 0.2.
        min_seconds (float): Shortest time between two instants; less in a video that is too short
            for it. Defaults to 1.0.
        candidates (int): Instants among which that with the most different eyes is chosen.
            Defaults to 8.
        min_difference (float): Least mean difference of the eyes within the mask, grey levels.
            Defaults to 4.0.

    Raises:
        MMFakeError: If a number is out of range.
    """

    makes = tuple(_PARTS)  # read by FFPPDataset
    may_fail = True  # read by GuardedPipeline

    def __init__(
        self,
        bank: int = 200,
        feather: float = 0.2,
        min_seconds: float = 1.0,
        candidates: int = 8,
        min_difference: float = 4.0,
    ) -> None:
        for name, value, least in (('bank', bank, 1), ('candidates', candidates, 1)):
            if value < least:
                raise MMFakeError(f'AttributeForgery: {name}={value} is below {least}')
        for name, value in (('feather', feather), ('min_seconds', min_seconds)):
            if value < 0:
                raise MMFakeError(f'AttributeForgery: {name}={value} is below 0')
        self.bank, self.feather, self.candidates = bank, feather, candidates
        self.min_seconds, self.min_difference = min_seconds, min_difference
        self._open = VideoInit()

    def transform(self, results: dict) -> dict:
        """Forge the frames of a sample of one of the five methods.

        Args:
            results (dict): A sample with decoded frames, each (H, W, 3) uint8 RGB.

        Returns:
            dict: The same, a forgery with other ``imgs``.

        Raises:
            ValueError: If it cannot be forged.
        """
        rng = own_generator()
        kind = results.get('method')
        if kind not in _PARTS or 'unreadable' in results:
            return results
        part = _PARTS[kind]
        frames, poses = results['imgs'], fit_poses(points_of(results), part)

        # 1. where: a mask that stays the same over the clip
        mask = self._draw_mask(rng, part)
        places = place_masks(mask, poses, frames[0].shape)

        # 2. what is put in, frame by frame
        if kind == 'physillum':
            parts = _relit(rng, frames, places)
        else:
            if kind == 'eyeexpr':
                others, points = self._another_instant(rng, results, poses, mask)
            else:
                others, points = self._another_person(rng, results)
            theirs = _laid_over(others, fit_poses(points, part), places)
            parts = _matched(theirs, frames, places)
        results['imgs'] = blend(frames, parts, places, 1.0)
        return results

    def _draw_mask(self, rng: np.random.Generator, part: str) -> np.ndarray:
        """Draw the mask of a part of the face, or of all of it."""
        mask = part_mask(part) if part else face_mask(rng)
        rows, columns = np.nonzero(mask)
        longest = max(np.ptp(rows), np.ptp(columns)) / UNIT
        feather = rng.uniform(0.25, 1) * self.feather * longest  # eye distances
        warp = random_warp(rng, elastic=rng.uniform(0, 0.03 if part else 0.01))
        return soften(warp_mask(mask, warp), feather / 4, feather / 3)

    # ---- sources ----------------------------------------------------------------------------

    def _another_person(
        self, rng: np.random.Generator, results: dict
    ) -> Tuple[List[np.ndarray], np.ndarray]:
        """Choose another person, nearest by aligned points; gives frames and their points."""
        own = points_of(results)
        middle = len(own) // 2
        others = [donor for donor in results['donors'] if donor['target'] != results['target']]
        if not others:
            raise ValueError('no other person among the originals')
        # 1. the nearest of some random frames
        drawn = [others[n] for n in rng.integers(len(others), size=self.bank)]
        tracks = [read_points(donor['points']) for donor in drawn]
        instants = [int(rng.integers(len(track))) for track in tracks]
        near = np.stack([_around(*pair) for pair in zip(tracks, instants)])  # (bank, 3, 5, 2)
        # 1 is the largest distance: one that moves too fast is taken if all do
        distances = shape_distance(near[:, 1], own[middle]) + ~_are_steady(near)
        nearest = int(np.argmin(distances))
        donor, points = drawn[nearest], tracks[nearest]
        # 2. as many frames around it, as far from each other; a video that ends is played back
        frames = np.ravel(results['frame_inds'])
        indices = _there_and_back(instants[nearest] + frames - frames[middle], len(points))
        return self._decode(donor, indices), points[indices]

    def _another_instant(
        self, rng: np.random.Generator, results: dict, poses: np.ndarray, mask: np.ndarray
    ) -> Tuple[List[np.ndarray], np.ndarray]:
        """Choose another instant of the same video, whose eyes differ most; frames and points."""
        frames, points = np.ravel(results['frame_inds']), read_points(results['points'])
        total = min(results['total_frames'], len(points))
        # 1. the shifts in time that stay within the video
        earlier, later = int(frames.min()), int(total - 1 - frames.max())
        least = min(round(self.min_seconds * results['avg_fps']), max(earlier, later))
        shifts = [s for s in range(-earlier, later + 1) if abs(s) >= max(least, 1)]
        if not shifts:
            raise ValueError(f'no other instant: the clip has all {total} frames of the video')
        middle = len(frames) // 2
        near = np.stack([_around(points, frames[middle] + s) for s in shifts])
        steady = list(np.compress(_are_steady(near), shifts))
        # in their order, as a decoder that goes back starts anew
        shifts = np.sort(rng.permutation(steady or shifts)[: self.candidates])
        # 2. that with the most different eyes in the frame in the middle
        place = place_mask(mask, poses[middle], results['imgs'][middle].shape)
        if place is None:
            raise ValueError('the eyes are outside the picture')
        tried = frames[middle] + shifts
        looks = _laid_over(
            self._decode(results, tried), fit_poses(points[tried], 'eyes'), [place] * len(tried)
        )
        here = results['imgs'][middle][place.rows, place.columns].astype(np.float32)
        weight = place.mask[..., None] / (3 * place.mask.sum())
        differences = [float((weight * np.abs(look - here)).sum()) for look in looks]
        if max(differences) < self.min_difference:
            raise ValueError(
                f'the eyes look the same at {len(shifts)} other instants: they differ by '
                f'{max(differences):.1f} grey levels'
            )
        indices = frames + shifts[int(np.argmax(differences))]
        return self._decode(results, indices), points[indices]

    def _decode(self, video: Dict, indices: np.ndarray) -> List[np.ndarray]:
        """Decode frames of a video."""
        opened = self._open.transform(dict(filename=video['filename'], fps=video.get('fps')))
        return list(opened['video_reader'].get_batch(indices).asnumpy())


def shape_distance(shapes: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Distance of faces after the best shift, rotation and scale (Procrustes), from 0 to 1.

    Args:
        shapes (np.ndarray): (n, 5, 2) points.
        shape (np.ndarray): (5, 2) points.

    Returns:
        np.ndarray: (n,) float64.
    """

    def normed(points: np.ndarray) -> np.ndarray:
        flat = points[..., 0] + 1j * points[..., 1].astype(np.float64)
        flat = flat - flat.mean(axis=-1, keepdims=True)
        return flat / np.linalg.norm(flat, axis=-1, keepdims=True)

    return 1 - np.abs(normed(shapes) @ normed(shape).conj()) ** 2


def _around(points: np.ndarray, instant: int) -> np.ndarray:
    """Take the points of a frame between those of its neighbours, (3, 5, 2); the ends repeat."""
    last = len(points) - 1
    return points[[max(instant - 1, 0), instant, min(instant + 1, last)]]


def _are_steady(near: np.ndarray) -> np.ndarray:
    """Whether faces move little within their clip, so that points between detections are right.

    Args:
        near (np.ndarray): (n, 3, 5, 2), the points of three frames in a row.

    Returns:
        np.ndarray: (n,) bool.
    """
    eyes = np.linalg.norm(near[:, 0, 1] - near[:, 0, 0], axis=-1)
    steps = np.abs(np.diff(near.mean(axis=2), axis=1)).max(axis=(1, 2))
    return steps <= _FAST * eyes


def _there_and_back(indices: np.ndarray, length: int) -> np.ndarray:
    """Reflect the indices that lie beyond a video of so many frames."""
    period = max(2 * (length - 1), 1)
    folded = np.mod(indices, period)
    return np.minimum(folded, period - folded) if length > 1 else np.zeros_like(indices)


# ---- what is put in -------------------------------------------------------------------------


def _laid_over(
    pictures: Sequence[np.ndarray], poses: Sequence[np.ndarray], places: Sequence[Optional[Place]]
) -> List[Optional[np.ndarray]]:
    """Bring faces, in the poses given, to other places: what is under each mask, float32."""
    parts = []
    for picture, pose, place in zip(pictures, poses, places):
        part = None
        if place is not None:
            there = np.linalg.inv(np.vstack([pose, (0, 0, 1)]))  # px -> canonical px
            part = cv2.warpAffine(
                *(picture, place.pose @ there, place.mask.shape[::-1]),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT_101,
            ).astype(np.float32)
        parts.append(part)
    return parts


def _matched(
    parts: Sequence[np.ndarray], frames: Sequence[np.ndarray], places: Sequence[Place]
) -> List[np.ndarray]:
    """Give the parts mean and contrast of the frames in the mask, each colour, over the clip."""
    inside = [
        (part[where], frame[place.rows, place.columns][where])
        for part, frame, place in zip(parts, frames, places)
        if place is not None
        for where in (place.mask > 0.5,)
    ]
    # mean and standard deviation of theirs and ours, each (3,)
    pixels = [np.concatenate(those)[:, None] for those in zip(*inside)]  # (n, 1, 3)
    if not pixels or not len(pixels[0]):
        return list(parts)
    (mean, spread), (wanted, contrast) = (np.squeeze(cv2.meanStdDev(p), -1) for p in pixels)
    # a part in even light has little contrast of its own: it is not blown up into noise
    gain = np.clip(contrast / np.maximum(spread, 1), 0.6, 1.5).astype(np.float32)
    shift = np.float32(wanted - gain * mean)
    return [None if part is None else gain * part + shift for part in parts]


def _relit(
    rng: np.random.Generator, frames: Sequence[np.ndarray], places: Sequence[Place]
) -> List[np.ndarray]:
    """Light the face otherwise: gamma, gain, a light from one side, a colour temperature."""
    gamma = np.exp(rng.uniform(-0.35, 0.35))
    gain = np.exp(rng.uniform(-0.15, 0.15))
    side = rng.choice([-1, 1]) * rng.uniform(0.1, 0.4)  # of the light, at one eye distance
    warmth = rng.uniform(-0.08, 0.08)
    tint = np.float32([1 + warmth, 1, 1 - warmth])
    curve = np.float32(255 * gain * (np.arange(256) / 255) ** gamma)  # of each grey level
    parts = []
    for frame, place in zip(frames, places):
        if place is None:
            parts.append(None)
            continue
        height, width = place.mask.shape
        # canonical x of each pixel, in eye distances from the middle of the face
        back = np.linalg.inv(np.vstack([place.pose, (0, 0, 1)]))
        rows, columns = np.mgrid[:height, :width]
        across = (back[0, 0] * columns + back[0, 1] * rows + back[0, 2]) / UNIT - 2
        light = np.float32(1 + side * np.tanh(across))[..., None] * tint
        parts.append(curve[frame[place.rows, place.columns]] * light)
    return parts
