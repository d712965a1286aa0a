"""Preview of a prepared dataset: ``python data_prep/preview.py --help``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the checkout, not this folder

import argparse
from typing import Optional, Sequence

from mmfake.console import ProgressBar, run_command
from mmfake.errors import MMFakeError

DESCRIPTION = """\
Draw a prepared dataset, to be looked at before it is trained on. The sheet has a row per identity:
the original and its fakes, each as the raw frame with the face box and as the frame of the clip. A
second picture, FILE_histograms.png, shows how large the faces are and how long tracks and clips.
With --synthetic the sheet shows instead the forgeries that training can make of the originals."""

EPILOG = """\
examples:
  python data_prep/preview.py data/ffpp/index.csv --out data/ffpp/sheet.png
  python data_prep/preview.py data/ffpp/index.csv --out data/ffpp/sheet.png --rows 20 --seed 1
  python data_prep/preview.py data/ffpp/index.csv --out data/ffpp/forgeries.png --synthetic

A video that is not used is a grey tile with the reason; where the raw video is not there, only the
crop is shown."""


def build_parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('index', type=Path, metavar='INDEX', help='the index.csv of a prepared dataset')
    add('--out', type=Path, required=True, metavar='FILE.png', help='also .pdf or .svg')
    add('--rows', type=int, default=8, metavar='N', help='identities (default: %(default)s)')
    add('--seed', type=int, default=0, metavar='S', help='of the draw (default: %(default)s)')
    add(
        '--synthetic',
        action='store_true',
        help='originals of training beside the forgeries made of them: self-blended, and of one '
        'attribute; on the right of each what it changes, three times as much',
    )
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Draw what the command line says."""
    args = build_parser().parse_args(arguments)
    # --help need not wait for what draws
    from data_prep.audit.index_table import read_table
    from data_prep.preview_sheet.contact_sheet import choose_rows, draw_sheet, make_tile, methods_of
    from data_prep.preview_sheet.histograms import draw_histograms, measure
    from mmfake.visualization.style import FORMATS, save_figure

    if args.rows < 1:
        raise MMFakeError(f'--rows {args.rows} is below 1: choose another')
    if args.out.suffix.lower() not in FORMATS:  # before minutes are spent on reading
        raise MMFakeError(f'--out {args.out}: no such format of a figure; use {", ".join(FORMATS)}')
    table = read_table(args.index)
    if not table.rows:
        raise MMFakeError(
            f'index {args.index} has no sound row: run data_prep/check_index.py on it'
        )
    if args.synthetic:
        from data_prep.preview_sheet.synthetic_sheet import draw_forgeries, make_forgeries

        made, total = make_forgeries(table, args.rows, args.seed)
        name = table.path.resolve().parent.name
        title = f'{name}: {len(made)} of {total} originals of training, seed {args.seed}'
        save_figure(draw_forgeries(made, title), args.out)
        print(f'forgeries: {args.out}')
        return
    rows, total = choose_rows(table, args.rows, args.seed)
    methods = methods_of(rows)
    with ProgressBar(time_left=True) as bar:
        tiles = [
            {method: make_tile(table, video, row.frame) for method, video in row.videos.items()}
            for row in bar.track(rows, description='identities')
        ]
    title = (
        f'{table.path.resolve().parent.name}: {len(rows)} of {total} identities, seed {args.seed}'
    )
    save_figure(draw_sheet(rows, tiles, methods, title), args.out)
    print(f'contact sheet: {args.out}')
    histograms = args.out.with_name(f'{args.out.stem}_histograms{args.out.suffix}')
    save_figure(draw_histograms(table, measure(table)), histograms)
    print(f'histograms: {histograms}')
    absent = sum(tile.note == 'source file not there' for row in tiles for tile in row.values())
    if absent:
        print(f'source files not there: {absent}; of these videos only the crop is shown')
    if table.faults:
        print(f'bad rows not shown: run data_prep/check_index.py {args.index}')


if __name__ == '__main__':
    run_command(main)
