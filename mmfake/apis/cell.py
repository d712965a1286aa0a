"""Cell of the cross-manipulation matrix: config fingerprint, commands, record when finished."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shlex
import shutil
import sys
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from ..compat.checkpoints import safe_load
from ..datasets.clip_size import datasets_of
from ..datasets.ffpp_tree import INDEX_NAME
from ..datasets.manipulations import manipulation_keys
from ..engine.config import load_config
from ..engine.hooks.validation_threshold_hook import ValidationThresholdHook
from ..engine.loaders import clips_of
from ..engine.settings import first_difference, settings_of
from ..errors import MMFakeError
from ..evaluation.paper import PAPER_FIGURES
from ..evaluation.scores_file import read_scores_file
from ..files import sha256_of, write_json

RECORD = 'cell.json'
"""str: The file in the folder of a cell that says it is finished, and what its scores are of."""

_FOLDER = re.compile(r'(.+)_holdout_([a-z0-9]+)')
_SEED = re.compile(r'seed_(\d+)')
_BEST = re.compile(r'best_.+_(?:epoch|iter)_(\d+)\.pth')
_BUNDLED = Path(__file__).resolve().parents[1] / '.mim'
_FIRST_PORT, _PORTS = 29500, 1000  # mmengine's own default, and how many are used from there


@dataclass(frozen=True)
class Cell:
    """A regime (``'bin_ce'``) trained without one manipulation (``'df'``), with one seed."""

    regime: str
    holdout: str
    seed: int

    @property
    def name(self) -> str:
        """str: Its folder below the work dir, e.g. ``'bin_ce_holdout_df/seed_0'``."""
        return f'{self.regime}_holdout_{self.holdout}/seed_{self.seed}'

    @property
    def config(self) -> str:
        """str: File name of its config, e.g. ``'bin_ce_holdout_df.py'``."""
        return f'{self.regime}_holdout_{self.holdout}.py'


def find_cells(work_dir: Path) -> List[Cell]:
    """List the cells that have a folder, in the order of the table."""
    cells = []
    for folder in work_dir.glob('*_holdout_*/seed_*'):
        parts, seed = _FOLDER.fullmatch(folder.parent.name), _SEED.fullmatch(folder.name)
        if parts and seed and folder.is_dir():
            cells.append(Cell(parts[1], parts[2], int(seed[1])))
    return sorted(cells, key=place_in_table)


def find_configs(folders: Sequence[Path]) -> Dict[Cell, Path]:
    """Find the configs ``<regime>_holdout_<method>.py``: cells of seed 0 in table order -> file."""
    found = {}
    for path in (path for folder in folders for path in folder.glob('*_holdout_*.py')):
        parts = _FOLDER.fullmatch(path.stem)
        if parts:
            found.setdefault(Cell(parts[1], parts[2], 0), path)
    return {cell: found[cell] for cell in sorted(found, key=place_in_table)}


def place_in_table(cell: Cell) -> tuple:
    """A key to sort by: the paper's regimes first, manipulations as in their table, seeds."""
    orders = (cell.regime, list(PAPER_FIGURES)), (cell.holdout, manipulation_keys(everything=True))
    places = [(order.index(key) if key in order else len(order), key) for key, order in orders]
    return (*places, cell.seed)


def bundled(folder: str) -> Path:
    """Find ``tools`` or ``configs`` of the package, by a relative path in a checkout."""
    here, inside = Path(folder), _BUNDLED / folder
    return here if here.is_dir() and inside.is_dir() and here.samefile(inside) else inside


def reason_of(error: Exception) -> str:
    """Say in one line what went wrong with a cell."""
    line = (str(error).strip().splitlines() or [''])[0]
    known = isinstance(error, (MMFakeError, OSError))
    return line if known else f'{type(error).__name__}: {line}'


# --- settings -------------------------------------------------------------------------------------


def planned_config(path: Path, seed: int, **settings: Any) -> Config:
    """Load the config that a cell is to be trained with, as ``tools/train.py`` does."""
    cfg = load_config(str(path), **settings)
    if cfg.get('load_from'):
        raise MMFakeError(
            f'{path}: load_from={cfg.load_from} has no effect here, as cells are trained with '
            "--resume; set model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...) instead"
        )
    cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)
    return cfg


def fingerprint(settings: Dict[str, str]) -> str:
    """Shorten settings to 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def lists_of(dataset: Mapping[str, Any]) -> List[str]:
    """Hashes of what decides which videos a dataset of a config has: its index or split files."""
    root = str(dataset.get('data_root'))
    named = dataset.get('ann_file')
    places = [Path(named), Path(root, named)] if named else [Path(root, INDEX_NAME)]
    index = [path for path in places if path.is_file()][:1]
    splits = sorted(Path(dataset.get('splits_dir') or Path(root, 'splits')).glob('*.json'))
    return [sha256_of(path) for path in index or splits]


def _lists(cfg: Config) -> str:
    """Those of all loaders of a config, shortened."""
    loaders = (cfg.get(f'{name}_dataloader') or {} for name in ('train', 'val', 'test'))
    found = [lists_of(dataset) for loader in loaders for dataset in datasets_of(loader)]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:16]


# --- commands -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CellCommands:
    """Writes the commands that train and test a cell.

    The place of a cell in the matrix decides the port that its processes meet at under Slurm, where
    two runs may share a machine.

    Args:
        configs (dict[Cell, Path]): Config of each cell of seed 0.
        work_dir (Path): Folder of the matrix.
        options (Sequence[str]): Options of both commands, e.g. ``['--scale', 'mini']``.
        launcher (str): ``'none'``, ``'pytorch'`` or ``'slurm'``. Defaults to ``'none'``.
        gpus (int): Processes of a run; one with launcher ``'none'``. Defaults to 1.
        partition (str): Partition of Slurm. Defaults to ``''``.
    """

    configs: Mapping[Cell, Path]
    work_dir: Path
    options: Sequence[str]
    launcher: str = 'none'
    gpus: int = 1
    partition: str = ''

    def train(self, cell: Cell, place: int = 0) -> List[str]:
        """Write the training command, in words."""
        seed = ['--seed', str(cell.seed), '--resume']
        return [*self._start('train', cell, place), *self._shared(cell), *seed]

    def test(self, cell: Cell, checkpoint: Path, place: int = 0) -> List[str]:
        """Write the test command, in words."""
        return [*self._start('test', cell, place), str(checkpoint), *self._shared(cell)]

    def script(self, cell: Cell, place: int = 0) -> str:
        """Write both commands as one line for a shell, which looks for the best checkpoint."""
        folder = shlex.quote(str(self.work_dir / cell.name))
        # the latest, as a kill may have left a former one; published copies end in a hash
        best = f"find {folder} -maxdepth 1 -name 'best_*.pth' ! -name '*-????????.pth'"
        best += ' | sort -V | tail -n 1'
        test = [shlex.join(self._start('test', cell, place)), f'"$({best})"']
        test.append(shlex.join(self._shared(cell)))
        return f'{shlex.join(self.train(cell, place))} && {" ".join(test)}'

    def config(self, cell: Cell) -> Path:
        """Find the config of a cell, which is that of its seed 0."""
        return self.configs[replace(cell, seed=0)]

    def _start(self, what: str, cell: Cell, place: int) -> List[str]:
        tools, config = bundled('tools'), str(self.config(cell))
        script = str(tools / f'{what}.py')
        if self.launcher == 'slurm':
            variables = [f'MASTER_PORT={_FIRST_PORT + place % _PORTS}', f'GPUS={self.gpus}']
            variables.append(f'GPUS_PER_NODE={min(self.gpus, 8)}')
            start = ['env', *variables, 'bash', str(tools / f'slurm_{what}.sh')]
            return [*start, self.partition, cell.name.replace('/', '_'), config]
        if self.launcher == 'pytorch':
            # standalone: a free port for each run
            launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node']
            return [_python(), *launch, str(self.gpus), script, config]
        return [_python(), script, config]

    def _shared(self, cell: Cell) -> List[str]:
        words = ['--work-dir', str(self.work_dir / cell.name), *self.options]
        return [*words, '--launcher', 'pytorch'] if self.launcher == 'pytorch' else words


def _python() -> str:
    found = shutil.which('python')
    same = found is not None and Path(found).absolute() == Path(sys.executable).absolute()
    return 'python' if same else sys.executable


# --- what a cell leaves in its folder -------------------------------------------------------------


def best_checkpoint(folder: Path) -> Path:
    """Find the latest of the best checkpoints: a kill may have left a former one."""
    found = {path: _BEST.fullmatch(path.name) for path in folder.glob('best_*.pth')}
    numbers = {path: int(match[1]) for path, match in found.items() if match}  # no published copies
    if not numbers:
        raise MMFakeError(
            f'{folder}: training left no best checkpoint (best_*.pth); validation and '
            'default_hooks.checkpoint.save_best are needed to choose one'
        )
    return max(numbers, key=numbers.get)


def latest_config(folder: Path, of_test: bool = False) -> Optional[Config]:
    """Read the config of the latest start of the training, or test, as mmengine dumped it."""
    for path in sorted(folder.glob('*/vis_data/config.py'), reverse=True):
        try:
            cfg = Config.fromfile(str(path))
        except Exception:  # cut short by a kill; a config is a program
            continue
        if _is_of_test(cfg) == of_test:
            return cfg
    return None


def _is_of_test(cfg: Config) -> bool:
    """Whether a config was dumped by a test: it says what its scores are of, or loads weights."""
    evaluators = cfg.get('test_evaluator') or []
    evaluators = evaluators if isinstance(evaluators, (list, tuple)) else [evaluators]
    return bool(cfg.get('load_from')) or any(one.get('facts') for one in evaluators)


def is_finished(folder: Path, cfg: Config) -> bool:
    """Whether a cell need not be run: its record is of its scores and of these settings.

    Raises:
        MMFakeError: It was trained with other settings, or on other lists of videos.
    """
    record, settings = None, settings_of(cfg)
    with contextlib.suppress(MMFakeError):  # it is run again
        record = read_record(folder)
    if record and record.get('lists', _lists(cfg)) != _lists(cfg):
        raise MMFakeError(
            f'{folder}: was trained and tested on other videos: the index or the split files of '
            'its data are not those of that time; remove this folder or choose another --work-dir'
        )
    clips = record and record.get('clips')  # an earlier version did not note them
    if clips and clips_of(cfg) not in ('', clips):
        raise MMFakeError(
            f'{folder}: was not trained and tested on these clips: files of its data were '
            'exchanged, added or lost since; remove this folder or choose another --work-dir'
        )
    if record and record.get('settings') == fingerprint(settings):
        return True
    # another fingerprint may be of an earlier version of this package: the logs tell
    before = latest_config(folder)
    difference = 'its logs are gone' if record else None
    if before is not None:
        difference = first_difference(settings_of(before), settings)
    if difference:
        raise MMFakeError(
            f'{folder}: was trained with other settings ({difference}); remove this folder or '
            'choose another --work-dir'
        )
    return record is not None


def write_record(cell: Cell, folder: Path, cfg: Config, command: str) -> None:
    """Write the record of a cell that was trained and tested; from now on it is finished."""
    best, scores = best_checkpoint(folder), folder / 'scores.csv'
    root = str(cfg.test_dataloader.dataset.get('data_root') or '')
    datasets = sorted({video.split('/')[0] for video in read_scores_file(scores)['video']})
    record = dict(
        regime=cell.regime,
        holdout=cell.holdout,
        seed=cell.seed,
        config=cell.config,
        command=command,
        settings=fingerprint(settings_of(cfg)),
        checkpoint=best.name,
        checkpoint_sha256=sha256_of(best),
        scores_sha256=sha256_of(scores),
        threshold=safe_load(str(best), 'cpu')['meta'].get(ValidationThresholdHook.META_KEY),
        dataset='+'.join(datasets),
        data_root=root,
        lists=_lists(cfg),
        clips=clips_of(cfg),
        test_order=_test_order(cfg),
        versions=versions(),
    )
    write_json(folder / RECORD, record, 'the record of a cell')


def read_record(folder: Path) -> Dict[str, Any]:
    """Read the record of a cell, whose scores must still be those that it was written for."""
    path = folder / RECORD
    if not path.is_file():
        raise MMFakeError('not finished')
    try:
        record = dict(json.loads(path.read_text(encoding='utf-8')))
    except (OSError, ValueError, TypeError):
        raise MMFakeError(f'its {RECORD} cannot be read; run the cell again') from None
    if record.get('scores_sha256') != sha256_of(folder / 'scores.csv'):
        raise MMFakeError('its scores.csv is not the one that was recorded; run the cell again')
    return record


def versions() -> Dict[str, str]:
    """List the versions of the packages that a result may depend on."""
    found = {}
    for name in ('mmfake', 'torch', 'numpy', 'mmengine', 'mmaction2', 'decord'):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _test_order(cfg: Config) -> Optional[List[str]]:
    """The videos in the order of the test, None where the dataset does not list them."""
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    if not MMLogger.check_instance_created('cross_manipulation'):  # the cell has a log of its own
        MMLogger.get_instance('cross_manipulation', log_level='ERROR')
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    return list(dataset.metainfo.get('expected_videos') or ()) or None
