"""Head model: texture, relief and features of one person, and a filmed take of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import cv2
import numpy as np

from .face_parts import (
    coverage,
    draw_eye,
    draw_glasses,
    draw_mouth,
    ears,
    eyebrows,
    scalp_hair,
    skin_colour,
)
from .identity import sample_identity
from .motion import Motion, head_maps, rotation, sample_motion
from .noise import bump, rng_for
from .relief import SPAN, cavity, grid, normals, outline, relief
from .scene import Camera, Light, draw_backdrop, sample_camera, sample_light

Patch = Tuple[slice, slice, np.ndarray, np.ndarray]


def _halve(picture: np.ndarray) -> np.ndarray:
    """Average squares of 2 x 2 pixels."""
    half = picture.shape[1] // 2, picture.shape[0] // 2
    return cv2.resize(picture, half, interpolation=cv2.INTER_AREA)


class HeadModel:
    """Texture, relief and features of one person on the head canvas.

    Args:
        seed (int): Seed of the dataset.
        number (str): Id of the person.
        pixels (int): Side P of the head canvas.
    """

    def __init__(self, seed: int, number: str, pixels: int) -> None:
        self.who = sample_identity(seed, number)
        self.pixels = pixels
        self.u, self.v = grid(pixels)
        rng = rng_for(seed, 'head', number)
        skull = outline(self.who, self.u, self.v)
        ear, _ = ears(self.who, self.u, self.v)
        height = relief(self.who, self.u, self.v)
        hair, hair_cover = scalp_hair(rng, self.who, self.u, self.v)
        skin_cover = np.maximum(coverage(skull, pixels), coverage(ear, pixels))
        colour = skin_colour(rng, self.who, self.u, self.v)
        brows = eyebrows(rng, self.who, self.u, self.v)
        colour += (0.6 * self.who.hair - colour) * brows[..., None]
        colour *= cavity(height, coverage(skull, pixels))[..., None]
        # The hairline throws a soft shadow on the forehead.
        shadow = cv2.GaussianBlur(np.roll(hair_cover, pixels // 40, axis=0), (0, 0), pixels / 60)
        colour *= 1 - 0.35 * shadow[..., None]
        self.cover = hair_cover + skin_cover * (1 - hair_cover)  # (P, P)
        share = hair_cover / np.maximum(self.cover, 1e-3)
        self.albedo = colour + (hair - colour) * share[..., None]  # (P, P, 3)
        # Hair and ears stand out of the skull: they are lit as a wider head without features.
        dome = 0.62 * np.sqrt(np.clip(1.35 - outline(self.who, self.u, self.v, 0.05), 0.02, None))
        off_skull = np.maximum(hair_cover, 1 - coverage(skull, pixels))
        form = normals(height) * (1 - off_skull) + normals(dome) * off_skull
        eyes = bump(np.abs(self.u) - self.who.eye_x, self.v - self.who.eye_y, 0.12, 0.07)
        gloss = 0.09 * (1 - off_skull) * (1 - brows) * (1 - 0.9 * eyes)
        # Shading is smooth: half the resolution is enough.
        self.normals = np.stack([_halve(axis) for axis in form])  # (3, P / 2, P / 2)
        self.gloss = _halve(gloss.astype(np.float32))  # (P / 2, P / 2)

    def _window(self, u: float, v: float, width: float, height: float) -> Tuple[slice, slice]:
        """Rows and columns of a box of head coordinates."""
        scale = self.pixels / (2 * SPAN)
        top, left = (int((centre + SPAN) * scale) for centre in (v - height, u - width))
        bottom, right = (int((c + SPAN) * scale) + 1 for c in (v + height, u + width))
        return slice(top, bottom), slice(left, right)

    def _patches(self, motion: Motion) -> List[Patch]:
        """Eyes and mouth of all frames: rows, columns, albedo and opacity."""
        who, patches = self.who, []
        for side in (-1, 1):
            window = self._window(
                side * who.eye_x, who.eye_y, 1.3 * who.eye_width, 0.95 * who.eye_width
            )
            axes = self.u[:, window[1]], self.v[window[0]]
            patches.append((*window, *draw_eye(who, motion, side, *axes)))
        window = self._window(0.0, who.mouth_y + 0.06, 1.35 * who.mouth_width, 0.24)
        patches.append((*window, *draw_mouth(who, motion, self.u[:, window[1]], self.v[window[0]])))
        return patches

    def _shade(self, light: Light, yaw: float, pitch: float, roll: float) -> np.ndarray:
        """Light falling on the canvas, (P, P, 3), and what the skin mirrors of it, (P, P, 1)."""
        # The lamp stands still while the head turns: bring it into the head's own axes.
        towards = (light.direction @ rotation(yaw, pitch, roll)).astype(np.float32)
        facing = np.tensordot(towards, self.normals, axes=1)  # (P / 2, P / 2)
        half_way = towards + np.array([0, 0, 1], np.float32)
        half_way /= np.linalg.norm(half_way)
        mirror = np.clip(np.tensordot(half_way, self.normals, axes=1), 0, None) ** 22
        key = np.clip((facing + 0.25) / 1.25, 0.0, None)
        lit = light.ambient + key[..., None] * light.key  # (P / 2, P / 2, 3)
        both = np.dstack([lit, mirror * self.gloss])
        return cv2.resize(both, (self.pixels, self.pixels), interpolation=cv2.INTER_LINEAR)

    def render(self, motion: Motion, maps: np.ndarray, light: Light) -> np.ndarray:
        """Draw the head that the maps of :func:`.motion.head_maps` look at.

        Gives (T, S, S, 4) float32: linear light times opacity, and opacity.
        """
        patches = self._patches(motion)
        frames, side = maps.shape[0], maps.shape[1] // 2
        out = np.empty((frames, side, side, 4), np.float32)
        scale = np.float32(self.pixels / (2 * SPAN))
        frame_of_glasses = draw_glasses(self.who, self.u, self.v) if self.who.glasses else None
        for t in range(frames):
            canvas = self.albedo.copy()
            for rows, columns, colour, opacity in patches:
                area = canvas[rows, columns]
                area += (colour[t] - area) * opacity[t][..., None]
            if frame_of_glasses is not None:
                canvas *= 1 - frame_of_glasses[..., None]
            light_map = self._shade(light, motion.yaw[t], motion.pitch[t], motion.roll[t])
            canvas = canvas * light_map[..., :3] + light_map[..., 3:]
            layers = np.dstack([canvas * self.cover[..., None], self.cover])  # (P, P, 4)
            where = (maps[t] + SPAN) * scale - np.float32(0.5)
            seen = cv2.remap(layers, where, None, cv2.INTER_LINEAR)  # (2 S, 2 S, 4)
            out[t] = cv2.resize(seen, (side, side), interpolation=cv2.INTER_AREA)
        return out


@dataclass(frozen=True)
class Take:
    """The original video of one id and how it was made.

    ``maps`` (T, 2 S, 2 S, 2) are the head coordinates seen by every pixel at twice the resolution;
    ``light_field`` (T, S, S, 3) is linear light; ``video`` (T, S, S, 3) the noisy coded picture.
    """

    seed: int
    head: HeadModel
    motion: Motion
    light: Light
    camera: Camera
    maps: np.ndarray
    light_field: np.ndarray
    video: np.ndarray

    @property
    def points(self) -> np.ndarray:
        """Head coordinates seen by every pixel, (T, S, S, 2)."""
        return self.maps[:, ::2, ::2]

    def reshoot(self, layers: np.ndarray, tint: np.ndarray) -> np.ndarray:
        """Film other layers (T, S, S, 4) in place of the own head, without sensor noise."""
        behind = self.light_field * (1 - layers[..., 3:])
        return self.camera.develop(behind + layers[..., :3] * tint.astype(np.float32))


def shoot(seed: int, number: str, frames: int, side: int) -> Take:
    """Film the person of an id, in T frames of S x S pixels."""
    head = HeadModel(seed, number, 2 * side)
    motion = sample_motion(seed, number, frames)
    light = sample_light(seed, number)
    camera = sample_camera(seed, number, frames, side)
    maps = head_maps(head.who, motion, side, camera.zoom)
    sway = motion.x, motion.y
    backdrop = draw_backdrop(seed, head.who, light, sway, side, camera.zoom)
    layers = head.render(motion, maps, light)
    light_field = backdrop * (1 - layers[..., 3:]) + layers[..., :3]
    video = camera.develop(light_field) + camera.noise
    return Take(seed, head, motion, light, camera, maps, light_field, video)


def face_points(seed: int, number: str, frames: int, side: int) -> np.ndarray:
    """Eyes, nose and corners of the mouth in the original of an id, px, (T, 5, 2) float32.

    Nothing is rendered: they lie where the maps of :func:`.motion.head_maps` see them.
    """
    who, motion = sample_identity(seed, number), sample_motion(seed, number, frames)
    maps = head_maps(who, motion, side, sample_camera(seed, number, frames, side).zoom)
    marks = [(-who.eye_x, who.eye_y), (who.eye_x, who.eye_y), (0, who.nose_y)]
    marks += [(-who.mouth_width, who.mouth_y), (who.mouth_width, who.mouth_y)]
    points = np.empty((frames, 5, 2), np.float32)
    for t, seen in enumerate(maps):
        for n, mark in enumerate(np.float32(marks)):
            # the nearest of every fourth pixel, from there along the slope of the map
            coarse = ((seen[::4, ::4] - mark) ** 2).sum(axis=-1)
            place = 4 * np.float64(np.unravel_index(coarse.argmin(), coarse.shape))  # row, column
            for _ in range(4):
                row, column = np.clip(np.rint(place), 0, 2 * side - 2).astype(int)
                here = seen[row, column]
                slope = np.stack([seen[row + 1, column] - here, seen[row, column + 1] - here], 1)
                place = (row, column) + np.linalg.solve(slope, mark - here)
            points[t, n] = (place[::-1] + 0.5) / 2
    return points
