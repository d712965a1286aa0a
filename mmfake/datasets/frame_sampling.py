"""Frame sampling: what in a pipeline chooses the frames of a clip, and how far apart they are.

A step of a pipeline is a transform, or its dict in a config.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional

# of mmaction2: frame_interval frames apart, or spread over the whole video
_STEPPING, _SPREADING = ('SampleFrames', 'DenseSampleFrames'), ('UniformSample',)


def samplers_in(steps: Iterable[Any]) -> List[Any]:
    """The steps that choose the frames of clips."""
    return [
        step
        for step in steps
        if _get(step, 'clip_len') is not None
        and (isinstance(step, Mapping) or hasattr(step, 'num_clips'))
    ]


def name_of(step: Any) -> str:
    """The class of a step."""
    kind = step.get('type') if isinstance(step, Mapping) else type(step)
    return str(getattr(kind, '__name__', kind)).split('.')[-1]


def span_of(sampler: Any, fps: Optional[float] = None) -> int:
    """Count the frames from the first to the last of a clip.

    In a video with fewer the sampler would wrap round or take a frame twice.

    Args:
        sampler (Any): Step that chooses frames.
        fps (float, optional): Frames per second of the video. Defaults to None, not known.
    """
    length, step = _get(sampler, 'clip_len'), _get(sampler, 'frame_interval', 1)
    target_fps = _target_fps(sampler)
    if target_fps and length > 1:  # spread over as many seconds as length * step such frames last
        return int(max(1, length * step * (fps / target_fps if fps else 1)) - 1) + 1
    return (length - 1) * step + 1


def step_facts(sampler: Any) -> Dict[str, Any]:
    """Say how far apart the frames of a clip are, in names of a config; nothing of one frame."""
    if _get(sampler, 'clip_len') == 1:
        return {}
    name = name_of(sampler)
    interval = _get(sampler, 'frame_interval', 1 if name in _STEPPING else f'none ({name})')
    return dict(frame_interval=interval, target_fps=_target_fps(sampler))


def draws_of(sampler: Any) -> List[str]:
    """Say in words what of a sampler draws at random."""
    name, said = name_of(sampler), []
    if name in _STEPPING + _SPREADING and not _get(sampler, 'test_mode'):
        said.append(f'{name} without test_mode=True')
    if _get(sampler, 'temporal_jitter') and _get(sampler, 'frame_interval', 1) > 1:
        said.append(f'{name} with temporal_jitter=True')
    return said


def _target_fps(sampler: Any) -> Optional[float]:
    """What the sampler makes of ``target_fps``; ``DenseSampleFrames`` takes it and ignores it."""
    return None if name_of(sampler) == 'DenseSampleFrames' else _get(sampler, 'target_fps')


def _get(step: Any, key: str, default: Any = None) -> Any:
    return step.get(key, default) if isinstance(step, Mapping) else getattr(step, key, default)
