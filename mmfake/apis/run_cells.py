"""Cells of a matrix run in parallel: their commands as child processes, failures and Ctrl-C."""

from __future__ import annotations

import os
import queue
import re
import shlex
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import torch
from mmengine.config import Config

from ..console import ProgressBar
from ..engine.machine import cores_at_hand
from ..errors import MMFakeError
from ..evaluation.scores_file import read_scores_file
from ..evaluation.tables import interval_text
from ..evaluation.video_metrics import OVERALL, evaluate_videos
from .cell import Cell, CellCommands, best_checkpoint, is_finished, reason_of, write_record

_OURS = re.compile(r'error(?: \[rank \d+\])?: ')
_PYTHON = re.compile(r'(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit)\b(?::|$)')


@dataclass(frozen=True)
class Outcome:
    """How a cell ended: ``'finished'``, ``'skipped'`` (before) or ``'failed'``, and why.

    Of a finished one the reason is its AUC, and ``seconds`` how long it took.
    """

    cell: Cell
    state: str
    reason: str = ''
    seconds: float = 0.0


class Interrupted(Exception):
    """The commands are being ended, and no other is started."""


class Children:
    """Commands run from several threads, which can all be ended.

    They stay in the process group of this process, so that Ctrl-C reaches them directly.
    """

    def __init__(self, patience: float = 20.0) -> None:
        self.patience = patience  # s, before what does not end is killed
        self._running: Set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, words: Sequence[str], log: Path, environment: Optional[Mapping] = None) -> int:
        """Run a command to its end, all that it prints into a log, and give its exit status."""
        with open(log, 'wb') as output:
            with self._lock:  # or a command could start just after the others were told
                self.check()
                child = subprocess.Popen(
                    list(words),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                )
                self._running.add(child)
            status = child.wait()
            with self._lock:
                self._running.discard(child)
        if status in (-signal.SIGINT, 128 + signal.SIGINT):  # Ctrl-C reached it before this process
            self._stopped = True
        self.check()
        return status

    def check(self) -> None:
        """Go on only if nothing was interrupted."""
        if self._stopped:
            raise Interrupted

    def stop(self) -> None:
        """Tell every command to end, and kill those that do not."""
        with self._lock:
            self._stopped = True
            children = list(self._running)
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(self.patience)
            except subprocess.TimeoutExpired:
                child.kill()


def run_cells(
    planned: Sequence[Tuple[Cell, Config]],
    commands: CellCommands,
    jobs: int = 1,
    tidy: bool = False,
) -> List[Outcome]:
    """Train and test cells, ``jobs`` at a time; one that fails does not keep the others from it."""
    children, slots, bar = Children(), _slots(jobs, commands), ProgressBar(time_left=True)
    outcomes: Dict[Cell, Outcome] = {}

    def work(place: int, cell: Cell, cfg: Config) -> Outcome:
        environment = slots.get()
        try:
            children.check()  # before the cell has a folder
            say = bar.console.print
            return run_cell(cell, cfg, commands, children, say, place, environment, tidy)
        finally:
            slots.put(environment)

    with bar, ThreadPoolExecutor(jobs) as pool:
        task = bar.add_task('cells', total=len(planned))
        futures = [pool.submit(work, place, *one) for place, one in enumerate(planned)]
        try:
            for future in as_completed(futures):
                outcome = future.result()
                outcomes[outcome.cell] = outcome
                reason = f': {outcome.reason}' if outcome.reason else ''
                left = _time_left(list(outcomes.values()), len(planned), jobs)
                bar.console.print(f'{outcome.state:8} {outcome.cell.name}{reason}{left}')
                bar.advance(task)
        except BaseException as error:
            for future in futures:
                future.cancel()
            children.stop()
            if isinstance(error, Interrupted):  # Ctrl-C reached a command before this thread
                raise KeyboardInterrupt from None
            raise
    return [outcomes[cell] for cell, _ in planned]


def run_cell(
    cell: Cell,
    cfg: Config,
    commands: CellCommands,
    children: Children,
    say: Callable[[str], None] = print,
    place: int = 0,
    environment: Optional[Mapping[str, str]] = None,
    tidy: bool = False,
) -> Outcome:
    """Train and test a cell, or what is left to do of it; whatever goes wrong is its outcome."""
    folder, begin = commands.work_dir / cell.name, time.monotonic()
    try:
        if is_finished(folder, cfg):
            return Outcome(cell, 'skipped')
        say(f'running  {cell.name}')
        folder.mkdir(parents=True, exist_ok=True)
        train = commands.train(cell, place)
        _run(children, train, folder / 'train.log', environment)
        test = commands.test(cell, best_checkpoint(folder), place)
        _run(children, test, folder / 'test.log', environment)
        write_record(cell, folder, cfg, shlex.join(train))
        if tidy:
            for path in [*folder.glob('epoch_*.pth'), *folder.glob('iter_*.pth')]:
                path.unlink()
        auc = auc_text(folder / 'scores.csv')
        return Outcome(cell, 'finished', auc, time.monotonic() - begin)
    except Interrupted:
        raise
    except Exception as error:  # whatever it is, it is no reason to end the others
        return Outcome(cell, 'failed', reason_of(error))


def auc_text(scores: Path) -> str:
    """The AUC of a file of scores with its interval."""
    row = evaluate_videos(read_scores_file(scores))[OVERALL]
    return f'AUC {interval_text(row, "auc")}'


def _time_left(outcomes: Sequence[Outcome], n_planned: int, jobs: int) -> str:
    """How long the other cells will take if they take as long as the finished ones did."""
    seconds = [one.seconds for one in outcomes if one.state == 'finished']
    left = n_planned - len(outcomes)
    if not seconds or not left:
        return ''
    minutes = -(-left // jobs) * sum(seconds) / len(seconds) / 60
    text = f'{minutes:.0f} min' if minutes < 120 else f'{minutes / 60:.1f} h'
    return f'; {left} cell{"s" if left > 1 else ""} left, about {text}'


def _run(
    children: Children, words: Sequence[str], log: Path, environment: Optional[Mapping]
) -> None:
    status = children.run(words, log, environment)
    if status:
        raise MMFakeError(f'{last_error(log, status)} [{log}]')


def last_error(log: Path, status: int) -> str:
    """Find in what a command printed why it failed: our error, an exception, or the last line."""
    lines = log.read_text(encoding='utf-8', errors='replace').splitlines() if log.is_file() else []
    lines = [line.strip() for line in lines if line.strip()]
    found = [line for line in lines if _OURS.match(line)]
    found = found or [line for line in lines if _PYTHON.match(line)]
    if status < 0:
        known = -status in iter(signal.Signals)
        name = signal.Signals(-status).name if known else f'signal {-status}'
        hint = ' (out of memory?)' if name == 'SIGKILL' else ''
        return f'ended by {name}{hint}' + (f': {found[-1]}' if found else '')
    line = (found or lines or ['it printed nothing'])[-1]
    return f'exit status {status}: {line}'


def _slots(jobs: int, commands: CellCommands) -> queue.Queue:
    """The environment of each of the cells at a time: cores of its own, and GPUs if enough."""
    slots: queue.Queue = queue.Queue()
    devices = visible_devices(os.environ)
    for slot in range(jobs):
        environment = dict(os.environ)
        if jobs > 1 and commands.launcher != 'slurm':
            # threads of several cells on one core wait for each other: five times the CPU time
            environment.setdefault(
                'OMP_NUM_THREADS', str(max(1, cores_at_hand() // (jobs * commands.gpus)))
            )
            mine = devices[slot * commands.gpus : (slot + 1) * commands.gpus]
            if len(devices) >= jobs * commands.gpus:
                environment['CUDA_VISIBLE_DEVICES'] = ','.join(mine)
        slots.put(environment)
    return slots


def visible_devices(environment: Mapping[str, str]) -> List[str]:
    """List the GPUs that a process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    named = environment.get('CUDA_VISIBLE_DEVICES')
    if named is not None:
        return [name.strip() for name in named.split(',') if name.strip()]
    return [str(number) for number in range(torch.cuda.device_count())]
