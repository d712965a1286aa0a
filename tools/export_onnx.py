"""Export a trained detector to ONNX: ``python tools/export_onnx.py --help``."""

import argparse
import os
import sys

try:
    from mmfake.console import run_command
    from mmfake.errors import MMFakeError
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

DESCRIPTION = """\
Write a trained detector as one .onnx file, for OpenVINO, onnxruntime or another runtime.

It takes any number of clips (or frames) as the test pipeline makes them, normalises them itself,
and gives the score of each; threshold, clip shape, validation figures and all else that the
checkpoint tells are in its metadata. It is compared with PyTorch in every runtime installed."""

EPILOG = """\
examples:
  python tools/export_onnx.py configs/mtl/bin_ce_holdout_f2f.py best.pth detector.onnx --video a.mp4
  python tools/detect.py VIDEO --config configs/mtl/bin_ce_holdout_f2f.py --checkpoint detector.onnx

What it needs: pip install 'mmfake[deploy]'

exit status: 0 written, 1 not written as it would differ from PyTorch by more than 0.0001, 2 wrong
usage"""


def parse_args(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config the detector was trained with')
    parser.add_argument('checkpoint', help='checkpoint; nothing in it is run')
    parser.add_argument('out', metavar='OUT.onnx', help='the file to write')
    parser.add_argument('--scale', help='config merged over CONFIG, as in training, e.g. mini')
    parser.add_argument(
        '--video', metavar='FILE', help='compare on clips of this video (default: on random ones)'
    )
    parser.add_argument(
        '--no-face', action='store_true', help='the video is a face crop: take whole frames'
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Export as the command line says; absent files are told before torch is imported."""
    args = parse_args(argv)
    for path in filter(None, (args.config, args.checkpoint, args.video)):
        if not os.path.isfile(path) and '://' not in path:
            raise MMFakeError(f'{path}: no such file.')
    from mmfake.apis.export_onnx import (
        export_onnx,
    )  # torch and the host, which --help does not need

    return export_onnx(
        args.config,
        args.checkpoint,
        args.out,
        scale=args.scale,
        video=args.video,
        face=not args.no_face,
    )


if __name__ == '__main__':
    run_command(main)
