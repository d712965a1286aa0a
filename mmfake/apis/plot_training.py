"""The command that draws the curves of a training run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Optional, Sequence

from ..visualization.gradient_conflict import draw_gradient_conflict, has_conflict
from ..visualization.style import save_figure
from ..visualization.training_curves import plot_training_curves, read_training_log, run_name


def plot_training(argv: Optional[Sequence[str]] = None) -> None:
    """Draw losses and validation AUC of a run; ``tools/plot_training.py --help`` says how.

    Where the run had a ``GradientConflictHook``, its figure is drawn as well.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None, those of the process.

    Raises:
        MMFakeError: The log cannot be read or a file cannot be written.
    """
    parser = argparse.ArgumentParser(
        description='Draw losses and validation AUC of a training run, finished or not; with a '
        'GradientConflictHook also what it measured (gradient_conflict.png and .svg).'
    )
    parser.add_argument('work_dir', help='folder of the run, e.g. work_dirs/bin_ce_holdout_df')
    parser.add_argument(
        '--out',
        nargs='+',
        metavar='FILE',
        help='files to write, .png, .svg or .pdf (default: WORK_DIR/training_curves.png and .svg)',
    )
    args = parser.parse_args(argv)
    stem = Path(args.work_dir, 'training_curves')
    out_files = args.out or [f'{stem}.png', f'{stem}.svg']
    plot_training_curves(args.work_dir, out_files)
    log = read_training_log(args.work_dir)
    if has_conflict(log):
        figure = draw_gradient_conflict(log, run_name(args.work_dir))
        for ending in ('png', 'svg'):
            out_file = Path(out_files[0]).with_name(f'gradient_conflict.{ending}')
            save_figure(figure, out_file)
            out_files.append(str(out_file))
    print('wrote', ', '.join(out_files))
