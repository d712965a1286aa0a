"""The figure of a training run: losses and validation AUC."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Sequence, Union

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .auc_panel import draw_auc
from .figure_style import figure_style, save_figure
from .loss_panel import draw_losses
from .training_log import TrainingLog, read_training_log


def plot_training_curves(work_dir: Union[str, Path], out_files: Sequence[Union[str, Path]]) -> None:
    """Draw losses and validation AUC of a training run, finished or not.

    Panel (a) has every loss term by epoch, panel (b) the validation AUC: all seen methods with
    their interval, each method, the chance level and the best epoch. The title names config and
    seed and says how many validation videos there are.

    Args:
        work_dir (str | Path): Folder of the run, as :func:`.read_training_log` reads it.
        out_files (Sequence[str | Path]): Files to write, ``.png``, ``.svg`` or ``.pdf``.

    Raises:
        MMFakeError: The log cannot be read, a method has no name or a file cannot be written.
    """
    log = read_training_log(work_dir)
    figure = draw_training_curves(log, run_name(work_dir))
    for out_file in out_files:
        save_figure(figure, out_file)


def draw_training_curves(log: TrainingLog, name: str) -> Figure:
    """Draw the figure of :func:`plot_training_curves`, as wide as a two-column page.

    Args:
        log (TrainingLog): The log.
        name (str): Name of the run in the title.

    Returns:
        Figure: Drawn without pyplot, so that no window system and no global figure is involved.
    """
    with figure_style():
        figure = Figure(figsize=(7.1, 2.9), layout='constrained')  # inches
        left, right = figure.subplots(1, 2)
        draw_losses(left, log)
        draw_auc(right, log)
        for ax in (left, right):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        title = textwrap.fill(', '.join([name, *_facts(log)]), 100)  # as wide as the figure
        figure.suptitle(title, fontsize=8, fontweight='bold')
    return figure


def run_name(work_dir: Union[str, Path]) -> str:
    """Name a run after its config.

    Args:
        work_dir (str | Path): Folder of the run, where the Runner leaves a copy of the config.

    Returns:
        str: Name of the newest config in the folder, or else of the folder.
    """
    work_dir = Path(work_dir).resolve()
    configs = sorted(work_dir.glob('*.py'), key=lambda file: file.stat().st_mtime)
    return configs[-1].stem if configs else work_dir.name


def _facts(log: TrainingLog) -> Sequence[str]:
    facts = []
    if log.config is not None:
        seed = (log.config.get('randomness') or {}).get('seed')
        facts.append('random seed' if seed is None else f'seed {seed}')
    if 'n_scored' in log.validation:
        # the epoch that scored the fewest, lest a loss of videos goes unseen
        row = log.validation.loc[log.validation['n_scored'].idxmin()]
        scored, expected = int(row['n_scored']), int(row['n_expected'])
        number = f'{scored}' if scored == expected else f'{scored} of {expected}'
        facts.append(
            f'{number} validation videos ({row["n_original"]:.0f} original, '
            f'{row["n_manipulated"]:.0f} manipulated)'
        )
    return facts
