"""Cross-dataset test: detectors on the test videos of several prepared datasets, resumably."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import pandas as pd
from mmengine.config import Config

from ..datasets.clip_size import datasets_of
from ..datasets.ffpp_tree import INDEX_NAME, check_root
from ..datasets.index import read_index
from ..datasets.manipulations import ORIGINAL
from ..datasets.protocol import RENDERED
from ..errors import MMFakeError
from ..evaluation.comparisons import Comparison, compare_regimes
from ..evaluation.cross_table import (
    comparison_markdown,
    comparison_table,
    doubts,
    run_record,
    told_of_other_videos,
)
from ..evaluation.scores import RunScores
from ..evaluation.tables import (
    FEW_ORIGINALS,
    HEADINGS,
    MEAN,
    cell_text,
    grid_table,
    markdown_table,
)
from ..files import write_json, write_text
from ..visualization.matrix_figures import draw_intervals
from ..visualization.style import save_png_and_svg
from .cell import versions
from .many_tests import exit_status, plan_test, read_detectors, remarks, run_tests

FFPP = 'ffpp'

# name of a set -> name of its dataset in an index, key of --dataset of prepare_dataset.py
_KNOWN = dict(
    ffpp='ffpp',
    fsh='ffpp',
    cdf='celebdf2',
    dfo='deeperforensics',
    dfdc='dfdc',
    dfdcp='dfdc_preview',
    cdfpp='celebdfpp',
    dfd='dfd',
    df40='df40',
)
_METRICS = ('auc', 'ap', 'eer', 'acc', 'acc_val', 'tpr_fpr1', 'tpr_fpr5')
_WITHOUT = f'{MEAN} without FF++'

# Table 1 of the paper of the joint embedding: video AUC in %, and its means with and without FF++
_PUBLISHED_SETS = ('ffpp', 'cdf', 'fsh', 'dfo', 'dfdc')
_PUBLISHED = {
    'joint embedding': (98.49, 89.02, 98.68, 93.38, 82.06, 92.33, 90.79),
    'LipForensics': (None, 82.4, 97.1, 97.6, 73.5, 89.54, 87.65),
}


class TestSet(NamedTuple):
    """A dataset to test on.

    Attributes:
        name (str): What tables call it.
        root (str): Its prepared folder, or a tree of FaceForensics++.
        methods (tuple[str, ...]): Keys of its manipulations; empty for those of the config.
        compression (str): Empty for that of the config.
    """

    name: str
    root: str
    methods: Tuple[str, ...] = ()
    compression: str = ''

    def change(self, cfg: Config) -> None:
        """Let the test of a config read this set."""
        for dataset in datasets_of(cfg.test_dataloader):
            dataset.update(data_root=self.root, ann_file='')
            if self.methods:
                alone = self.methods[0] if len(self.methods) == 1 else None
                dataset.update(methods=list(self.methods), holdout=alone)
            if self.compression:
                dataset['compression'] = self.compression


def cross_dataset(
    words: Sequence[str],
    sets: Sequence[str],
    out_dir: str,
    names: Optional[Sequence[str]] = None,
    scale: Optional[str] = None,
    holdout: Optional[str] = None,
    compression: Optional[str] = None,
    cfg_options: Optional[Dict[str, Any]] = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> int:
    """Test detectors on several datasets, and make one table and figure of it.

    Args:
        words (Sequence[str]): ``CONFIG CHECKPOINT [CHECKPOINT ...] [CONFIG CHECKPOINT ...]``.
        sets (Sequence[str]): ``NAME=DIR`` for each dataset, see :func:`find_set`.
        out_dir (str): Folder of table, figure and of one folder a test.
        names (Sequence[str], optional): What the checkpoints are called; one name for the seeds of
            one training. Defaults to None, the stem of the config.
        scale (str, optional): As for ``tools/test.py``. Defaults to None.
        holdout (str, optional): As for ``tools/test.py``, of the set ``ffpp``. Defaults to None.
        compression (str, optional): As for ``tools/test.py``, of FF++. Defaults to None.
        cfg_options (dict[str, Any], optional): As for ``tools/test.py``. Defaults to None.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        int: Exit status: 0, or 3 where some tests are not finished.

    Raises:
        MMFakeError: The call has a mistake, a folder holds another dataset than its name says, the
            first test goes wrong or a file cannot be written.
    """
    # 1. what is to be tested: a mistake ends here
    found = [find_set(word) for word in sets]
    twice = [name for name, n in Counter(one.name for one in found).items() if n > 1]
    if twice:
        raise MMFakeError(f'--sets: {twice[0]} is there twice; give each set a name of its own')
    for one, other in combinations(found, 2):
        if os.path.samefile(one.root, other.root) and one[2:] == other[2:]:
            raise MMFakeError(
                f'--sets: {one.name} and {other.name} are the same videos ({one.root}), which the '
                'mean would count twice; give them once'
            )
    settings = dict(scale=scale, holdout=holdout, compression=compression, options=cfg_options)
    out, detectors = Path(out_dir), read_detectors(words, names)
    planned = [
        plan_test(detector, one.name, out, one.change, **settings)
        for one in found
        for detector in detectors
    ]

    # 2. test
    runs, lost = run_tests(planned)

    # 3. table, comparisons and figure
    table = _table(runs, n_bootstrap, seed)
    comparisons = compare_regimes(runs, n_bootstrap=n_bootstrap, seed=seed)
    notes = [f'{one.name}: {_what(one, runs)}' for one in found]
    notes += [
        _thresholds(runs),
        *_shared(runs),
        *remarks(runs, lost),
        *told_of_other_videos(runs, 'detectors'),
    ]
    notes += doubts(runs)
    text = _page(table, comparisons, notes, n_bootstrap, seed)
    pairs = comparison_table(comparisons).rename(columns=dict(holdout='set'))
    cells = table.rename(columns=dict(regime='detector', holdout='set'))
    record = dict(
        sets=[one._asdict() for one in found],
        bootstrap=dict(replicates=n_bootstrap, seed=seed, confidence=0.95),
        cells=cells.to_dict('records'),
        runs=[run_record(run) for run in runs],
        comparisons=pairs.to_dict('records'),
        notes=notes,
        versions=versions(),
    )
    write_text(out / 'cross_dataset.csv', cells.to_csv(index=False), 'the table')
    write_text(out / 'cross_dataset.md', text, 'the table')
    write_text(out / 'comparisons.csv', pairs.to_csv(index=False), 'the table')
    write_json(out / 'cross_dataset.json', record, 'the table')
    save_png_and_svg(draw_intervals(table, runs), out / 'cross_dataset')
    print(f'{text}\nwrote cross_dataset.md, .csv, .json, .png, .svg and comparisons.csv to {out}')
    return exit_status(lost)


# --- sets -----------------------------------------------------------------------------------------


def find_set(word: str) -> TestSet:
    """Read ``NAME=DIR`` and look what the folder holds.

    A folder with an index is a prepared dataset: its test videos, of all manipulations that it has.
    One without is a tree of FaceForensics++. Of FaceForensics++, manipulations, hold-out and
    compression are those of the config; ``fsh`` is its FaceShifter.

    Args:
        word (str): ``ffpp``, ``fsh``, ``cdf``, ``cdfpp``, ``dfd``, ``df40``, ``dfo``, ``dfdc`` and
            ``dfdcp`` must be the dataset that they name; any other name is one of the user's own.

    Returns:
        TestSet: The set.

    Raises:
        MMFakeError: There is no such folder, it is not prepared, has no test videos of both
            classes, or is another dataset.
    """
    name, is_pair, root = word.partition('=')
    if not is_pair or not name or not root or not all(c.isalnum() or c in '._-' for c in name):
        raise MMFakeError(f'--sets {word}: write NAME=DIR, e.g. cdf=data/celebdf2')
    if not Path(root).is_dir():
        raise MMFakeError(f'--sets {word}: {root} is not a folder')
    expected = _KNOWN.get(name)
    methods = ('fsh',) if name == 'fsh' else ()
    index = Path(root, INDEX_NAME)
    if not index.is_file():
        if expected not in (None, 'ffpp'):
            raise MMFakeError(
                f'--sets {word}: {root} has no {INDEX_NAME}; prepare it first: python '
                f'data_prep/prepare_dataset.py --dataset {expected} --root {root} --out DIR'
            )
        check_root(root)
        return TestSet(name, root, methods)

    rows = [record for record in read_index(str(index)) if record.split == 'test']
    datasets = sorted({record.dataset for record in rows})
    others = [one for one in datasets if one not in (expected, RENDERED)]
    if expected and others:
        right = [key for key, dataset in _KNOWN.items() if dataset == others[0]]
        raise MMFakeError(
            f'--sets {word}: {root} holds {", ".join(datasets)}, which is not {name}'
            + (f'; give it as {right[0]}={root}' if right else '')
        )
    present = sorted({record.method for record in rows} - {ORIGINAL})
    if not present or len({record.label_bin for record in rows}) < 2:
        raise MMFakeError(f'--sets {word}: {index} has no test videos of both classes')
    if set(datasets) <= {FFPP, RENDERED}:
        return TestSet(name, root, methods)
    compressions = sorted({record.compression for record in rows})
    if len(compressions) > 1:
        raise MMFakeError(
            f'--sets {word}: {index} has test videos of several compressions '
            f'({", ".join(compressions)}); prepare one in a folder of its own'
        )
    return TestSet(name, root, tuple(present), compressions[0])


def _what(one: TestSet, runs: Sequence[RunScores]) -> str:
    """Say what of a set is tested."""
    videos = [video for run in runs if run.holdout == one.name for video in run.frame['video']]
    if any(video.startswith(f'{RENDERED}/') for video in videos):
        kind = '**rendered faces: its results say nothing about real videos**'
    else:
        kind = 'prepared' if Path(one.root, INDEX_NAME).is_file() else 'raw videos'
    methods = ', '.join(one.methods) or 'manipulations as the config says'
    return f'{one.root} ({kind}; {methods})'


def _thresholds(runs: Sequence[RunScores]) -> str:
    """Say where the thresholds are from."""
    sources = (run.info['threshold_from'] or 'not known from a validation' for run in runs)
    return f'The threshold is {" or ".join(dict.fromkeys(sources))}.'


def _shared(runs: Sequence[RunScores]) -> List[str]:
    """Tell of videos that belong to two sets, such as the originals of ffpp and fsh."""
    videos: Dict[str, Set[str]] = defaultdict(set)
    for run in runs:
        videos[run.holdout].update(run.frame['video'])
    return [
        f'{one} and {other} share {len(videos[one] & videos[other])} videos: the mean counts them '
        'twice, and its interval takes them for different ones'
        for one, other in combinations(videos, 2)
        if videos[one] & videos[other]
    ]


# --- table ----------------------------------------------------------------------------------------


def _table(runs: Sequence[RunScores], n_bootstrap: int, seed: int) -> pd.DataFrame:
    """The cells, their mean over the sets, and that without FF++ where there are others."""
    table = grid_table(runs, n_bootstrap=n_bootstrap, seed=seed)
    sets = list(dict.fromkeys(run.holdout for run in runs))
    if len(sets) == 1:
        return table[table['holdout'] != MEAN]
    others = [run for run in runs if run.holdout != FFPP]
    if FFPP not in sets or len(sets) < 3:
        return table
    without = grid_table(others, n_bootstrap=n_bootstrap, seed=seed)
    without = without[without['holdout'] == MEAN].assign(holdout=_WITHOUT)
    return pd.concat([table, without], ignore_index=True)


def _page(
    table: pd.DataFrame,
    comparisons: Dict[str, List[Comparison]],
    notes: Sequence[str],
    n_bootstrap: int,
    seed: int,
) -> str:
    """``cross_dataset.md``."""
    metrics = [name for name in _METRICS if name in table]
    headings = ['set', 'detector', 'scored', 'n', *(HEADINGS[name] for name in metrics)]
    rows = []
    for name in dict.fromkeys(table['holdout']):
        for row in table[table['holdout'] == name].to_dict('records'):
            counts = f'{row["n_original"]:.0f} + {row["n_manipulated"]:.0f}'
            scored = f'{row["n_scored"]:.0f} of {row["n_expected"]:.0f}'
            cells = (cell_text(pd.Series(row), metric) for metric in metrics)
            rows.append([name, row['regime'], scored, counts, *cells])
    seeds = sorted({one for text in table['seeds'] for one in text.split()}, key=int)
    pages = [
        '# Cross-dataset table',
        '\n'.join(f'- {note}' for note in notes),
        markdown_table(headings, rows, left=2),
        'Per video. Mean over seeds ± standard deviation over seeds [95 % bootstrap interval over '
        f'videos, B = {n_bootstrap}, seed {seed}]. Seeds of training: {", ".join(seeds)}. n: '
        f'originals + manipulated videos. {FEW_ORIGINALS}',
    ]
    if any(comparisons.values()):
        pages += [
            '## Differences between detectors',
            'On the videos that both have scored (n). AUC by DeLong, accuracy at 0.5 by McNemar; p '
            'is corrected for the number of pairs (Holm) within a set and metric.',
            comparison_markdown(comparisons, 'set', column_name=str),
        ]
    pages += [
        '## As published',
        'Table 1 of the paper of the joint embedding, video AUC in %: **not of these detectors**, '
        'and of the whole test sets, as far as its text tells. Trained on FF++ c23; no n, seed or '
        'interval is given. LipForensics on FF++ cannot be read there; its two means imply 97.10.',
        _published(),
    ]
    return '\n\n'.join(pages) + '\n'


def _published() -> str:
    lines = [
        [name, *('-' if value is None else f'{value:.2f}' for value in values)]
        for name, values in _PUBLISHED.items()
    ]
    return markdown_table(['detector', *_PUBLISHED_SETS, MEAN, _WITHOUT], lines)
