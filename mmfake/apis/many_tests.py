"""Many tests of several checkpoints in one command: their words, each test kept when finished."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    TextIO,
    Tuple,
)

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from ..compat.checkpoints import safe_load
from ..console import ProgressBar, Stopwatch
from ..datasets.clip_size import datasets_of
from ..engine.config import load_config
from ..engine.loaders import clips_of
from ..errors import MMFakeError
from ..evaluation.scores import RunScores
from ..evaluation.scores_file import (
    known_threshold,
    known_warnings,
    read_scores_file,
    read_sidecar,
)
from ..evaluation.video_metrics import format_summary
from ..files import sha256_of, write_json
from .cell import fingerprint, lists_of, reason_of, settings_of
from .run_cells import auc_text
from .test import nothing_scored, set_test_options, test

RECORD = 'test.json'
"""str: The file in the folder of a test that says it is finished, and with which settings."""


@dataclass(frozen=True)
class Detector:
    """A trained detector as a call names it.

    Args:
        name (str): What tables call it; detectors of one name are its seeds.
        seed (int): Seed of its training, or its place among those of its name.
        config (str): Config file.
        checkpoint (str): Checkpoint file.
        sha256 (str): Hash of the checkpoint.
    """

    name: str
    seed: int
    config: str
    checkpoint: str
    sha256: str

    @property
    def folder(self) -> str:
        """str: Name of its folder in the results."""
        return f'{"".join(c if c.isalnum() or c in "._-" else "_" for c in self.name)}_{self.seed}'


def read_detectors(words: Sequence[str], names: Optional[Sequence[str]] = None) -> List[Detector]:
    """Read ``CONFIG CHECKPOINT [CHECKPOINT ...] [CONFIG CHECKPOINT ...]``.

    Args:
        words (Sequence[str]): Each checkpoint belongs to the last config before it.
        names (Sequence[str], optional): One for each checkpoint; the same name for the seeds of one
            training. Defaults to None: the stem of the config, which makes the checkpoints of one
            config its seeds.

    Returns:
        list[Detector]: In the order of the call.

    Raises:
        MMFakeError: A word is no file, a checkpoint has no config before it or is given twice, or
            the names do not fit.
    """
    # which config each checkpoint is of
    config, pairs = '', []
    for word in words:
        if not Path(word).is_file():
            kind = 'config' if word.endswith('.py') else 'checkpoint'
            raise MMFakeError(f'{word}: no such {kind} file.')
        if word.endswith('.py'):
            config = word
        elif not config:
            raise MMFakeError(f'{word}: a config comes first: CONFIG, then CHECKPOINT.')
        else:
            pairs.append((config, word))
    without = {word for word in words if word.endswith('.py')} - {config for config, _ in pairs}
    if without or not pairs:
        raise MMFakeError(f'{", ".join(sorted(without))}: no checkpoint follows this config.')
    read = [_seed_and_weights(checkpoint) for _, checkpoint in pairs]
    weights = [value for _, value in read]
    for place, value in enumerate(weights):
        if value in weights[:place]:  # the same file, or one with a copy for publishing
            one, other = pairs[weights.index(value)][1], pairs[place][1]
            raise MMFakeError(f'{one} and {other} have the same weights; give one of them.')
    if names is not None and len(names) != len(pairs):
        raise MMFakeError(f'--names has {len(names)} names for {len(pairs)} checkpoints.')

    # their seeds: those of the trainings, if all of a name tell them
    names = list(names or (Path(config).stem for config, _ in pairs))
    known = [seed for seed, _ in read]
    found = []
    for place, (name, (config, checkpoint)) in enumerate(zip(names, pairs)):
        mine = [known[at] for at, other in enumerate(names) if other == name]
        twins = [at for at in range(place) if names[at] == name and known[at] == known[place]]
        if twins and known[place] is not None:
            raise MMFakeError(
                f'{pairs[twins[0]][1]} and {checkpoint} are both of seed {known[place]}: they are '
                f'no two seeds of one training, as which {name!r} names them; give one of them, or '
                'each a name of its own with --names.'
            )
        seed = names[:place].count(name) if None in mine else known[place]
        found.append(Detector(name, seed, config, checkpoint, sha256_of(checkpoint)))
    return found


def _seed_and_weights(checkpoint: str) -> Tuple[Optional[int], str]:
    """The seed of the training, None where the file does not say, and a hash of the weights."""
    content = safe_load(checkpoint, 'cpu')
    parts = content if isinstance(content, dict) else {}
    meta, weights = parts.get('meta'), parts.get('state_dict')
    seed = meta.get('seed') if isinstance(meta, dict) else None
    seed = seed if isinstance(seed, int) and seed >= 0 else None
    if not isinstance(weights, dict) or not all(map(torch.is_tensor, weights.values())):
        return seed, sha256_of(checkpoint)  # its test tells what is wrong with it
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return seed, digest.hexdigest()


@dataclass(frozen=True)
class PlannedTest:
    """A test to be made.

    Args:
        detector (Detector): What is tested.
        column (str): What it is tested on: name of the column in tables, and of its folder.
        cfg (Config): Config of the test, whose ``work_dir`` is the folder.
    """

    detector: Detector
    column: str
    cfg: Config


def plan_test(
    detector: Detector,
    column: str,
    out_dir: Path,
    change: Callable[[Config], None] = lambda cfg: None,
    **settings: Any,
) -> PlannedTest:
    """Load the config of a test; ``change`` changes it, ``settings`` are those of load_config."""
    folder = out_dir / detector.folder / column.replace(' ', '_')
    cfg = load_config(detector.config, work_dir=str(folder), **settings)
    change(cfg)
    # mmengine keeps loggers by this name and the second of the start
    cfg.experiment_name = f'{detector.folder}_{column}'.replace(' ', '_')
    return PlannedTest(detector, column, cfg)


def run_tests(planned: Sequence[PlannedTest]) -> Tuple[List[RunScores], Dict[str, str]]:
    """Make the tests that are not finished, one after the other.

    What a test logs goes to ``test.log`` in its folder. One that goes wrong does not keep the
    others from being made, unless it is the first: then they all would.

    Args:
        planned (Sequence[PlannedTest]): The tests.

    Returns:
        tuple[list[RunScores], dict[str, str]]: The finished ones with the name of the detector as
        ``regime`` and the column as ``holdout``, and why each of the others is not.

    Raises:
        MMFakeError: The first test goes wrong, as would the others, or the seeds of one name are
            tested on other methods.
    """
    _check_seeds(planned)
    runs, lost, watch = [], {}, Stopwatch()
    bar, n_made = ProgressBar(time_left=True), 0
    with bar:
        task = bar.add_task('tests', total=len(planned))
        for place, one in enumerate(planned):
            name = f'{one.detector.name}, seed {one.detector.seed}, {one.column}'
            try:
                made = not _is_finished(one)
                if made:
                    with watch.timing('tests'):
                        _make(one)
                    n_made += 1
                runs.append(_read(one))
                what = 'tested ' if made else 'skipped'
                text = auc_text(Path(one.cfg.work_dir, 'scores.csv'))
            except Exception as error:
                if not place:
                    raise
                lost[name] = reason_of(error)
                what, text = 'failed ', lost[name]
            left = len(planned) - place - 1
            minutes = left * watch.seconds.get('tests', 0) / max(n_made, 1) / 60
            ahead = f'; {left} left, at most {minutes:.0f} min' if n_made and left else ''
            bar.console.print(f'{what} {name}: {text}{ahead}')
            bar.advance(task)
    return runs, lost


def remarks(runs: Sequence[RunScores], lost: Mapping[str, str]) -> List[str]:
    """Say which tests have not scored every video, and which are not finished."""
    told = [
        f'{run.regime}, seed {run.seed}, {run.holdout}: {format_summary(run.frame)}'
        for run in runs
        if len(run.scored) < len(run.frame)
    ]
    return told + [f'Not finished: {name}: {reason}' for name, reason in lost.items()]


def exit_status(lost: Mapping[str, str]) -> int:
    """Print which tests are not finished; 3 if there are any, else 0."""
    for name, reason in lost.items():
        print(f'failed: {name}: {reason}', file=sys.stderr)
    return 3 if lost else 0


def _check_seeds(planned: Sequence[PlannedTest]) -> None:
    """Refuse to take the mean over detectors of one name that are tested on other methods."""
    first: Dict[Tuple[str, str], Tuple[str, str]] = {}
    for one in planned:
        name, tested = one.detector.name, ' and '.join(map(_tested, _datasets_of(one)))
        other, file = first.setdefault((name, one.column), (tested, one.detector.checkpoint))
        if other != tested:
            raise MMFakeError(
                f'{file} is tested on {other} and {one.detector.checkpoint} on {tested}: they are '
                f'no seeds of one training, as which {name!r} names them; give each training a '
                'name of its own with --names.'
            )


def _tested(dataset: Mapping[str, Any]) -> str:
    """What of a dataset is tested, in words."""
    alone = dataset.get('holdout') or ', '.join(dataset.get('methods') or ()) or 'all methods'
    return f'{alone} ({dataset.get("compression") or "c23"})'


def _datasets_of(one: PlannedTest) -> List[Mapping[str, Any]]:
    return list(datasets_of(one.cfg.test_dataloader))


def _settings(one: PlannedTest) -> str:
    """A fingerprint of all that decides the scores of a test, and the threshold beside them."""
    settings = {
        key: value
        for key, value in settings_of(one.cfg).items()
        if key.split('.')[0] not in ('experiment_name', 'test_evaluator', 'filename')
        or key.endswith('.threshold')
    }
    indexes = ' '.join(' '.join(lists_of(dataset)) for dataset in _datasets_of(one))
    return fingerprint(dict(settings, checkpoint=one.detector.sha256, indexes=indexes))


def _is_finished(one: PlannedTest) -> bool:
    """Whether the scores of a test are there, made with these settings of this checkpoint."""
    folder = Path(one.cfg.work_dir)
    try:
        record = json.loads((folder / RECORD).read_text(encoding='utf-8'))
        clips = record.get('clips')  # an earlier version did not note them
        if clips and _clips(one) not in ('', clips):
            return False
        scores = sha256_of(folder / 'scores.csv')
        return (record.get('settings'), record.get('scores_sha256')) == (_settings(one), scores)
    except (OSError, ValueError, AttributeError):
        return False


def _clips(one: PlannedTest) -> str:
    """A hash of the clips that are tested."""
    return clips_of(one.cfg, ['test_dataloader'])


def _make(one: PlannedTest) -> None:
    """Make a test and write its record."""
    folder, settings, clips = Path(one.cfg.work_dir), _settings(one), _clips(one)
    folder.mkdir(parents=True, exist_ok=True)
    set_test_options(one.cfg, one.detector.checkpoint)
    with open(folder / 'test.log', 'w', encoding='utf-8') as log, logging_to(log):
        metrics = test(one.cfg)
    if nothing_scored(metrics):
        raise MMFakeError(f'none of the videos was scored; the reasons are in {folder}/test.log')
    scores = sha256_of(folder / 'scores.csv')
    record = dict(settings=settings, clips=clips, scores_sha256=scores)
    write_json(folder / RECORD, record, 'the record of a test')


@contextmanager
def logging_to(log: TextIO) -> Iterator[None]:
    """Let what the block prints and logs go to a file; forget the loggers that it makes."""
    before = set(MMLogger._instance_dict)
    consoles = [
        (handler, handler.stream)
        for logger in MMLogger._instance_dict.values()
        for handler in logger.handlers
        if type(handler) is logging.StreamHandler
    ]
    for handler, _ in consoles:
        handler.stream = log  # setStream would flush one that may be closed
    try:
        with redirect_stdout(log):
            yield
    finally:
        for handler, stream in consoles:
            handler.stream = stream
        for name in set(MMLogger._instance_dict) - before:
            logger = MMLogger._instance_dict.pop(name)
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
                handler.close()


def _read(one: PlannedTest) -> RunScores:
    """Read the scores of a finished test."""
    path = Path(one.cfg.work_dir, 'scores.csv')
    facts, _ = read_sidecar(path)
    info = dict(checkpoint=one.detector.checkpoint, checkpoint_sha256=one.detector.sha256)
    return RunScores(
        one.detector.name,
        one.column,
        one.detector.seed,
        read_scores_file(path),
        known_threshold(facts)[0],
        info=dict(
            info,
            config=one.detector.config,
            scores=str(path),
            warnings=known_warnings(facts),
            threshold_from=known_threshold(facts)[1],
        ),
    )
