"""SelfBlend: a self-blended clip, a face blended into itself (SBI), as a forgery of an original."""

from __future__ import annotations

from typing import Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ...errors import MMFakeError
from ...video.degradations import jpeg_coded
from .face_blending import (
    PARTS,
    blend,
    face_mask,
    fit_poses,
    own_generator,
    part_mask,
    place_masks,
    points_of,
    random_warp,
    soften,
    warp_mask,
    warped_part,
)

_TEXTURES = dict(pixels=(1.5, 3), sharpen=(0.2, 0.5), jpeg=(30, 80))
_SIDE = 1 / 0.269  # side of a clip in eye distances, for lengths that SBI gives in sides


@TRANSFORMS.register_module()
class SelfBlend(BaseTransform):
    """Blend a clip of a face with a changed copy of itself: a forgery that needs no other video.

    After self-blended images (Shiohara and Yamasaki, CVPR 2022, arXiv 2204.08376), for clips: what
    is drawn is drawn ONCE per clip and stays the same in all its frames, while the mask follows the
    face, so flicker tells nothing. What is left as a trace is what forgeries by blending have in
    common: an edge, and within it another colour, sharpness or geometry.

    1. A copy is changed: colour, then one of: fewer pixels, sharper, JPEG ("source"; in SBI it may
       also be the other one, which would change the pixels outside the mask).
    2. The copy is moved and stretched with the face it shows.
    3. A mask is drawn: the face from brows to chin, or some of eyes, nose and mouth. Its shape is
       warped, its edge drawn inwards and blurred.
    4. The copy is blended into the clip. Outside the mask no bit changes.

    It is for samples of the method ``'sbi'``, which ``FFPPDataset(synthetic=('sbi',))`` makes, and
    stands directly after the decoding; all other samples pass. :class:`mmfake.Recompress` has to
    follow it, for ALL samples. Lengths are in units of the clip's side at the crop margin of 1.3,
    which is 3.7 eye distances.

    Required Keys:

        - imgs
        - method
        - frame_inds (of a blend)
        - points (of a blend: path of the points of the face, ``''`` for one in the centre)

    Modified Keys:

        - imgs

    Args:
        regions (Mapping[str, float]): How often a mask is the whole ``face``, and how often some
            ``parts``: one, two or three of eyes, nose and mouth, all as likely. Forgeries such as
            Face2Face change parts alone. Ours; SBI has the hull of all landmarks. Defaults to
            ``{'face': 0.6, 'parts': 0.4}``.
        strengths (Sequence[float]): Opacities, all as likely; 0 leaves the original. SBI's.
            Defaults to ``(0.25, 0.5, 0.75, 1, 1, 1)``.
        shift (tuple[float, float]): Largest shift in x and y. SBI's. Defaults to
            ``(0.03, 0.015)``.
        scale (tuple[float, float]): Smallest and largest scale. SBI's. Defaults to
            ``(0.95, 1 / 0.95)``.
        elastic (float): Largest standard deviation of the smooth warp of the copy; that of the mask
            is three times as large. Ours; SBI warps the mask alone. Defaults to 0.004.
        rgb_shift (float): Largest shift of each colour, grey levels. SBI's. Defaults to 20.
        saturation (float): Largest relative change of the saturation. SBI's. Defaults to 0.3.
        brightness (float): Largest relative change of brightness and of contrast. SBI's. Defaults
            to 0.1.
        prob_colour (float): Share of copies with each of the three. SBI's. Defaults to 0.3.
        prob_sharpness (float): Share of copies with another fine structure. Defaults to 0.7.
        textures (Mapping[str, tuple[float, float]]): What may be done to the fine structure, all
            as likely, and how much: divide the ``pixels`` of a side (SBI's half and quarter are of
            larger pictures), ``sharpen`` (SBI's) or code as ``jpeg`` of a quality (ours). A clip
            that the network sees at half its size needs changes twice as coarse. Defaults to
            ``{'pixels': (1.5, 3), 'sharpen': (0.2, 0.5), 'jpeg': (30, 80)}``.
        radius (float): Standard deviation of the blur against which is sharpened, px. Ours.
            Defaults to 1.0.

    Raises:
        MMFakeError: If a region or texture is unknown, or a strength or probability not from 0 to
            1.
    """

    makes = ('sbi',)  # read by FFPPDataset
    may_fail = True  # read by GuardedPipeline: points may be lacking

    def __init__(
        self,
        regions: Optional[Mapping[str, float]] = None,
        strengths: Sequence[float] = (0.25, 0.5, 0.75, 1, 1, 1),
        shift: Tuple[float, float] = (0.03, 0.015),
        scale: Tuple[float, float] = (0.95, 1 / 0.95),
        elastic: float = 0.004,
        rgb_shift: float = 20,
        saturation: float = 0.3,
        brightness: float = 0.1,
        prob_colour: float = 0.3,
        prob_sharpness: float = 0.7,
        textures: Optional[Mapping[str, Tuple[float, float]]] = None,
        radius: float = 1.0,
    ) -> None:
        regions = dict(regions or dict(face=0.6, parts=0.4))
        weights = [regions.get('face', 0), regions.get('parts', 0)]
        if set(regions) - {'face', 'parts'} or min(weights) < 0 or not sum(weights) > 0:
            raise MMFakeError(f'SelfBlend: regions={regions!r}: give shares of face and parts')
        shares = dict(strengths=strengths, prob=(prob_colour, prob_sharpness))
        for name, values in shares.items():
            if not len(values) or not all(0 <= value <= 1 for value in values):
                raise MMFakeError(f'SelfBlend: {name}={values!r}: numbers from 0 to 1 are needed')
        textures = dict(textures or _TEXTURES)
        if set(textures) - set(_TEXTURES) or not radius > 0:
            raise MMFakeError(
                f'SelfBlend: textures={textures!r}, radius={radius}: give ranges of '
                f'{", ".join(_TEXTURES)}, and a radius above 0'
            )
        self.textures, self.radius = textures, radius
        self.share_of_faces = weights[0] / sum(weights)
        self.strengths = tuple(strengths)
        self.shift, self.scale, self.elastic = shift, scale, elastic
        self.rgb_shift, self.saturation, self.brightness = rgb_shift, saturation, brightness
        self.prob_colour, self.prob_sharpness = prob_colour, prob_sharpness

    def transform(self, results: dict) -> dict:
        """Blend the frames of a sample of the method ``'sbi'``.

        Args:
            results (dict): A sample with decoded frames, each (H, W, 3) uint8 RGB.

        Returns:
            dict: The same, a blend with other ``imgs``.

        Raises:
            ValueError: If points of a frame are lacking, or the face is outside the picture.
        """
        rng = own_generator()
        if results.get('method') != 'sbi' or 'unreadable' in results:
            return results
        frames = results['imgs']

        # 1. what stays the same over the clip
        mask = self._draw_mask(rng)
        warp = random_warp(
            *(rng, np.multiply(self.shift, _SIDE), self.scale),
            elastic=_SIDE * rng.uniform(0, self.elastic),
        )
        colour = self._draw_colour(rng)
        texture = self._draw_texture(rng) if rng.uniform() < self.prob_sharpness else None
        strength = self.strengths[rng.integers(len(self.strengths))]

        # 2. each frame with a changed copy of itself
        places = place_masks(mask, fit_poses(points_of(results)), frames[0].shape)
        parts = [
            None
            if place is None
            else warped_part(self._changed(frame, colour, texture), place, warp)
            for frame, place in zip(frames, places)
        ]
        results['imgs'] = blend(frames, parts, places, strength)
        return results

    def _draw_mask(self, rng: np.random.Generator) -> np.ndarray:
        """Draw region, shape and edge of the mask."""
        if rng.uniform() < self.share_of_faces:
            mask, softness = face_mask(rng), 1.0
        else:
            chosen = rng.permutation(len(PARTS))[: rng.integers(1, len(PARTS) + 1)]
            mask, softness = np.max([part_mask(PARTS[n]) for n in chosen], axis=0), 0.6
        warp = random_warp(
            *(rng, np.multiply(self.shift, _SIDE), self.scale),
            elastic=_SIDE * rng.uniform(0, 3 * self.elastic),
        )
        # SBI blurs, keeps the full ones and blurs again, by kernels of 5 to 25 of 192 to 256 px
        return soften(
            warp_mask(mask, warp),
            softness * rng.uniform(0.02, 0.15),
            softness * rng.uniform(0.02, 0.12),
        )

    def _draw_colour(self, rng: np.random.Generator) -> np.ndarray:
        """Draw an affine map of colours, (3, 4): saturation, contrast, brightness, shift."""
        wide, vivid, bright = rng.uniform(size=3) < self.prob_colour
        grey = np.float64([0.299, 0.587, 0.114])
        keep = 1 + vivid * self.saturation * rng.uniform(-1, 1)
        contrast = 1 + bright * self.brightness * rng.uniform(-1, 1)
        level = bright * 255 * self.brightness * rng.uniform(-1, 1) + 128 * (1 - contrast)
        shift = level + wide * self.rgb_shift * rng.uniform(-1, 1, 3)
        matrix = contrast * (keep * np.eye(3) + (1 - keep) * grey[None])
        return np.hstack([matrix, shift[:, None]])

    def _draw_texture(self, rng: np.random.Generator) -> Tuple[str, float]:
        """Draw what is done to the fine structure, and how much."""
        kind = list(self.textures)[rng.integers(len(self.textures))]
        return kind, rng.uniform(*self.textures[kind])

    def _changed(
        self, picture: np.ndarray, colour: np.ndarray, texture: Optional[Tuple[str, float]]
    ) -> np.ndarray:
        """Change a copy of a picture."""
        picture = cv2.transform(picture, colour)
        kind, amount = texture or ('', 0)
        if kind == 'pixels':
            size = tuple(max(1, round(side / amount)) for side in picture.shape[1::-1])
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            return cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        if kind == 'sharpen':
            around = cv2.GaussianBlur(picture, (0, 0), self.radius)
            return cv2.addWeighted(picture, 1 + 2 * amount, around, -2 * amount, 0)
        if kind == 'jpeg':
            return jpeg_coded(picture, int(amount))
        return picture
