"""Measure detection on videos: ``python tools/benchmarks/detect.py --help``."""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from mmfake.console import run_command
from mmfake.errors import MMFakeError

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'
DESCRIPTION = """\
Measure detection with a detector of random weights, at the scale given, on a made video of 10 s of
720 x 1280 px with one face: the whole command, the seconds by part, and ratios of paired runs
without what makes it fast. Then time per video and memory for 10, 100 and 1,000 links to a short
face crop. Less than three minutes on two idle cores.
"""
EPILOG = """\
examples:
  python tools/benchmarks/detect.py
  python tools/benchmarks/detect.py --command OTHER_CHECKOUT/tools/detect.py   # paired with another
"""
FRAMES, FPS, HEIGHT, WIDTH, FACE = 300, 30, 720, 1280, 480  # px of the picture and the face's
SHORT, SIDE = 12, 64  # frames and px of a short video


def make_video(path: Path, frames: int) -> None:
    """Write a rendered face that moves before a wall, as a camera would store it."""
    import cv2
    import numpy as np

    from data_prep.mini_ffpp.head_model import shoot
    from mmfake.video.mp4_file import frame_rate, write_mp4

    taken = np.uint8(255 * np.clip(shoot(0, '001', 24, 256).video, 0, 1))
    taken = [cv2.resize(picture, (FACE, FACE)) for picture in taken]
    there_and_back = [*taken, *taken[::-1]]
    dice = np.random.default_rng(0)
    wall = cv2.resize(dice.integers(0, 256, (9, 16, 3), dtype=np.uint8), (WIDTH, HEIGHT))

    def pictures() -> Iterator[Any]:
        for number in range(frames):
            left = 300 + number // 3
            picture = wall.copy()
            picture[120 : 120 + FACE, left : left + FACE] = there_and_back[number % 48]
            grain = dice.integers(0, 12, (HEIGHT // 2, WIDTH // 2, 1), dtype=np.uint8)
            yield cv2.add(picture, grain.repeat(2, axis=0).repeat(2, axis=1).repeat(3, axis=2))

    write_mp4(path, pictures(), frame_rate(FPS), dict(crf='23', preset='veryfast'))


def make_short(path: Path) -> None:
    """Write a face crop of few frames."""
    import numpy as np

    from mmfake.video.mp4_file import X264, frame_rate, write_mp4

    dice = np.random.default_rng(0)
    pictures = np.uint8(dice.integers(0, 256, (SHORT, SIDE, SIDE, 3)))
    write_mp4(path, iter(pictures), frame_rate(25), X264)


def make_checkpoint(path: Path, scale: Optional[str]) -> None:
    """Write random weights."""
    import torch
    from mmaction.registry import MODELS
    from mmengine.registry import init_default_scope

    from mmfake.engine.config import load_config

    init_default_scope('mmaction')
    torch.manual_seed(0)
    torch.save(
        dict(state_dict=MODELS.build(load_config(str(CONFIG), scale).model).state_dict()), path
    )


def run_detect(tool: Path, words: Sequence[str]) -> None:
    """Run the command in a process of its own."""
    root = tool.resolve().parents[1]
    environment = dict(os.environ, PYTHONPATH=str(root))
    done = subprocess.run(
        [sys.executable, str(tool.resolve()), *words],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise MMFakeError(f'{tool}: ended with status {done.returncode}: {done.stderr[-500:]}')


def cpu_seconds() -> float:
    """CPU seconds of the processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def without(module: Any, name: str, value: Any) -> Iterator[None]:
    """Set something of a module otherwise."""
    kept = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, kept)


@contextlib.contextmanager
def in_this_thread() -> Iterator[None]:
    """Take the items where they are made."""
    from mmfake.inference import detection_run

    def ahead(items: Any, *_: Any) -> Any:
        return contextlib.nullcontext(items)

    with without(detection_run, 'Ahead', ahead):
        yield


@contextlib.contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Let the model compute with so many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def variants(detect: Any, video: Path) -> Dict[str, Callable[[], Any]]:
    """The detection as it is, and without what makes it fast."""
    from mmfake.inference import sources, video_scan

    def judge(change: Callable[[], Any]) -> None:
        with change():
            (found,) = detect(str(video))['predictions']
        if found['status'] != 'scored':
            raise MMFakeError(f'the made video has no score: {found["status"]}, {found["reason"]}')

    return {
        name: partial(judge, change)
        for name, change in {
            'as it is': contextlib.nullcontext,
            'no decoding ahead': partial(without, sources, 'DECODERS', 1),
            'decoded twice': partial(without, video_scan, 'MOST_KEPT', 0),
            'not beside the model': in_this_thread,
            'model with 1 thread': partial(torch_threads, 1),
            'model with 2 threads': partial(torch_threads, 2),
        }.items()
    }


def print_parts(detect: Any, video: Path, out: Path) -> None:
    """Print the seconds of each part of a detection with its report."""
    start = time.perf_counter()
    (found,) = detect(str(video), out_dir=str(out))['predictions']
    spent = time.perf_counter() - start
    parts = ', '.join(f'{name} {seconds:.2f}' for name, seconds in found['seconds'].items())
    print(f'in process, with the report: {spent:.2f} s; of its threads {parts}')


def print_scaling(detect: Any, folder: Path, counts: Sequence[int]) -> None:
    """Print time per video and the most memory so far, for more and more videos."""
    short = folder / 'short.mp4'
    make_short(short)
    detect(str(short), face=False)
    print(f'{"videos":>8}  ms per video  peak MiB so far')
    for count in counts:
        links: List[str] = []
        for number in range(count):
            link = folder / f'{count}_{number:04d}.mp4'
            link.symlink_to(short)
            links.append(str(link))
        start = time.perf_counter()
        detect(links, face=False)
        spent = 1000 * (time.perf_counter() - start) / count
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f'{count:8}  {spent:12.1f}  {peak:15.0f}', flush=True)


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says.

    Args:
        arguments (Sequence[str], optional): Words of the command line. Defaults to None: those of
            the process.

    Raises:
        MMFakeError: If an argument is wrong or the command fails.
    """
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--scale', default='mini', help='scale of the detector, or full (default: %(default)s)')
    add('--rounds', type=int, default=3, help='paired rounds of each variant (default: 3)')
    add('--frames', type=int, default=FRAMES, help='of the made video (default: %(default)s)')
    add('--videos', type=int, nargs='+', default=[10, 100, 1000], help='(default: 10 100 1000)')
    add('--command', metavar='TOOL', type=Path, help='another tools/detect.py to compare with')
    args = parser.parse_args(arguments)
    if min(args.rounds, args.frames, *args.videos) < 1:
        raise MMFakeError('--rounds, --frames and --videos are whole numbers from 1 on')
    if args.command and not args.command.is_file():
        raise MMFakeError(f'--command {args.command}: no such file')
    # not before: torch and mmaction2 take seconds to import
    import cv2
    from paired import compare, machine  # beside this script

    from mmfake.inference.deepfake_inferencer import DeepfakeInferencer

    cv2.setNumThreads(1)
    print(f'{machine()}; seed: 0')
    scale = None if args.scale == 'full' else args.scale
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video, checkpoint = folder / 'video.mp4', folder / 'random.pth'
        make_video(video, args.frames)
        make_checkpoint(checkpoint, scale)
        words = [str(video), '--config', str(CONFIG), '--checkpoint', str(checkpoint)]
        words += [*(['--scale', scale] if scale else []), '--out', str(folder / 'report')]
        tools = {'tools/detect.py': ROOT / 'tools' / 'detect.py'}
        if args.command:
            tools = {str(args.command): args.command, **tools}
        commands = {tool: partial(run_detect, path, words) for tool, path in tools.items()}
        for title, clock in (('whole command', time.perf_counter), ('in CPU seconds', cpu_seconds)):
            compare(commands, args.rounds, clock, f'{title}, {args.frames} frames', warm_up=0)
        detect = DeepfakeInferencer(str(CONFIG), str(checkpoint), scale=scale)
        print_parts(detect, video, folder / 'report')
        compare(variants(detect, video), args.rounds, title=f'in process, {args.frames} frames')
        print_scaling(detect, folder, args.videos)


if __name__ == '__main__':
    run_command(main)
