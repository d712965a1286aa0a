"""Draw the curves of a training run: ``python tools/plot_training.py --help``."""

import sys

try:
    from mmfake.apis.plot_training import plot_training
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

if __name__ == '__main__':
    run_command(plot_training)
