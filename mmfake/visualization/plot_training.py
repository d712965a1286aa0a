"""The command that draws the curves of a training run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Optional, Sequence

from .training_curves import plot_training_curves


def plot_training(argv: Optional[Sequence[str]] = None) -> None:
    """Draw losses and validation AUC of a run; ``tools/plot_training.py --help`` says how.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None, those of the process.

    Raises:
        MMFakeError: The log cannot be read or a file cannot be written.
    """
    parser = argparse.ArgumentParser(
        description='Draw losses and validation AUC of a training run, finished or not.'
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
    print('wrote', ', '.join(out_files))
