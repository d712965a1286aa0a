"""Clips of a video: the test pipeline of a config, and cutting clips out of passing frames."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Sequence,
    Tuple,
)

import numpy as np

from ..datasets.frame_sampling import name_of, samplers_in, span_of
from ..errors import MMFakeError
from ..faces.crop import crop_square
from ..video.frame_reader import Frame

if TYPE_CHECKING:  # the first video is scanned while these are imported
    from mmengine.config import Config
    from torch import Tensor


class Clip(NamedTuple):
    """One clip of one person.

    Attributes:
        person (int): Number of the person in the video, from 0.
        segment (int): Number of the piece of the video that one face track covers.
        start_frame (int): Number of its first frame in the video.
        end_frame (int): Number of its last frame.
        start (float): When its first frame is shown, s.
        end (float): When its last frame ends, s.
        inputs (Tensor): (C, T, H, W), or (C, H, W) of one frame, as the test pipeline makes it.
        pictures (list[np.ndarray]): Its T frames, cut out and shrunk, (H, W, 3) uint8 RGB.
    """

    person: int
    segment: int
    start_frame: int
    end_frame: int
    start: float
    end: float
    inputs: Tensor
    pictures: List[np.ndarray]


class Segment(NamedTuple):
    """A piece of a video that is cut out around one face and judged like a test video.

    Attributes:
        person (int): Number of the person in the video.
        start (int): Number of its first frame in the video.
        squares (np.ndarray, optional): Left, top, right, bottom in px for each of its T frames,
            shape (T, 4); None for whole pictures.
        frames (np.ndarray): Which of its frames, from 0, make the clips, shape (clips, clip_len).
    """

    person: int
    start: int
    squares: np.ndarray
    frames: np.ndarray


# what makes one frame smaller without looking at the others
_FRAME_BY_FRAME = ('Resize', 'CenterCrop')


class ClipPipeline:
    """Choose and shape clips, or single frames, as the test of a config does.

    Opening and decoding are left out, and the transforms right after them that treat each frame
    alone run as soon as it is decoded, so that never more than small frames are kept.

    Args:
        cfg (Config): With ``test_dataloader.dataset.pipeline``.

    Attributes:
        clip_shape (tuple[int, ...]): (T, H, W) of a clip, (H, W) of a single frame.
        dtype (torch.dtype): Of the pixels of a clip.
        sampler (Callable): The transform that chooses the frames of the clips.

    Raises:
        MMFakeError: If the config has no such pipeline.
    """

    def __init__(self, cfg: Config) -> None:
        names, transforms = _build(cfg)
        decoder = max((i for i, name in enumerate(names) if 'Decode' in name), default=None)
        samplers = samplers_in(transforms)
        if decoder is None or len(samplers) != 1:
            raise MMFakeError(
                f'test pipeline of the config ({", ".join(names)}): one SampleFrames and then a '
                'Decode are needed; take that of configs/_base_/datasets/ffpp.py'
            )
        self.sampler = samplers[0]
        tail = decoder + 1
        while tail < len(names) and names[tail] in _FRAME_BY_FRAME:
            tail += 1
        self._each, self._rest = transforms[decoder + 1 : tail], transforms[tail:]
        picture = self.shrink(np.zeros((256, 256, 3), np.uint8))
        packed = self.pack([picture] * self.sampler.clip_len, 1)
        self.clip_shape, self.dtype = tuple(packed.shape[2:]), packed.dtype

    def span(self, fps: float) -> int:
        """Count the frames from the first to the last of a clip; 1 for single frames."""
        return span_of(self.sampler, fps)

    def choose(self, frames: int, fps: float) -> np.ndarray:
        """Choose the frames of the clips of at least :meth:`span` frames, (clips, clip_len)."""
        results = self.sampler(dict(total_frames=frames, avg_fps=fps, start_index=0))
        return np.asarray(results['frame_inds']).reshape(-1, self.sampler.clip_len)

    def shrink(self, picture: np.ndarray) -> np.ndarray:
        """Shape one frame (H, W, 3) as far as it can be alone; the result is no view of it."""
        results = _as_decoded([picture])
        for transform in self._each:
            results = transform(results)
        return np.array(results['imgs'][0])  # a crop is a view that would keep the whole alive

    def pack(self, pictures: Sequence[np.ndarray], clips: int) -> Tensor:
        """Make the clips of one video from its shrunk frames.

        Args:
            pictures (Sequence[np.ndarray]): ``clips * clip_len`` frames, clip by clip.
            clips (int): How many clips they make.

        Returns:
            Tensor: (clips, C, T, H, W), or (clips, C, H, W) where the pipeline formats frames.

        Raises:
            MMFakeError: If the pipeline makes several views of a clip.
        """
        sampler = self.sampler
        results: Dict[str, Any] = dict(
            _as_decoded(list(pictures)),
            clip_len=sampler.clip_len,
            frame_interval=getattr(sampler, 'frame_interval', None),  # UniformSample has none
            num_clips=clips,
        )
        for transform in self._rest:
            results = transform(results)
        inputs = results['inputs']
        if inputs.ndim not in (4, 5) or len(inputs) != clips:
            raise MMFakeError(
                f'test pipeline of the config gives {tuple(inputs.shape)} for {clips} clips of '
                f"{sampler.clip_len} frames: use CenterCrop, and FormatShape(input_format='NCTHW') "
                "or, for clips of one frame, 'NCHW'"
            )
        return inputs


def _build(cfg: Config) -> tuple:
    """Names and transforms of the test pipeline."""
    from mmaction.registry import TRANSFORMS  # as above

    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    while 'pipeline' not in dataset and 'dataset' in dataset:  # RepeatDataset and the like
        dataset = dataset['dataset']
    if not dataset.get('pipeline'):
        raise MMFakeError(
            'the config has no test_dataloader.dataset.pipeline; use one of configs/mtl'
        )
    transforms: List[Any] = [TRANSFORMS.build(dict(step)) for step in dataset['pipeline']]
    return [name_of(step) for step in transforms], transforms


def _as_decoded(pictures: List[np.ndarray]) -> Dict[str, Any]:
    """What DecordDecode leaves behind."""
    shape = pictures[0].shape[:2]
    return dict(imgs=pictures, original_shape=shape, img_shape=shape)


def cut_clips(
    frames: Iterable[Frame],
    first: int,
    segments: Mapping[int, Segment],
    pipeline: ClipPipeline,
    size: int,
) -> Iterator[Clip]:
    """Cut clips out of a video while its frames pass by.

    Only the frames that are in a clip are converted to RGB. They are kept at the size of the
    clips, and those of a segment only until its last clip is made.

    Args:
        frames (Iterable[Frame]): Frames of the video, one after the other.
        first (int): Number of the first of them in the video.
        segments (Mapping[int, Segment]): What to cut out, by number; they may overlap in time.
        pipeline (ClipPipeline): Shapes the frames.
        size (int): Side of a face crop before it is shaped, px.

    Yields:
        Clip: The clips of each segment together, segments by the end of their last clip.
    """
    waiting = [_Cutting(number, segment) for number, segment in segments.items()]
    for number, frame in enumerate(frames, first):
        taking = [cutting for cutting in waiting if number in cutting.needed]
        if taking:
            picture = np.asarray(frame.picture)
            for cutting in taking:
                cutting.take(number, picture, (frame.time, frame.end), pipeline, size)
        del frame  # or it would live on while the next one is decoded
        done = [cutting for cutting in waiting if cutting.last <= number]
        waiting = [cutting for cutting in waiting if cutting.last > number]
        for cutting in done:
            yield from cutting.clips(pipeline)
        if not waiting:
            return


class _Cutting:
    """A segment whose clips are being made."""

    def __init__(self, number: int, segment: Segment) -> None:
        self.number, self.segment = number, segment
        self.needed = set((segment.frames + segment.start).ravel().tolist())
        self.last = max(self.needed)
        self._pictures: Dict[int, np.ndarray] = {}
        self._times: Dict[int, Tuple[float, float]] = {}  # start and end

    def take(
        self,
        number: int,
        picture: np.ndarray,
        times: Tuple[float, float],
        pipeline: ClipPipeline,
        size: int,
    ) -> None:
        """Keep a frame of the video that a clip needs, and when it is shown."""
        squares = self.segment.squares
        if squares is not None:
            picture = crop_square(picture, squares[number - self.segment.start], size)
        self._pictures[number] = pipeline.shrink(picture)
        self._times[number] = times

    def clips(self, pipeline: ClipPipeline) -> Iterator[Clip]:
        """Make the clips."""
        numbers: np.ndarray = self.segment.frames + self.segment.start  # (clips, clip_len)
        pictures: List[np.ndarray] = [self._pictures[number] for number in numbers.ravel().tolist()]
        inputs = pipeline.pack(pictures, len(numbers))
        length = numbers.shape[1]
        for place, (clip, tensor) in enumerate(zip(numbers, inputs)):
            first, last = int(clip[0]), int(clip[-1])
            start, end = self._times[first][0], self._times[last][1]
            shown = pictures[place * length : (place + 1) * length]
            where = (self.segment.person, self.number, first, last, start, end)
            yield Clip(*where, tensor.clone(), shown)
