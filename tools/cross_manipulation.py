"""Train, test and compare every regime: ``python tools/cross_manipulation.py --help``."""

import sys

try:
    from mmfake.apis.cross_manipulation.command import cross_manipulation
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

if __name__ == '__main__':
    run_command(cross_manipulation)
