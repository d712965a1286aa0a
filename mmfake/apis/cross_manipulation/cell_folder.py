"""What training and test left in the folder of a cell."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import List, Optional, Tuple

from mmengine.config import Config

from ...compat.checkpoints import safe_load
from ...errors import MMFakeError

_BEST = re.compile(r'best_.+_(?:epoch|iter)_(\d+)\.pth')
_NUMBERED = re.compile(r'(epoch|iter)_(\d+)')
_PROCESSES = re.compile(r'GPU number: (\d+)')  # mmengine calls them so on a CPU, too


class CellFolder:
    """Reads the folder of a cell.

    Args:
        path (Path): The folder; need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scores = path / 'scores.csv'

    def best_checkpoint(self) -> Path:
        """Find the checkpoint to test.

        Returns:
            Path: The latest of the best checkpoints: a kill may have left a former one. Published
            copies are none.

        Raises:
            MMFakeError: There is none.
        """
        found = {path: _BEST.fullmatch(path.name) for path in self.path.glob('best_*.pth')}
        numbers = {path: int(match[1]) for path, match in found.items() if match}
        if not numbers:
            raise MMFakeError(
                f'{self.path}: training left no best checkpoint (best_*.pth); validation and '
                'default_hooks.checkpoint.save_best are needed to choose one'
            )
        return max(numbers, key=numbers.get)

    def training_config(self) -> Optional[Config]:
        """Read the config of the latest start of the training that left a trace.

        Returns:
            Config | None: As mmengine dumped it, None if there is none.
        """
        return next((cfg for _, cfg in self._starts() if not _is_test(cfg)), None)

    def test_config(self) -> Optional[Config]:
        """Read the config of the latest test.

        Returns:
            Config | None: As mmengine dumped it, None if there is none.
        """
        return next((cfg for _, cfg in self._starts() if _is_test(cfg)), None)

    def training_starts(self) -> List[Tuple[Config, int]]:
        """List the starts of the training that left config and log, the latest first.

        Returns:
            list[tuple[Config, int]]: Its config, and of how many processes it was.
        """
        found = []
        for name, cfg in self._starts():
            log = self.path / name / f'{name}.log'
            if not _is_test(cfg) and log.is_file():
                with open(log, encoding='utf-8', errors='replace') as stream:
                    match = _PROCESSES.search(stream.read(1 << 16))  # it is at the beginning
                if match:
                    found.append((cfg, int(match[1])))
        return found

    def is_tested(self) -> bool:
        """Whether training reached its end and its best checkpoint was tested after it.

        For cells that were run by hand; a cell that this command has finished has a record.

        Returns:
            bool: True if so.
        """
        starts = self._starts()
        if not self.scores.is_file() or not starts or not _is_test(starts[0][1]):
            return False
        cfg = starts[0][1]
        try:
            text = (self.path / 'last_checkpoint').read_text().strip()
            best = self.best_checkpoint()
        except (OSError, MMFakeError):
            return False
        last = _NUMBERED.fullmatch(Path(text).stem)
        if last is None or Path(cfg.load_from).name != best.name:
            return False
        wanted = cfg.train_cfg.get(f'max_{last[1]}s') or _most(f'max_{last[1]}s', best)
        return int(last[2]) == wanted

    def _starts(self) -> List[Tuple[str, Config]]:
        """Name and config of each start of training or test, the latest first."""
        found = []
        for path in sorted(self.path.glob('*/vis_data/config.py'), reverse=True):
            try:
                found.append((path.parts[-3], Config.fromfile(str(path))))
            except Exception:  # cut short by a kill; a config is a program
                continue
        return found


def sha256_of(path: Path) -> str:
    """Hash a file.

    Args:
        path (Path): The file.

    Returns:
        str: Hexadecimal SHA-256; empty if there is no such file.
    """
    if not path.is_file():
        return ''
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for part in iter(lambda: file.read(1 << 20), b''):
            digest.update(part)
    return digest.hexdigest()


def _most(name: str, checkpoint: Path) -> Optional[int]:
    """What the training had before it, for a loop of epochs that was saved by iterations."""
    try:
        hub = safe_load(str(checkpoint), 'cpu').get('message_hub') or {}
    except MMFakeError:  # damaged
        return None
    return hub.get('runtime_info', {}).get(name)


def _is_test(cfg: Config) -> bool:
    """Tell a test from a training: only ``tools/test.py`` names a file of scores."""
    evaluators = cfg.get('test_evaluator') or []
    evaluators = evaluators if isinstance(evaluators, (list, tuple)) else [evaluators]
    return any(one.get('scores_file') for one in evaluators) and bool(cfg.get('load_from'))
