"""Training curves of a work dir: the figures that ``tools/plot_training.py`` draws."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Sequence, Union

from ..visualization.gradient_conflict import draw_gradient_conflict, has_conflict
from ..visualization.style import save_figure, save_png_and_svg
from ..visualization.training_curves import draw_training_curves, read_training_log, run_name


def plot_training(
    work_dir: Union[str, Path], out_files: Optional[Sequence[Union[str, Path]]] = None
) -> List[Path]:
    """Draw losses and validation AUC of a training run, finished or not.

    Where the run had a ``GradientConflictHook``, what it measured is drawn as well, to
    ``gradient_conflict.png`` and ``.svg`` beside the first file.

    Args:
        work_dir (str | Path): Folder of the run.
        out_files (Sequence[str | Path], optional): Files to write, ``.png``, ``.svg`` or ``.pdf``.
            Defaults to None, ``training_curves.png`` and ``.svg`` in the work dir.

    Returns:
        list[Path]: The files written.

    Raises:
        MMFakeError: The log cannot be read, a method of it is unknown, or a file cannot be written.
    """
    log, name = read_training_log(work_dir), run_name(work_dir)
    curves = draw_training_curves(log, name)
    if out_files:
        written = [Path(file) for file in out_files]
        for file in written:
            save_figure(curves, file)
    else:
        written = save_png_and_svg(curves, Path(work_dir, 'training_curves'))
    if has_conflict(log):
        stem = written[0].with_name('gradient_conflict')
        written += save_png_and_svg(draw_gradient_conflict(log, name), stem)
    return written
