"""Show the most confident mistakes of a detector: ``python tools/error_gallery.py --help``."""

import argparse
import sys

try:
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')


def parse_args(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Show the most confident false negatives and false positives of a detector: '
        'a web page (error_gallery.html, self-contained) and a picture (error_gallery.png).',
        epilog='exit status: 0 every video has a score, 1 some have none or are not in the '
        'dataset given (the rest is shown), 2 a mistake in the call or in a file',
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
        help='a video counts as called manipulated from this score on (default: the one chosen on '
        'validation, which tools/test.py leaves beside its scores, else 0.5)',
    )
    parser.add_argument(
        '--frames', type=int, default=6, help='frames of a video, first to last (default: 6)'
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Make the gallery as the command line says."""
    args = parse_args(argv)
    # not before: matplotlib takes a second to import
    from mmfake.apis.error_gallery import error_gallery

    gallery = error_gallery(
        args.scores,
        args.out,
        index=args.index,
        config=args.config,
        scale=args.scale,
        data_root=args.data_root,
        top=args.top,
        threshold=args.threshold,
        frames=args.frames,
    )
    print('\n'.join(gallery.notes))
    print(f'wrote {gallery.page}, {gallery.sheet}')
    return 1 if gallery.not_scored or gallery.not_found else 0


if __name__ == '__main__':
    run_command(main)
