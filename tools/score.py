"""Judge anybody's files of scores: ``python tools/score.py --help``."""

import sys

try:
    from mmfake.apis.score import score_command
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

if __name__ == '__main__':
    run_command(score_command)
