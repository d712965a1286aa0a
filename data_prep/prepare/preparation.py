"""Preparation: from a list of videos to their clips and the index."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import traceback
from collections import Counter, defaultdict
from concurrent.futures import Future, TimeoutError
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from filelock import FileLock, Timeout
from rich.console import Console

from mmfake.console import ProgressBar
from mmfake.datasets.manipulations import ORIGINAL, in_order
from mmfake.datasets.protocol import USED, VideoRecord
from mmfake.errors import MMFakeError, sample_of

from ..worker_pool import WorkerPool
from .index_file import Row, closing_table, make_row, read_rows, time_line, write_rows
from .prepare_video import prepare_video
from .settings import Layout, Settings
from .shards import write_shard_facts
from .video_job import VideoJob

logger = logging.getLogger('prepare')


def run_preparation(
    videos: Sequence[VideoRecord], settings: Settings, args: argparse.Namespace, left_out: int = 0
) -> int:
    """Prepare videos as a command line says; gives its exit status, 3 if some are not used.

    ``left_out`` counts entries of the dataset's lists or folders that no video could be made of.
    """
    # Look how everything stands; --dry-run ends with that.
    settings.load()  # what is missing for it is said before anything starts
    layout, chosen = Layout(Path(args.out), settings.format), settings
    settings = chosen.as_begun(layout.root)
    if settings != chosen:
        print(
            f'the clips in {layout.root} were made with preset {settings.preset} of x264, and so '
            f'are the others; for {chosen.preset}, faster and as good, choose another --out'
        )
    index, mine = layout.index(args.shard.name), args.shard.select(videos)
    preparation = Preparation(mine, layout, settings)
    stands = Counter(preparation.look().values())
    share = f' of shard {args.shard.number}/{args.shard.count}' if args.shard.name else ''
    print(
        f'{len(mine)} videos{share}: {stands["done"]} done before, {stands["to do"]} to do, '
        f'{stands["missing"]} missing'
    )
    if args.dry_run:
        return 0
    # Do the rest, alone on this index.
    with one_run(index):
        logger.info('%d videos, %s', len(mine), settings)
        kept, dropped = earlier_rows(read_rows(index), mine, layout, settings)
        if args.shard.name:
            write_shard_facts(index, videos, settings)
        try:
            _prepare(preparation, index, kept, args)
        except NotAllUsed as first:
            print(f'--strict stops at {first}', file=sys.stderr)
            return 3
    # Say what has become of it.
    rows = list(preparation.rows.values())
    _report(preparation, rows)
    if kept:
        print(f'{len(kept)} videos of earlier runs with other methods stay in the index')
    behind = preparation.behind(kept)
    if behind:
        print(
            f'{len(behind)} of them were prepared when their original was another file or not '
            f'used: prepare their methods ({", ".join(in_order(row["method"] for row in behind))}) '
            f'together with these, which makes them again: {sample_of(r["id"] for r in behind)}'
        )
    if dropped:
        print(f'{dropped} videos of earlier runs left the index: other settings, or other splits')
    unused = sum(row['status'] != USED for row in rows)
    print(f'index: {index}' + (f'; why {unused} are not used: its column reason' if unused else ''))
    if left_out:
        print(f'entries that are left out: {left_out}, see the warning above')
    return 3 if unused or left_out else 0


def _prepare(
    preparation: Preparation, index: Path, kept: List[Row], args: argparse.Namespace
) -> None:
    """Run; the index holds every video from the start, and how it stands at the latest end."""

    def write() -> None:
        write_rows(index, [*preparation.rows.values(), *kept])

    write()
    try:
        preparation.run(args.jobs, args.timeout, args.strict)
    except BaseException as error:
        logger.error('ended early: %r', error)
        with suppress(MMFakeError):  # on a full disk, say: the first error is the one to tell
            write()
        raise
    write()


def _report(preparation: Preparation, rows: List[Row]) -> None:
    """Print the closing table and what stands out."""
    Console(width=None if Console().is_terminal else 120).print(closing_table(rows))
    print(time_line(preparation.seconds, preparation.made))
    alone = [
        row
        for row in rows
        if row['status'] == USED and row['method'] != ORIGINAL and row['track_of'] == row['id']
    ]
    if alone and not preparation.settings.own_track:
        print(
            f'{len(alone)} fakes are cropped by a track of their own, as their original is not '
            'known, not used, or has another shape or frame rate: '
            + sample_of(row['id'] for row in alone)
        )
    used = sum(row['status'] == USED for row in rows)
    logger.info('%d used, %d not', used, len(rows) - used)


# ---- every video to its end


class NotAllUsed(Exception):
    """With ``--strict``, the first video that cannot be used; says which."""


class Preparation:
    """Bring every video to its end: used, or not used with a status and a reason.

    Originals come first; a manipulated video starts when its target original is done, because it
    is cropped where the face of the original is. Videos that an earlier run finished with the
    same settings, from the same file, are left as they are.

    Args:
        videos (Sequence[VideoRecord]): The videos, each ``filename`` the raw file.
        layout (Layout): Where things go.
        settings (Settings): How clips are made.

    Attributes:
        rows (dict[str, dict[str, str]]): Rows of the index by video id.
        seconds (Counter): Seconds spent on decode, faces and write by all processes together.
        made (int): Videos that were worked on, not found done.
    """

    def __init__(self, videos: Sequence[VideoRecord], layout: Layout, settings: Settings) -> None:
        self.layout, self.settings = layout, settings
        self.rows: Dict[str, Row] = {}
        self.seconds: Counter = Counter()
        self.made = 0
        self._originals = {video.video_id: video for video in videos if video.method == ORIGINAL}
        self._jobs = [self._job(video) for video in videos]
        self._waiting: Dict[str, List[VideoJob]] = defaultdict(list)

    def _job(self, video: VideoRecord) -> VideoJob:
        """Say what to make of a video, and with the boxes of which original."""
        guide = None
        if video.method != ORIGINAL and not self.settings.own_track:
            name = f'{video.dataset}/{ORIGINAL}/{video.compression}/{video.target}'
            guide = self._originals.get(name)
        return VideoJob(video, self.layout, self.settings, guide)

    def behind(self, rows: Sequence[Row]) -> List[Row]:
        """Find the rows of earlier runs whose original is not what it was when they were made."""
        found = []
        for row in rows:
            job = self._job(_video_of(row))
            record = job.read_record()
            if record is None or record['inputs']['guide'] != job.guide_input():
                found.append(row)
        return found

    def look(self) -> Dict[str, str]:
        """Find out, without doing anything, how the videos stand, and note it in :attr:`rows`.

        Gives ``'missing'``, ``'done'`` or ``'to do'`` by video id.
        """
        stands: Dict[str, str] = {}
        for job in sorted(self._jobs, key=lambda job: job.guide is not None):
            name = job.video.video_id
            facts = self._finished_facts(job)
            if facts is None or (job.guide and stands.get(job.guide.video_id) == 'to do'):
                stands[name] = 'to do'
                self._note(job, dict(status='missing', reason='not prepared yet: run it again'))
            else:
                stands[name] = 'missing' if facts['status'] == 'missing' else 'done'
                self._note(job, facts)
        return stands

    def run(self, processes: int, timeout: float, strict: bool = False) -> None:
        """Prepare all videos, each for at most ``timeout`` seconds.

        Raises:
            MMFakeError: If something cannot be written.
            NotAllUsed: With ``strict``, at the first video that cannot be used.
        """
        bar = ProgressBar(time_left=True)
        with bar, WorkerPool(prepare_video, processes, timeout) as pool:
            task = bar.add_task('videos', total=len(self._jobs))
            # Those that need no other video first; each of the others waits for its original.
            ready = [job for job in self._jobs if job.guide is None]
            for job in self._jobs:
                if job.guide is not None:
                    self._waiting[job.guide.video_id].append(job)
            settled = self._start(ready, pool, strict)
            bar.update(task, completed=settled)
            for job, future in pool.finished():
                self._settle(job, self._outcome(job, future, timeout), strict)
                settled += 1 + self._start(self._waiting.pop(job.video.video_id, []), pool, strict)
                bar.update(task, completed=settled)

    def _start(self, jobs: List[VideoJob], pool: WorkerPool, strict: bool) -> int:
        """Submit jobs, or settle at once those that need no work; say how many those were."""
        jobs, settled = list(jobs), 0
        while jobs:
            job = jobs.pop(0)
            facts = self._finished_facts(job)
            if facts is None:
                pool.submit(job)
                continue
            job.note_times()
            self._settle(job, facts, strict)
            settled += 1
            jobs += self._waiting.pop(job.video.video_id, [])
        return settled

    def _finished_facts(self, job: VideoJob) -> Optional[Dict[str, str]]:
        """Say how a video ended if nothing has to be done for it."""
        if not Path(job.video.filename).is_file():
            return dict(status='missing', reason='file not found')
        record = job.read_record()
        return _facts(record) if job.is_current(record) else None

    def _outcome(self, job: VideoJob, future: Future, timeout: float) -> Dict[str, str]:
        """Turn what became of a job into facts for the index."""
        from pebble import ProcessExpired  # WorkerPool has said if it is not there

        self.made += 1
        try:
            record, seconds = future.result()
        except MMFakeError:  # no room, no permission: all others would fail as well
            raise
        except TimeoutError:
            return dict(status='timed-out', reason=f'not done after {timeout:g} s')
        except FileNotFoundError:
            return dict(status='missing', reason='the file went away while it was read')
        except ProcessExpired as error:
            reason = f'its process died ({error}), for lack of memory perhaps; run it again'
            return dict(status='decode-failed', reason=reason)
        except Exception as error:  # a fault in one video must not cost the others
            logger.error(
                '%s\n%s', job.video.video_id, ''.join(traceback.format_exception(None, error, None))
            )
            return dict(status='decode-failed', reason=f'{type(error).__name__}: {error}'[:160])
        self.seconds.update(seconds)
        return _facts(record)

    def _settle(self, job: VideoJob, facts: Dict[str, str], strict: bool) -> None:
        """Note how a video ended."""
        self._note(job, facts)
        if facts['status'] != 'used':
            line = f'{job.video.video_id}: {facts["status"]}: {facts["reason"]}'
            logger.warning('%s (%s)', line, job.video.filename)
            if strict:
                raise NotAllUsed(f'{line} ({job.video.filename})')

    def _note(self, job: VideoJob, facts: Dict[str, str]) -> None:
        """Write a row."""
        root, provenance = self.layout.root, self.settings.provenance()
        self.rows[job.video.video_id] = make_row(job.video, root, provenance, facts)


def _facts(record: dict) -> Dict[str, str]:
    """Get from a record what goes into the index."""
    size = str(record['clip_bytes'] or '')
    return dict(record['facts'], source_hash=record['inputs']['source']['hash'], clip_bytes=size)


# ---- this run beside others


@contextmanager
def one_run(index: Path) -> Iterator[None]:
    """Keep other runs away from an index, and log beside it what happens.

    The lock ends with the process, however that ends. A request to end (SIGTERM, as Slurm sends at
    its time limit) is taken like Ctrl-C.
    """
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(index.with_name(f'.{index.stem}.lock')))
        lock.acquire(timeout=0)
        handler = logging.FileHandler(index.with_suffix('.log'), encoding='utf-8')
    except Timeout:
        raise MMFakeError(
            f'{index}: another run is writing it; wait for its end, or give each its --shard i/n'
        ) from None
    except OSError as error:
        raise MMFakeError(
            f'--out {index.parent} cannot be written to ({error.strerror or error}): '
            'choose another folder'
        ) from None
    handler.setFormatter(logging.Formatter('%(asctime)s %(levelname)s %(message)s'))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    react = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, react)
        lock.release()
        logger.handlers[:] = []
        handler.close()


def earlier_rows(
    rows: Sequence[Row], videos: Sequence[VideoRecord], layout: Layout, settings: Settings
) -> Tuple[List[Row], int]:
    """Choose the rows of an earlier index that go on being true beside this run's.

    Those are rows of other videos, made with the same settings, whose target is in the same split
    as now; also given is how many other rows are no longer true.
    """
    names = {video.video_id for video in videos}
    split = {video.target: video.split for video in videos}
    dataset = videos[0].dataset
    others = [row for row in rows if row['id'] not in names]
    strangers = [row['id'] for row in others if row['id'].split('/')[0] != dataset]
    if strangers:
        raise MMFakeError(
            f'--out {layout.root} holds another dataset (e.g. {strangers[0]}), this is {dataset}: '
            'choose another folder'
        )
    kept = [
        row
        for row in others
        if split.get(row['target']) == row['split'] and _made_with(row, layout, settings)
    ]
    return kept, len(others) - len(kept)


def _made_with(row: Row, layout: Layout, settings: Settings) -> bool:
    """Whether the record of a row tells of these settings."""
    record = VideoJob(_video_of(row), layout, settings).read_record()
    return record is not None and record['inputs']['settings'] == settings.fingerprint()


def _video_of(row: Row) -> VideoRecord:
    """Say which video a row is of, but where its raw file is."""
    dataset, method, compression, stem = row['id'].split('/')
    return VideoRecord(
        dataset, method, compression, stem, row['target'], row['source'], row['split'], ''
    )
