"""Show the most confident mistakes of a detector: ``python tools/error_gallery.py --help``."""

import sys

try:
    from mmfake.apis.error_gallery import error_gallery
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

if __name__ == '__main__':
    run_command(error_gallery)
