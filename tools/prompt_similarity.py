"""Draw how alike a detector's prompts are: ``python tools/prompt_similarity.py --help``."""

import argparse
import sys

try:
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')


def parse_args(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Draw the cosines between the prompts of a joint-embedding detector before and '
        'after training: DIR/prompt_similarity.png, .svg and .csv.'
    )
    parser.add_argument('config', help='e.g. configs/joint_embedding/joint_embedding.py')
    parser.add_argument('checkpoint', help='checkpoint; nothing in it is run')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of the files')
    parser.add_argument('--scale', help='config merged over CONFIG, as in training: mini')
    return parser.parse_args(argv)


def main(argv=None):
    """Draw as the command line says."""
    args = parse_args(argv)
    # not before: torch and transformers take seconds to import
    from mmfake.apis.prompt_similarity import prompt_similarity

    files, table = prompt_similarity(args.config, args.checkpoint, args.out, args.scale)
    nearest = table.sort_values('after', ascending=False).head(3)
    for row in nearest.itertuples():
        before = f'{row.before:.3f} before, ' if 'before' in table else ''
        print(f'{row.prompt} and {row.other}: {before}{row.after:.3f} after')
    if 'before' not in table:
        print('before training: not known, as the text encoder began with random weights')
    print('wrote', ', '.join(map(str, files)))


if __name__ == '__main__':
    run_command(main)
