"""Judge videos with a trained detector: ``python tools/detect.py --help``."""

import argparse
import os
import sys
import time

STARTED = time.perf_counter()

try:
    from mmfake.console import run_command
    from mmfake.errors import MMFakeError, config_file
    from mmfake.faces.detectors import DETECTORS
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

DESCRIPTION = """\
Judge videos with a trained detector: original, manipulated, or abstain with the reason.

  DIR/report.html    one page for people, without any other file
  DIR/results.json   everything, as mmfake.inference.results.RESULTS_SCHEMA says
  DIR/results.csv    one row per video
  DIR/videos/        with --save-video: copies with boxes and scores"""

EPILOG = """\
examples:
  python tools/detect.py video.mp4 --config configs/mtl/bin_ce_holdout_f2f.py --checkpoint best.pth
  python tools/detect.py folder/ --config C --checkpoint K --person all --save-video --out report
  python tools/detect.py clip.mp4 --config C --checkpoint K --no-face      # a face crop already

A video is judged in pieces of 270 frames, as data preparation cuts them: the most prominent face
of each, four clips of 32 frames spread evenly, the score is the mean. --segments 1 takes the first
piece alone, the part that data preparation keeps. With --person all every face is followed as far
as it is seen without a cut (a person who comes back counts anew), and the highest score counts,
against a threshold chosen for one face: the more faces, the more false alarms.

Every finished video is kept in DIR/results.jsonl until the results are written: after Ctrl-C or a
crash the same command goes on from there, also with another number of processes.

Several processes share the videos: bash tools/dist_detect.sh, bash tools/slurm_detect.sh.

exit status: 0 all videos have a score, 1 some have none (listed with the reason), 2 wrong usage,
130 interrupted"""

MOST_THREADS = 4096  # no machine has more cores


def parse_args(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'inputs', nargs='+', metavar='VIDEO', help='videos, folders, or .txt lists of paths'
    )
    parser.add_argument('--config', required=True, help='config the detector was trained with')
    parser.add_argument(
        '--checkpoint',
        required=True,
        help='checkpoint, nothing in it is run; or the .onnx that tools/export_onnx.py made of it',
    )
    parser.add_argument('--scale', help='config merged over CONFIG, as in training, e.g. mini')
    parser.add_argument(
        '--out', metavar='DIR', help='folder of the report (default: work_dirs/<config>/detect)'
    )
    parser.add_argument('--device', help='cpu, cuda, cuda:1 (default: a GPU if there is one)')
    parser.add_argument(
        '--batch', type=int, default=8, metavar='N', help='clips at once (default: %(default)s)'
    )
    parser.add_argument(
        '--threshold',
        metavar='T',
        help='from which score on a video is called manipulated: a number, or val for the '
        'one chosen on validation (default: val if the checkpoint has it, else 0.5)',
    )
    parser.add_argument(
        '--abstain-below',
        metavar='P',
        help='give no verdict with a calibrated probability below P, from 0.5 to 1, or below what '
        'so many of the validation videos had, e.g. 90%% (needs a calibrated checkpoint)',
    )
    parser.add_argument(
        '--person',
        choices=('largest', 'all'),
        default='largest',
        help='whom to judge: the most prominent face, or every face, as far as it is followed, '
        'where the most suspicious one decides (default: %(default)s)',
    )
    parser.add_argument(
        '--no-face', action='store_true', help='the videos are face crops: judge whole frames'
    )
    parser.add_argument(
        '--segments', type=int, metavar='N', help='only the first N pieces with a face'
    )
    parser.add_argument(
        '--detector',
        choices=DETECTORS,
        default='centerface',
        help='what finds the faces; none takes the square in the middle (default: %(default)s)',
    )
    parser.add_argument('--detector-model', metavar='FILE', help='model file of yunet')
    parser.add_argument(
        '--save-video',
        action='store_true',
        help='also write copies with boxes and scores, of as much as was read',
    )
    parser.add_argument('--show', action='store_true', help='open the report in a browser')
    parser.add_argument(
        '--precision',
        choices=('auto', 'fp32', 'bf16', 'fp16'),
        default='fp32',
        help='what the encoder computes in: bf16 and fp16 are faster where the machine has '
        'instructions for them, and move scores a little; auto tries them on a few pictures, '
        'for as long as some twenty clips take, and keeps the fastest that moves no score by 0.01 '
        '(default: %(default)s, the same scores on every machine)',
    )
    parser.add_argument('--threads', type=int, metavar='N', help='threads of the model')
    parser.add_argument(
        '--launcher',
        choices=('none', 'pytorch', 'slurm', 'mpi'),
        default='none',
        help='what has started this process, one of several that share the videos: see '
        'tools/dist_detect.sh and slurm_detect.sh (default: %(default)s)',
    )
    # torchrun before 2.0 and mmengine's launchers pass it; the environment says the same
    parser.add_argument('--local_rank', '--local-rank', type=int, help=argparse.SUPPRESS)
    parser.add_argument(
        '--verbose', action='store_true', help='also print what the time was spent on'
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Judge the videos; mistakes in words and files are told before torch is imported."""
    args = parse_args(argv)
    if args.threads is not None and not 1 <= args.threads <= MOST_THREADS:
        raise MMFakeError(f'--threads {args.threads} is not from 1 to {MOST_THREADS}')
    config_file(args.config)
    if not os.path.isfile(args.checkpoint) and '://' not in args.checkpoint:
        raise MMFakeError(f'{args.checkpoint}: no such checkpoint file.')
    if args.launcher != 'none':  # of a process that ends this one tells in one line, not torch too
        os.environ.setdefault('TORCH_CPP_LOG_LEVEL', 'ERROR')
    from mmfake.apis.detect import detect_videos  # torch and the host, which --help does not need

    return detect_videos(
        args.inputs,
        args.config,
        args.checkpoint,
        out=args.out,
        scale=args.scale,
        device=args.device,
        batch_size=args.batch,
        threshold=args.threshold,
        person=args.person,
        face=not args.no_face,
        segments=args.segments,
        detector=args.detector,
        detector_model=args.detector_model,
        save_video=args.save_video,
        show=args.show,
        threads=args.threads,
        verbose=args.verbose,
        started=STARTED,
        abstain_below=args.abstain_below,
        precision=args.precision,
        launcher=args.launcher,
    )


if __name__ == '__main__':
    run_command(main)
