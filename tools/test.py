"""Test a detector: ``python tools/test.py --help``."""

import sys

try:
    from mmfake.apis.test import test_detector
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

if __name__ == '__main__':
    run_command(test_detector)
