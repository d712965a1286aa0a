"""Report of a matrix: finished cells to tables and figures, and a t-SNE map of one cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple, Union

import numpy as np
import pandas as pd
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint

from ..datasets.manipulations import method_name
from ..datasets.protocol import RENDERED
from ..datasets.unreadable import is_unreadable
from ..errors import MMFakeError
from ..evaluation.cross_table import doubts, told_of_other_videos, write_cross_table
from ..evaluation.paper import TEST_VIDEOS, regime_name
from ..evaluation.scores import RunScores
from ..evaluation.scores_file import known_warnings, read_scores_file, read_sidecar
from ..visualization.embedding_map import draw_embedding_map
from ..visualization.matrix_figures import draw_heat_map, draw_intervals
from ..visualization.score_figures import draw_confusion, draw_roc_curves
from ..visualization.style import save_png_and_svg
from .cell import (
    RECORD,
    Cell,
    best_checkpoint,
    first_difference,
    latest_config,
    read_record,
    reason_of,
    settings_of,
    write_record,
)

_RENDERED = (
    '**Mini results, not FaceForensics++ results**: the faces are rendered (mini_ffpp); they say '
    'nothing about real videos.'
)
_GENERATED = ('<!-- generated: the tables of table.md -->', '<!-- end -->')
# settings that all hold-outs of a regime share
_TRAINING = ('train_cfg.', 'optim_wrapper.', 'param_scheduler.')
# of a record, what a run says elsewhere
_HIDDEN = ('regime', 'holdout', 'seed', 'threshold', 'dataset', 'test_order')


def collect_runs(work_dir: Path, cells: Sequence[Cell]) -> Tuple[List[RunScores], Dict[Cell, str]]:
    """Read the finished cells, in the order given, and say why each of the others is none."""
    runs, lost = [], {}
    for cell in cells:
        try:
            runs.append(_run_of(cell, work_dir / cell.name))
        except Exception as error:  # whatever is wrong with a cell, it is that cell's alone
            lost[cell] = reason_of(error)
    return runs, lost


def _run_of(cell: Cell, folder: Path) -> RunScores:
    if not (folder / RECORD).is_file() and _is_tested(folder):
        # by the commands of --dry-run: the record is written now
        cfg = latest_config(folder)
        if cfg is not None:
            write_record(cell, folder, cfg, command='by hand')
    record = read_record(folder)
    of = Cell(record['regime'], record['holdout'], record['seed']).name
    if of != cell.name:
        raise MMFakeError(f'its {RECORD} is of {of}: it is a copy, or has another name by now')
    info = {key: value for key, value in record.items() if key not in _HIDDEN}
    facts, _ = read_sidecar(folder / 'scores.csv')
    run = RunScores(
        cell.regime,
        cell.holdout,
        cell.seed,
        read_scores_file(folder / 'scores.csv'),
        record['threshold'],
        record['dataset'],
        dict(info, warnings=known_warnings(facts)),
        record['test_order'],
    )
    run.check_holdout(str(folder / 'scores.csv'))
    return run


def _is_tested(folder: Path) -> bool:
    """Whether there are scores, and the training has saved nothing after them."""
    scores, last = folder / 'scores.csv', folder / 'last_checkpoint'
    there = scores.is_file() and last.is_file()
    return there and scores.stat().st_mtime_ns >= last.stat().st_mtime_ns


def write_matrix_report(
    runs: Sequence[RunScores], out_dir: Path, inputs: Mapping[str, Any], lost: Sequence[str] = ()
) -> pd.DataFrame:
    """Write the files of :func:`~mmfake.evaluation.cross_table.write_cross_table` and the figures.

    The figures, each as PNG and SVG, are ``heat_map``, ``intervals`` (of the AUC), ``roc`` and
    ``confusion`` (at 0.5).

    Args:
        runs (Sequence[RunScores]): The finished runs, in the order of the table.
        out_dir (Path): Where the files go.
        inputs (Mapping): What ``table.json`` says of all runs.
        lost (Sequence[str]): Names of cells that are not finished. Defaults to ``()``.

    Returns:
        pandas.DataFrame: The table.

    Raises:
        MMFakeError: There is no run, runs contradict each other, or a file cannot be written.
    """
    datasets = sorted({run.dataset for run in runs})
    note = [data_note(name, [run for run in runs if run.dataset == name]) for name in datasets]
    note += [*told_of_other_videos(runs, 'regimes'), *told_of_other_settings(runs, out_dir)]
    note += doubts(runs)
    if lost:
        note.append(f'Not finished, and so not in the table: {", ".join(lost)}.')
    table = write_cross_table(runs, out_dir, inputs, ' '.join(note))
    names = dict(title=' + '.join(datasets), row_name=regime_name)
    figures = dict(
        heat_map=draw_heat_map(table, **names),
        intervals=draw_intervals(table, runs, column_name=method_name, **names),
        roc=draw_roc_curves(runs, column_name=method_name, **names),
        confusion=draw_confusion(runs, **names),
    )
    for name, figure in figures.items():
        save_png_and_svg(figure, out_dir / name)
    return table


def told_of_other_settings(runs: Sequence[RunScores], work_dir: Path) -> List[str]:
    """A line for each cell that was not trained as the first of its regime was.

    Cells of one hold-out differ in the seed alone; of others, optimizer and schedule are compared.
    """
    lines = []
    first: Dict[Tuple[str, str], Tuple[str, Dict[str, str]]] = {}
    for run in runs:
        cell = Cell(run.regime, run.holdout, run.seed)
        cfg = latest_config(work_dir / cell.name)
        if cfg is None:  # its logs are gone
            continue
        settings = settings_of(cfg)
        settings.pop('randomness.seed', None)
        schedule = {key: text for key, text in settings.items() if key.startswith(_TRAINING)}
        for key, mine in ((run.holdout, settings), ('', schedule)):
            name, other = first.setdefault((run.regime, key), (cell.name, mine))
            difference = first_difference(other, mine)
            if difference:
                lines.append(
                    f'**{cell.name} was not trained as {name} was ({difference}): the row '
                    f'{regime_name(run.regime)} mixes them.**'
                )
                break
    return lines


def data_note(dataset: str, runs: Sequence[RunScores]) -> str:
    """Say which data runs are of, and whether that is the test set of FaceForensics++."""
    if dataset == RENDERED:
        return _RENDERED
    if dataset != 'ffpp':
        return f'Data: {dataset}, not FaceForensics++.'
    compressions = {video.split('/')[2] for run in runs for video in run.frame['video']}
    named = f'FaceForensics++ ({", ".join(sorted(compressions))})'
    counts = {tuple(int((run.frame['label'] == x).sum()) for x in (0, 1)) for run in runs}
    if counts == {TEST_VIDEOS}:
        return f'Data: {named}.'
    shown = ' or '.join('{} + {}'.format(*pair) for pair in sorted(counts))
    whole = '{} + {}'.format(*TEST_VIDEOS)
    return (
        f'Data: **a part of {named}**, {shown} of its {whole} test videos a hold-out: these are no '
        'FaceForensics++ results.'
    )


# --- generated tables of a README -----------------------------------------------------------------


def readme_around(path: Union[str, Path]) -> Tuple[str, str]:
    """Read what stands before and after the generated tables of a README, with both marks.

    Raises:
        MMFakeError: The file cannot be read or lacks a mark.
    """
    first, last = _GENERATED
    try:
        text = Path(path).read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise MMFakeError(f'--update-readme {path}: cannot be read ({reason})') from None
    before, mark, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not mark or not end:
        raise MMFakeError(
            f'--update-readme {path}: has no lines {first} and {last}, between which the tables go'
        )
    return before + first, last + after


# --- map of embeddings ----------------------------------------------------------------------------


def draw_embeddings(folder: Path, cell: Cell, out_dir: Path) -> None:
    """Draw where the best checkpoint of a tested cell puts the test videos, as PNG and SVG."""
    cfg = latest_config(folder, of_test=True)
    if cfg is None:
        raise MMFakeError(f'{folder}: no test has left a config here; run the cell first')
    embeddings, methods = embed_videos(cfg, str(best_checkpoint(folder)))
    held_out = f'{method_name(cell.holdout)} held out, training seed {cell.seed}'
    title = f'{regime_name(cell.regime)},\n{held_out}'
    figure = draw_embedding_map(embeddings, methods, title)
    save_png_and_svg(figure, out_dir / f'embedding_{cell.name.replace("/", "_")}')


@torch.no_grad()
def embed_videos(cfg: Config, checkpoint: str) -> Tuple[np.ndarray, List[str]]:
    """Encode the test videos of a config.

    Args:
        cfg (Config): Its ``model`` has ``extract_feat`` as mmaction2's recognizers.
        checkpoint (str): Weights.

    Returns:
        tuple[np.ndarray, list[str]]: Embeddings (N, C), the mean over the clips of a video, and the
        method of each of the N videos that can be read.
    """
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = MODELS.build(cfg.model)  # without init_weights: the checkpoint has them all
    load_checkpoint(model, checkpoint, map_location='cpu', logger='silent')
    model.to('cuda' if torch.cuda.is_available() else 'cpu').eval()
    rows, methods = [], []
    for batch in Runner.build_dataloader(cfg.test_dataloader, seed=0):
        data = model.data_preprocessor(batch, training=False)
        inputs, samples = data['inputs'], data['data_samples']
        embedding, _ = model.extract_feat(inputs)  # (N*M, C)
        embedding = embedding.view(*inputs.shape[:2], -1).mean(dim=1)  # (N, C)
        for row, sample in zip(embedding.float().cpu().numpy(), samples):
            if not is_unreadable(sample):
                rows.append(row)
                methods.append(sample.method)
    return np.array(rows), methods
