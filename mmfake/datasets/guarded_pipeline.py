"""A pipeline that survives videos which cannot be decoded, and hides nothing."""

from __future__ import annotations

import os
import pickle
import random
import re
from functools import partial
from typing import Any, Callable, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.dataset import Compose

from ..errors import MMFakeError
from .ended_call import EndedCallError
from .given_up_videos import GivenUpVideos
from .killable_call import KillableCall

DECODE_TIMEOUT = 60.0
"""float: Seconds that decoding the clips of one video may take; a hundredth is usual."""

# These say that the set-up is wrong (a library is missing, transforms are in the wrong order), not
# the video: taking them for unreadable videos would blacken the whole dataset.
_NOT_THE_VIDEO = (
    *(ImportError, KeyError, AttributeError, NameError, MemoryError),
    pickle.PicklingError,
)

_BLACK_SIDE = 128  # px; any size serves, the pipeline resizes and crops what it gets


class GuardedPipeline(Compose):
    """Run a pipeline; a video that cannot be decoded becomes a black clip that says so.

    mmengine's datasets put another, random sample in the place of one that fails. A detector
    would then be scored on the wrong video, or the video would vanish from the count. Here the
    sample stays where it is: an exception up to and including the last transform with ``Decode``
    in its class name makes a black clip, the other transforms run on it as usual, and the packed
    data sample gets the metainfo ``unreadable`` with the reason in one line. Losses and metrics
    leave such samples out; ``UnreadableVideosHook`` and ``DeepfakeMetric`` name them. An exception
    after decoding is a bug and propagates, and so do those that no broken file causes (a missing
    library, a missing key, no memory).

    Decoders may also crash, or go round in circles for ever, and decord does so where no signal and
    no thread can reach it. Hence everything up to the last ``Decode`` runs in another process, see
    :class:`KillableCall`; a video that takes longer than ``DECODE_TIMEOUT``, or than the attribute
    ``decode_timeout`` of a transform up to there (:class:`mmfake.VideoInit` has one), is unreadable
    too and is not tried again, in whatever worker, while this object lives. None switches that off,
    and systems without fork never have it. What those transforms draw from ``random`` and
    ``numpy.random`` is what they would draw in this process.

    Args:
        transforms (Sequence[dict | Callable], optional): The transforms. Defaults to None.

    Raises:
        MMFakeError: If something decodes but nothing before it samples frames, or the time limit
            is not a positive number.
    """

    def __init__(self, transforms: Optional[Sequence[Union[dict, Callable]]] = None) -> None:
        super().__init__(transforms)
        decoders = [
            index
            for index, transform in enumerate(self.transforms)
            if 'Decode' in type(transform).__name__
        ]
        self._tail_start = decoders[-1] + 1 if decoders else 0
        self._frame_sampler = next(
            (
                transform
                for transform in self.transforms[: self._tail_start]
                if hasattr(transform, 'clip_len') and hasattr(transform, 'num_clips')
            ),
            None,
        )
        if decoders and self._frame_sampler is None:
            names = ', '.join(type(transform).__name__ for transform in self.transforms)
            raise MMFakeError(
                f'pipeline ({names}) decodes a video without having chosen frames: put '
                'SampleFrames before the decoding transform'
            )
        head = self.transforms[: self._tail_start]
        self.decode_timeout = _timeout(head) if head and hasattr(os, 'fork') else None
        self._head = head
        if self.decode_timeout is not None:
            self._elsewhere = KillableCall(partial(_run_drawing, head), self.decode_timeout)
            self._given_up = GivenUpVideos()

    def __call__(self, data: dict) -> Optional[dict]:
        """Apply the transforms.

        Args:
            data (dict): Annotation of one video, with ``filename`` and ``start_index``.

        Returns:
            dict | None: What the last transform returns.
        """
        annotation = dict(data)
        unreadable = None
        try:
            data = self._decode(data)
        except _NOT_THE_VIDEO:
            raise
        except Exception as error:  # decoders raise whatever they like
            unreadable = _one_line(error)
            data = dict(self._black_clip(annotation), unreadable=unreadable)
        for transform in self.transforms[self._tail_start :]:
            data = transform(data)
            if data is None:
                return None
        # a pipeline need not pack, e.g. one for looking at clips
        if unreadable is not None and 'data_samples' in data:
            data['data_samples'].set_metainfo(dict(unreadable=unreadable))
        return data

    def _decode(self, data: dict) -> dict:
        """Run the transforms up to the last that decodes."""
        if self.decode_timeout is None:
            return _run(self._head, data)
        name = str(data.get('filename'))
        if name in self._given_up:
            raise EndedCallError(f'timed out after {self.decode_timeout:g} s', timed_out=True)
        try:
            data, states = self._elsewhere((data, _random_states()))
        except EndedCallError as error:
            if error.timed_out:
                self._given_up.add(name)
            raise
        _set_random_states(states)
        return data

    def _black_clip(self, annotation: dict) -> dict:
        """Make what decoding would have made, with black frames."""
        # The sampler itself, shown a video of one frame, says how many frames it would have
        # chosen and sets every key that later transforms read.
        data = self._frame_sampler(dict(annotation, total_frames=1, avg_fps=25.0))
        shape = (_BLACK_SIDE, _BLACK_SIDE)
        frames = [np.zeros((*shape, 3), np.uint8) for _ in range(data['frame_inds'].size)]
        data.update(imgs=frames, img_shape=shape, original_shape=shape)
        return data


def _timeout(transforms: Sequence[Callable]) -> Optional[float]:
    """Find the time limit, s."""
    told = [t.decode_timeout for t in transforms if hasattr(t, 'decode_timeout')]
    timeout = told[0] if told else DECODE_TIMEOUT
    if timeout is not None and not 0 < timeout < float('inf'):
        raise MMFakeError(
            f'decode_timeout={timeout!r} of the pipeline is no time: give seconds above 0, or None '
            'for no limit'
        )
    return timeout


def _run(transforms: Sequence[Callable], data: dict) -> dict:
    """Apply transforms."""
    for transform in transforms:
        data = transform(data)
        if data is None:  # mmengine's way to say that loading failed
            raise ValueError(f'{type(transform).__name__} returned None')
    return data


def _run_drawing(
    transforms: Sequence[Callable], argument: Tuple[dict, tuple]
) -> Tuple[dict, tuple]:
    """Apply transforms with the random states of another process, and give them back."""
    data, states = argument
    _set_random_states(states)
    return _run(transforms, data), _random_states()


def _random_states() -> Tuple[Any, Any]:
    return random.getstate(), np.random.get_state()


def _set_random_states(states: Tuple[Any, Any]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])


def _one_line(error: Exception) -> str:
    """Say in one line, the same for every file with that fault, what is wrong with a video."""
    if isinstance(error, EndedCallError):
        return f'decoding {error}'
    # the text of an OSError ends in the path, which would make each reason unique
    text = getattr(error, 'strerror', None) or str(error)
    # decord begins with the time of day and the line of its source
    text = re.sub(r'^\[[\d:]+\] \S+:\d+: ', '', text)
    text = ' '.join(text.split())[:160]
    return f'{type(error).__name__}: {text}' if text else type(error).__name__
