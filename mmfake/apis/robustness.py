"""Robustness: AUC of detectors on degraded test videos, by kind and level, resumably."""

from __future__ import annotations

import copy
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

import pandas as pd
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..datasets.clip_size import datasets_of
from ..datasets.ffpp_tree import INDEX_NAME
from ..datasets.perturbed import n_until_decoded, perturb
from ..datasets.transforms.perturb import Perturb
from ..engine.hooks.preprocessing_hook import OTHER_STEPS
from ..errors import MMFakeError
from ..evaluation.cross_table import doubts, run_record, told_of_other_videos
from ..evaluation.robustness_table import (
    CLEAN,
    PUBLISHED_KINDS,
    column_of,
    levels_markdown,
    published_markdown,
    robustness_table,
    summary_markdown,
)
from ..evaluation.scores import RunScores
from ..files import write_json, write_text
from ..video.degradations import LEVELS, check_degradation
from ..visualization.robustness_curves import draw_robustness_curves
from ..visualization.style import save_png_and_svg
from .cell import versions
from .many_tests import (
    Detector,
    PlannedTest,
    exit_status,
    logging_to,
    plan_test,
    read_detectors,
    remarks,
    run_tests,
)
from .matrix_report import data_note


def robustness(
    words: Sequence[str],
    out_dir: str,
    kinds: Sequence[str] = ('all',),
    levels: Sequence[int] = (1, 2, 3, 4),
    names: Optional[Sequence[str]] = None,
    scale: Optional[str] = None,
    data_root: Optional[str] = None,
    holdout: Optional[str] = None,
    compression: Optional[str] = None,
    cfg_options: Optional[Dict[str, Any]] = None,
    seed: int = 0,
    n_bootstrap: int = 1000,
) -> int:
    """Test detectors on the test videos as they are and degraded, and make tables and curves.

    Args:
        words (Sequence[str]): ``CONFIG CHECKPOINT [CHECKPOINT ...] [CONFIG CHECKPOINT ...]``.
        out_dir (str): Folder of tables, figures and of one folder a test.
        kinds (Sequence[str]): Keys of :data:`~mmfake.video.degradations.LEVELS`, or ``'all'``,
            which leaves out those that would do nothing to these videos. Defaults to
            ``('all',)``.
        levels (Sequence[int]): From 1 to 5. Defaults to (1, 2, 3, 4).
        names (Sequence[str], optional): What the checkpoints are called; one name for the seeds of
            one training. Defaults to None, the stem of the config.
        scale (str, optional): As for ``tools/test.py``. Defaults to None.
        data_root (str, optional): As for ``tools/test.py``. Defaults to None.
        holdout (str, optional): As for ``tools/test.py``. Defaults to None.
        compression (str, optional): As for ``tools/test.py``. Defaults to None.
        cfg_options (dict[str, Any], optional): As for ``tools/test.py``. Defaults to None.
        seed (int): Of what is drawn in a degradation, and of the resampling. Defaults to 0.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.

    Returns:
        int: Exit status: 0, or 3 where some tests are not finished.

    Raises:
        MMFakeError: The call has a mistake, the first test goes wrong or a file cannot be written.
    """
    # 1. what is to be tested: a mistake ends here
    chosen = list(LEVELS) if 'all' in kinds else list(dict.fromkeys(kinds))
    levels = sorted(set(levels))
    for kind in chosen:
        for level in levels:
            check_degradation(kind, level)
    if not chosen or not levels or min(levels) < 1:
        raise MMFakeError('--levels: give at least one from 1 to 5; level 0 is always tested')
    settings = dict(scale=scale, data_root=data_root, holdout=holdout, compression=compression)
    settings['options'] = cfg_options
    detectors, out = read_detectors(words, names), Path(out_dir)
    clean = [plan_test(one, CLEAN, out, **settings) for one in detectors]

    # 2. kinds that would do nothing to what these detectors see are left out for all of them
    refused: Dict[str, str] = {}
    with logging_to(io.StringIO()):
        for cfg in {one.detector.config: one.cfg for one in clean}.values():
            refused.update(_refused(cfg, chosen))
    if refused and 'all' not in kinds:
        raise MMFakeError(next(iter(refused.values())))
    chosen = [kind for kind in chosen if kind not in refused]

    # 3. test
    planned = [*clean]
    for kind in chosen:
        for level in levels:
            planned += [_degraded(one, kind, level, out, seed, settings) for one in detectors]
    runs, lost = run_tests(planned)

    # 4. tables and curves
    table = robustness_table(runs, chosen, levels, n_bootstrap, seed=seed)
    data = '+'.join(sorted({video.split('/')[0] for run in runs for video in run.frame['video']}))
    notes = [data_note(data, runs), _where(clean[0].cfg)]
    notes += [f'Left out: {reason}.' for reason in refused.values()]
    notes += [*remarks(runs, lost), *told_of_other_videos(runs, 'detectors')]
    notes += doubts([_without_own_remark(run) for run in runs])
    text = _page(table, chosen, levels, notes, seed, n_bootstrap)
    record = dict(
        kinds={kind: LEVELS[kind] for kind in chosen},
        levels=levels,
        seed=seed,
        bootstrap=dict(replicates=n_bootstrap, seed=seed, confidence=0.95),
        cells=table.to_dict('records'),
        runs=[run_record(run) for run in runs],
        notes=notes,
        versions=versions(),
    )
    write_text(out / 'robustness.csv', table.to_csv(index=False), 'the table')
    write_text(out / 'robustness.md', text, 'the table')
    write_json(out / 'robustness.json', record, 'the table')
    if chosen:
        counts = {tuple(run.counts().values())[2:] for run in runs}
        n = 'n = {} + {}'.format(*counts.pop()) if len(counts) == 1 else 'n differs'
        figure = draw_robustness_curves(table, chosen, f'{data}, {n}')
        save_png_and_svg(figure, out / 'robustness')
    print(f'{text}\nwrote robustness.md, .csv, .json, .png and .svg to {out}')
    return exit_status(lost)


def _degraded(
    detector: Detector, kind: str, level: int, out: Path, seed: int, settings: Dict[str, Any]
) -> PlannedTest:
    """Plan the test of one kind and level."""

    def change(cfg: Config) -> None:
        perturb(cfg, 'test', kind, level, seed=seed)

    return plan_test(detector, column_of(kind, level), out, change, **settings)


def _without_own_remark(run: RunScores) -> RunScores:
    """A degraded test has a step that the training has not, which is no news on this page."""
    told = [line for line in run.info['warnings'] if not line.startswith(OTHER_STEPS)]
    return run if run.holdout == CLEAN else replace(run, info=dict(run.info, warnings=told))


def _refused(cfg: Config, kinds: Sequence[str]) -> Dict[str, str]:
    """The kinds that would do nothing to the first test video that can be read, and why."""
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    settings = copy.deepcopy(next(datasets_of(cfg.test_dataloader)))
    del settings['pipeline'][n_until_decoded(settings['pipeline']) :]
    dataset = DATASETS.build(settings)
    for place in range(len(dataset)):
        sample = dataset[place]
        if 'unreadable' in sample:
            continue
        reasons = {}
        for kind in kinds:
            try:
                Perturb(kind, 1, seed=0)(dict(sample))
            except MMFakeError as error:
                reasons[kind] = str(error)
        return reasons
    return {}


def _where(cfg: Config) -> str:
    """Say what is degraded: stored face crops, or whole frames."""
    dataset = next(datasets_of(cfg.test_dataloader))
    is_index = dataset.get('ann_file') or Path(str(dataset.get('data_root')), INDEX_NAME).is_file()
    what = (
        'the stored face crops, after they were cut out'
        if is_index
        else 'the frames of the videos as they are, before anything is cut out'
    )
    return (
        f'Degraded are {what}, when they have been decoded and before they are resized. Sizes and '
        'strengths are in px of these pictures; DeeperForensics-1.0 degrades raw videos before the '
        'face is cut out, so that figures differ.'
    )


def _page(
    table: pd.DataFrame,
    kinds: Sequence[str],
    levels: Sequence[int],
    notes: Sequence[str],
    seed: int,
    n_bootstrap: int,
) -> str:
    """``robustness.md``."""
    seeds = sorted({one for text in table['seeds'] for one in text.split()}, key=int)
    shown = ', '.join(map(str, levels))
    pages = [
        '# Robustness to degraded videos',
        '\n'.join(f'- {note}' for note in notes),
        summary_markdown(table, kinds),
        f'Video AUC; a kind is the mean over levels {shown}, "mean" that over the kinds, and the '
        'drop is (clean - mean) / clean. Mean over seeds ± standard deviation over seeds [95 % '
        f'bootstrap interval over videos, drawn alike in all cells, B = {n_bootstrap}, seed '
        f'{seed}]. Seeds of training: {", ".join(seeds)}. n: originals + manipulated videos.',
    ]
    for detector in dict.fromkeys(table['detector']):
        pages += [f'## {detector}', levels_markdown(table, detector)]
    if set(PUBLISHED_KINDS) <= set(kinds):
        pages += [
            '## As published',
            'Table 2 of the paper of the joint embedding, **not of these detectors and these '
            'videos**: FF++ c23, video AUC in %, means over levels 1 to 4. No n, seed or interval '
            'is given there.',
            published_markdown(),
        ]
    return '\n\n'.join(pages) + '\n'
