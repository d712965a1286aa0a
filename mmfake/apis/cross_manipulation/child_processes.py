"""Commands that are told when this one is interrupted."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path
from typing import Mapping, Optional, Sequence, Set


class InterruptedCommand(Exception):
    """The commands are being ended, and no other is started."""


class ChildProcesses:
    """Runs commands from several threads, and ends them all.

    They stay in the process group of this process: Ctrl-C and a scheduler's signal to the group
    reach them directly.

    Args:
        patience (float): How long :meth:`stop` waits before it kills, s. Defaults to 20.0.
    """

    def __init__(self, patience: float = 20.0) -> None:
        self.patience = patience
        self._running: Set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(
        self,
        words: Sequence[str],
        log: Path,
        inherited: Optional[int] = None,
        environment: Optional[Mapping[str, str]] = None,
    ) -> int:
        """Run a command to its end.

        Args:
            words (Sequence[str]): The command.
            log (Path): Where all that it prints goes; replaced if it exists.
            inherited (int, optional): An open file that it inherits. Defaults to None.
            environment (Mapping, optional): Its environment. Defaults to None, that of this
                process.

        Returns:
            int: Its exit status, negative for the signal that ended it.

        Raises:
            InterruptedCommand: :meth:`stop` was called, or Ctrl-C ended a command.
            OSError: It cannot be started.
        """
        with open(log, 'wb') as output:
            with self._lock:  # or a command could start just after the others were told
                self.check()
                child = subprocess.Popen(
                    list(words),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=() if inherited is None else (inherited,),
                    env=None if environment is None else dict(environment),
                )
                self._running.add(child)
            try:
                status = child.wait()
            finally:
                with self._lock:
                    self._running.discard(child)
        if status in (-signal.SIGINT, 128 + signal.SIGINT):  # Ctrl-C reached it before this process
            self._stopped = True
        self.check()
        return status

    def check(self) -> None:
        """Go on only if nothing was interrupted.

        Raises:
            InterruptedCommand: :meth:`stop` was called, or Ctrl-C ended a command.
        """
        if self._stopped:
            raise InterruptedCommand

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
