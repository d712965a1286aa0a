"""Guarded pipeline: a video that cannot be used becomes a black clip with a reason."""

from __future__ import annotations

import re
import signal
from typing import Callable, Optional, Sequence, Union

import numpy as np
from mmengine.dataset import Compose
from torch.utils.data import get_worker_info

from ..errors import MMFakeError, hint
from .frame_sampling import samplers_in, span_of

# These say that the set-up is wrong (a library is missing, transforms are in the wrong order), not
# the video: taking them for unreadable videos would blacken the whole dataset.
_NOT_THE_VIDEO = (ImportError, KeyError, AttributeError, NameError, MemoryError)

# times: from here on most of what a network sees was not stored
_ENLARGED = 1.5

_BLACK_SIDE = 128  # px; any size serves, the pipeline resizes and crops what it gets


class TooShortError(Exception):
    """A video with fewer frames than a clip."""


class _AbsentKeyError(KeyError):
    """What a transform looks for and no step before it gives, in a line."""


class GuardedPipeline(Compose):
    """Run a pipeline; a video that cannot be used becomes a black clip that says so.

    mmengine's datasets put another, random sample in the place of one that fails. A detector
    would then be scored on the wrong video, or the video would vanish from the count. Here the
    sample stays where it is: an exception up to and including the last transform with ``Decode``
    in its class name, or with ``may_fail = True``, makes a black clip, the other transforms run on
    it as usual, and the packed data sample gets the metainfo ``unreadable`` with the reason in one
    line. So does a video with fewer frames than a clip spans, which mmaction2 would fill with
    repetitions. Losses and metrics leave such samples out; ``UnreadableVideosHook`` and
    ``DeepfakeMetric`` name them. An exception after decoding is a bug and propagates, and so do
    those that no broken file causes (a missing library, a missing key, no memory).

    A video of another length than its annotation says (``frames``) is noted in the metainfo
    ``other_length``, and a ``Resize`` that enlarges the pictures by more than 1.5 in ``enlarged``,
    the sides before and after it. ``ClipShapeHook`` warns of both.

    A transform of a library that looks for what no step before it gives, such as ``Normalize`` for
    a single picture, is told in one line.

    A decoder that never returns is ended by the ``timeout`` of the data loader.

    Args:
        transforms (Sequence[dict | Callable], optional): The transforms. Defaults to None.

    Raises:
        MMFakeError: If something decodes but nothing before it samples frames, or steps do not fit.
    """

    def __init__(self, transforms: Optional[Sequence[Union[dict, Callable]]] = None) -> None:
        super().__init__(transforms)
        # head: up to and including the last decoder; tail: what runs on black clips as well
        decoders = [
            index
            for index, transform in enumerate(self.transforms)
            if 'Decode' in type(transform).__name__ or getattr(transform, 'may_fail', False)
        ]
        n_head = decoders[-1] + 1 if decoders else 0
        self._head, self._tail = self.transforms[:n_head], self.transforms[n_head:]
        samplers = samplers_in(self._head)
        if decoders and not samplers:
            names = ', '.join(type(transform).__name__ for transform in self.transforms)
            raise MMFakeError(
                f'pipeline ({names}) decodes a video without having chosen frames: put '
                'SampleFrames before the decoding transform'
            )
        self._frame_sampler = samplers[0] if samplers else None

    def __call__(self, data: dict) -> Optional[dict]:
        """Apply the transforms.

        Args:
            data (dict): Annotation of one video, with ``filename`` and ``start_index``.

        Returns:
            dict | None: What the last transform returns.
        """
        if get_worker_info() is not None:
            # Ctrl-C is for the main process, which ends its workers; they would print it
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return self._run(data)
        except _AbsentKeyError as error:
            raise MMFakeError(error.args[0]) from None

    def _run(self, data: dict) -> Optional[dict]:
        annotation = dict(data)
        unreadable = None
        try:
            data = self._decode(data)
        except _NOT_THE_VIDEO:
            raise
        except Exception as error:  # decoders raise whatever they like
            unreadable = _one_line(error)
            data = dict(self._black_clip(annotation), unreadable=unreadable)
        notes = {} if unreadable is None else dict(unreadable=unreadable)
        told, found = annotation.get('frames'), data.get('total_frames')
        if told and found and told != found and unreadable is None:
            notes['other_length'] = (found, told)
        for transform in self._tail:
            before = data.get('img_shape')
            data = _apply(transform, data)
            if data is None:
                return None
            if type(transform).__name__ == 'Resize' and unreadable is None:
                after = data['img_shape']
                if max(new / old for new, old in zip(after, before)) > _ENLARGED:
                    notes['enlarged'] = (tuple(before), tuple(after))
        # a pipeline need not pack, e.g. one for looking at clips
        if notes and 'data_samples' in data:
            data['data_samples'].set_metainfo(notes)
        return data

    def _decode(self, data: dict) -> dict:
        """Run the transforms up to the last that decodes."""
        for transform in self._head:
            if transform is self._frame_sampler:
                self._check_length(data)
            data = _apply(transform, data)
            if data is None:  # mmengine's way to say that loading failed
                raise ValueError(f'{type(transform).__name__} returned None')
            if transform is self._frame_sampler:
                self._count_clips(data)
        return data

    def _check_length(self, data: dict) -> None:
        """Refuse a video that is shorter than a clip: the sampler would repeat its frames."""
        span = span_of(self._frame_sampler, data.get('avg_fps'))
        if data['total_frames'] < span:
            raise TooShortError(f'too short: {data["total_frames"]} frames, a clip has {span}')

    def _count_clips(self, data: dict) -> None:
        """Say how many clips were chosen, where a sampler says how many it was asked for."""
        data['num_clips'] = data['frame_inds'].size // self._frame_sampler.clip_len

    def _black_clip(self, annotation: dict) -> dict:
        """Make what decoding would have made, with black frames."""
        # The sampler itself, shown a video of one frame, says how many frames it would have
        # chosen and sets every key that later transforms read.
        data = self._frame_sampler(dict(annotation, total_frames=1, avg_fps=25.0))
        self._count_clips(data)
        shape = (_BLACK_SIDE, _BLACK_SIDE)
        frames = [np.zeros((*shape, 3), np.uint8) for _ in range(data['frame_inds'].size)]
        data.update(imgs=frames, img_shape=shape, original_shape=shape)
        return data


def _apply(transform: Callable, data: dict) -> Optional[dict]:
    """Apply a transform."""
    try:
        return transform(data)
    except KeyError as error:
        key = error.args[0] if error.args else None
        library = type(transform).__module__.split('.')[0] in ('mmcv', 'mmaction', 'mmfake')
        if not library or not isinstance(key, str) or key in data:
            raise
        name = type(transform).__name__
        raise _AbsentKeyError(
            f'{name} of the pipeline needs {key!r}, which no step before it gives: put it behind '
            f'one that does, or take it out (model.data_preprocessor normalises){hint(key, data)}'
        ) from None


def _one_line(error: Exception) -> str:
    """Say in one line, the same for every file with that fault, what is wrong with a video."""
    if isinstance(error, TooShortError):
        return str(error)
    # the text of an OSError ends in the path, which would make each reason unique
    text = getattr(error, 'strerror', None) or str(error)
    # decord begins with the time of day and the line of its source
    text = re.sub(r'^\[[\d:]+\] \S+:\d+: ', '', text)
    text = ' '.join(text.split())[:160]
    return f'{type(error).__name__}: {text}' if text else type(error).__name__
