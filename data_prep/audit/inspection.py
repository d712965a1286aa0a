"""Reading all clips of an index, several at a time."""

from __future__ import annotations

from concurrent.futures import TimeoutError as JobTimeout
from pathlib import Path
from typing import Dict, Tuple

import cv2
from progress import progress_bar
from worker_pool import WorkerPool

from .clip_facts import ClipFacts
from .inspect_clip import inspect_clip

TIMEOUT = 60.0
"""float: Seconds after which a decoder is taken to hang; a clip of 300 frames takes 0.1."""


def inspect_clips(
    files: Dict[str, Path], processes: int, timeout: float = TIMEOUT
) -> Dict[str, ClipFacts]:
    """Read clips in several processes: one that hangs or crashes harms only its own clip.

    Args:
        files (dict[str, Path]): The clips, by the name they have in the index.
        processes (int): Processes that work at the same time.
        timeout (float): Seconds after which a clip is given up. Defaults to 60.0.

    Returns:
        dict[str, ClipFacts]: What was found, by the same names and in the same order.
    """
    if not files:
        return {}
    facts: Dict[str, ClipFacts] = dict.fromkeys(files, ClipFacts())
    with progress_bar('reading', 'clips') as bar, WorkerPool(
        _inspect, min(processes, len(files)), timeout, ('audit.inspect_clip',)
    ) as pool:
        task = bar.add_task('', total=len(files))
        for job in files.items():
            pool.submit(job)
        for (name, _), future in pool.finished():
            try:
                facts[name] = future.result()
            except JobTimeout:
                facts[name] = ClipFacts(error=f'reading it did not end in {timeout:g} s')
            except Exception as error:  # the process died: a decoder crashed, or memory ran out
                facts[name] = ClipFacts(error=f'the process that read it died ({error})')
            bar.advance(task)
    return facts


def _inspect(job: Tuple[str, Path]) -> ClipFacts:
    """Do one job in a process of its own."""
    cv2.setNumThreads(1)  # the processes are the parallelism
    return inspect_clip(str(job[1]))
