"""Judge videos: ``python tools/detect.py --help``."""

import sys
import time
from functools import partial

STARTED = time.perf_counter()

try:
    from mmfake.apis.detect import detect_videos
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

if __name__ == '__main__':
    run_command(partial(detect_videos, started=STARTED))
