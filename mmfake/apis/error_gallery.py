"""The command that shows the worst mistakes of a detector."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Optional, Sequence

from ..errors import MMFakeError
from ..evaluation.foreign_scores import read_foreign_scores
from ..files import atomic_file
from ..visualization.error_gallery import (
    choose_errors,
    draw_gallery,
    files_of_config,
    files_of_index,
    gallery_items,
    gallery_page,
)
from ..visualization.style import save_figure
from .cross_manipulation.cell_config import cell_config


def error_gallery(argv: Optional[Sequence[str]] = None) -> None:
    """Show the most confident mistakes; ``tools/error_gallery.py --help`` says how.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None, those of the process.

    Raises:
        MMFakeError: The scores, the index or the config cannot be read, or a file cannot be
            written. A video that cannot be shown is no error: its tile says why.
    """
    args = _parse(argv)
    frame = read_foreign_scores(args.scores)
    errors = choose_errors(frame, args.threshold, args.top)
    files = {}
    if args.index:
        files = files_of_index(args.index)
    elif args.config:
        options = ['--scale', args.scale] if args.scale else []
        options += ['--data-root', args.data_root] if args.data_root else []
        files = files_of_config(cell_config(Path(args.config), 0, options))
    items = gallery_items(errors, files, args.frames)
    title = f'{Path(args.scores).resolve().parent.name}/{Path(args.scores).name}'
    page, sheet = Path(args.out, 'error_gallery.html'), Path(args.out, 'error_gallery.png')
    with atomic_file(page, 'the gallery') as temporary:
        temporary.write_text(gallery_page(errors, items, title), encoding='utf-8')
    save_figure(draw_gallery(errors, items, title), sheet)
    print(f'wrote {page}, {sheet}')


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Show the most confident false negatives and false positives of a detector: '
        'a web page (error_gallery.html, self-contained) and a picture (error_gallery.png).'
    )
    parser.add_argument('scores', help='scores.csv of tools/test.py, or one that score.py reads')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of both files')
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--index', help='index of the dataset, where the videos are')
    source.add_argument('--config', help='or the config that was tested')
    parser.add_argument('--scale', help='as for tools/test.py, with --config')
    parser.add_argument('--data-root', metavar='DIR', help='as for tools/test.py, with --config')
    parser.add_argument(
        '--top', type=int, default=12, help='videos of each kind of mistake (default: 12)'
    )
    parser.add_argument(
        '--threshold',
        type=float,
        default=0.5,
        help='a video counts as called manipulated from this score on (default: 0.5)',
    )
    parser.add_argument(
        '--frames', type=int, default=6, help='frames of a video, first to last (default: 6)'
    )
    args = parser.parse_args(argv)
    if not 0 <= args.threshold <= 1:
        raise MMFakeError(f'--threshold {args.threshold}: use a probability between 0 and 1')
    if min(args.top, args.frames) < 1:
        raise MMFakeError('--top and --frames must be at least 1')
    return args
