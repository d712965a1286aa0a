"""Preparing a list of videos, in several processes."""

from __future__ import annotations

import traceback
from collections import Counter, defaultdict
from concurrent.futures import Future, TimeoutError
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from pebble import ProcessExpired
from progress import progress_bar
from worker_pool import WorkerPool

from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.video_record import VideoRecord
from mmfake.errors import MMFakeError

from .index_file import Row, make_row
from .layout import Layout
from .one_run import logger
from .prepare_video import prepare_video
from .settings import Settings
from .video_job import VideoJob

_PRELOAD = ('mmfake.faces', 'mmfake.video')  # seconds of imports, once instead of per process


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
        originals = {video.video_id: video for video in videos if video.method == ORIGINAL}
        self._jobs = [
            VideoJob(video, layout, settings, self._guide(video, originals)) for video in videos
        ]
        self._waiting: Dict[str, List[VideoJob]] = defaultdict(list)

    def _guide(
        self, video: VideoRecord, originals: Dict[str, VideoRecord]
    ) -> Optional[VideoRecord]:
        """Find the original whose boxes a video is cropped with."""
        if video.method == ORIGINAL or self.settings.own_track:
            return None
        return originals.get(f'{video.dataset}/{ORIGINAL}/{video.compression}/{video.target}')

    def look(self) -> Dict[str, str]:
        """Find out, without doing anything, how the videos stand, and note it in :attr:`rows`.

        Returns:
            dict[str, str]: ``'missing'``, ``'done'`` or ``'to do'`` by video id.
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
        """Prepare all videos.

        Args:
            processes (int): Processes that work at the same time.
            timeout (float): Seconds after which a video is given up.
            strict (bool): Whether to stop at the first video that cannot be used. Defaults to
                False.

        Raises:
            MMFakeError: If something cannot be written.
            NotAllUsed: If a video cannot be used and ``strict``.
        """
        bar = progress_bar('preparing', 'videos')
        with bar, WorkerPool(prepare_video, processes, timeout, _PRELOAD) as pool:
            task = bar.add_task('', total=len(self._jobs))
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
        self.made += 1
        try:
            record, seconds = future.result()
        except MMFakeError:  # no room, no permission: all others would fail as well
            raise
        except TimeoutError:
            return dict(status='timed-out', reason=f'not done after {timeout:g} s')
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
    return dict(record['facts'], source_hash=record['inputs']['source']['hash'])
