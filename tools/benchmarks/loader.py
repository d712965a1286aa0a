"""Measure what a training clip costs to load: ``python tools/benchmarks/loader.py --help``."""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np
from paired import compare, machine

from mmfake.console import run_command
from mmfake.errors import MMFakeError
from mmfake.video.frame_reader import FrameReader

DESCRIPTION = """\
Measure what it costs to load a training clip, 32 frames of 160 px through the training pipeline of
configs/_base_/datasets/ffpp.py: of mp4 clips as mmaction2 reads them (DecordInit, ColorJitter) and
as mmfake does, of npy clips, and of 32 PNG files, as DeepfakeBench stores a video. Below them is
the bound: the same frames, decoded and nothing else. Ratios of CPU seconds, then the clips a second
that one worker of a loader hands over. It takes less than two minutes on a core without other work.
"""

EPILOG = """\
examples:
  python tools/benchmarks/loader.py
  python tools/benchmarks/loader.py --data data/ffpp/clips --clips 100"""

CONFIG = Path(__file__).resolve().parents[2] / 'configs/_base_/datasets/ffpp.py'
FRAMES = 32  # of a PNG folder, as DeepfakeBench extracts them
HOST = {'mmfake.VideoInit': 'DecordInit', 'mmfake.PlanarColorJitter': 'ColorJitter'}


def render(folder: Path, videos: int, frames: int) -> List[Path]:
    """Render face clips as data preparation writes them."""
    from data_prep.clip_writer import write_clip
    from data_prep.mini_ffpp.head_model import shoot

    files = [folder / f'{number:03d}.mp4' for number in range(videos)]
    for number, file in enumerate(files):
        video = shoot(0, f'{number:03d}', frames, 160).video
        write_clip(file, np.clip(video * 255 + 0.5, 0, 255).astype(np.uint8), 25)
    return files


def copies(files: Sequence[Path], folder: Path) -> Dict[Path, Path]:
    """Store each clip as npy, and 32 of its frames as PNG beside it."""
    import cv2

    stored = {}
    for number, file in enumerate(files):
        with FrameReader(file) as reader:
            pictures = np.stack([frame.picture for frame in reader])
        if len(pictures) < FRAMES:
            raise MMFakeError(f'{file} has {len(pictures)} frames, a clip has {FRAMES}')
        stored[file] = folder / f'{number}.npy'
        np.save(stored[file], pictures)
        (folder / str(number)).mkdir()
        for place, index in enumerate(np.linspace(0, len(pictures) - 1, FRAMES).astype(int)):
            name = str(folder / str(number) / f'{place:03d}.png')
            cv2.imwrite(name, cv2.cvtColor(pictures[index], cv2.COLOR_RGB2BGR))
    return stored


class Clips:
    """A dataset of clips in one format; a sample depends on its number alone.

    Args:
        files (Sequence[Path]): Files, or folders of PNG files.
        pipeline (Sequence[dict]): Transforms.
        count (int): Samples.
    """

    def __init__(self, files: Sequence[Path], pipeline: Sequence[dict], count: int) -> None:
        from mmengine.dataset import Compose

        self._files, self._count = files, count
        np.random.seed(0)
        steps = Compose([*pipeline]).transforms
        decoder = [type(step).__name__ for step in steps].index('DecordDecode')
        self._head, self._tail = steps[: decoder + 1], steps[decoder + 1 :]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Any:
        from mmfake.datasets.samplers import drawing_with

        file = self._files[number % len(self._files)]
        data = dict(filename=str(file), start_index=0, modality='RGB', label_bin=0, label_multi=0)
        with drawing_with(number):
            data = _pictures(file, data) if file.is_dir() else _through(self._head, data)
            return _through(self._tail, data)

    def load(self) -> None:
        """Load every sample."""
        for number in range(self._count):
            self[number]


def _through(steps: Sequence[Callable], data: dict) -> dict:
    for step in steps:
        data = step(data)
    return data


def _pictures(folder: Path, data: dict) -> dict:
    """Read the PNG files of a folder as DeepfakeBench does: one by one, with OpenCV."""
    import cv2

    names = map(str, sorted(folder.iterdir()))
    imgs = [cv2.cvtColor(cv2.imread(name), cv2.COLOR_BGR2RGB) for name in names]
    shape = imgs[0].shape[:2]
    return dict(data, imgs=imgs, img_shape=shape, original_shape=shape, num_clips=1, clip_len=32)


def decode(files: Sequence[Path], count: int) -> None:
    """Decode clips of 32 frames, from the key frame before, and do nothing else with them."""
    import av

    for number in range(count):
        with av.open(str(files[number % len(files)])) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            ticks = round(1 / (stream.average_rate * stream.time_base))
            first = np.random.default_rng(number).integers(stream.frames - FRAMES + 1)
            container.seek(int(first) * ticks, stream=stream)
            for frame in container.decode(stream):
                if frame.pts >= (first + FRAMES - 1) * ticks:
                    break


def through_a_worker(clips: Clips) -> Callable[[], None]:
    """Make what loads through one worker, which the first call starts."""
    from mmengine.dataset import pseudo_collate
    from torch.utils.data import DataLoader

    settings = dict(num_workers=1, persistent_workers=True, collate_fn=pseudo_collate)
    loader = DataLoader(clips, batch_size=8, **settings)

    def load() -> None:
        for _ in loader:
            pass

    return load


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--data', metavar='DIR', type=Path, help='folder with mp4 clips (default: rendered ones)')
    add('--clips', metavar='N', type=int, default=24, help='clips a round (default: %(default)s)')
    add('--rounds', metavar='N', type=int, default=7, help='rounds (default: %(default)s)')
    args = parser.parse_args(arguments)
    for name in ('clips', 'rounds'):
        if getattr(args, name) < 1:
            raise MMFakeError(f'--{name} {getattr(args, name)} is below 1')
    files = sorted(args.data.rglob('*.mp4'))[: args.clips] if args.data else None
    if files == []:
        raise MMFakeError(f'--data {args.data} holds no mp4 file')
    print(machine(('torch', 'numpy', 'opencv-python-headless', 'av', 'decord', 'mmaction2')))
    measure(files, args.clips, args.rounds)


def measure(files: Optional[List[Path]], count: int, rounds: int) -> None:
    """Measure on these files, or on rendered ones."""
    import cv2
    import torch
    from mmengine.config import Config
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope

    import mmfake.register  # noqa: F401

    init_default_scope('mmaction')
    MMLogger.get_instance('loader', log_level='ERROR')
    cv2.setNumThreads(0)  # as in the workers of a training
    torch.set_num_threads(1)
    pipeline = Config.fromfile(CONFIG).train_pipeline
    by_host = copy.deepcopy(pipeline)
    inner = [one for step in by_host for one in step.get('transforms', ())]
    for step in (*by_host, *inner):
        step['type'] = HOST.get(step['type'], step['type'])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = files or render(folder, 6, 64)
        arrays = copies(files, folder)
        pictures = [arrays[file].with_suffix('') for file in files]
        kinds = {
            'mp4 by mmaction2': Clips(files, by_host, count),
            'mp4': Clips(files, pipeline, count),
            'npy': Clips([*arrays.values()], pipeline, count),
            '32 PNG files (DeepfakeBench)': Clips(pictures, pipeline, count),
        }
        variants = {name: clips.load for name, clips in kinds.items()}
        variants['mp4, decoded only'] = lambda: decode(files, count)
        compare(variants, rounds, time.process_time, f'CPU seconds of {count} clips')
        workers = {name: through_a_worker(clips) for name, clips in kinds.items()}
        print()
        found = compare(workers, max(1, rounds // 2), title=f'one worker, {count} clips')
        for name, one in found.items():
            print(f'{name}: {count / one.seconds:.0f} clips a second')


if __name__ == '__main__':
    run_command(main)
