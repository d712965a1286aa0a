"""Command-line options that training and testing share, and ``--cfg-options`` of other commands."""

from __future__ import annotations

import argparse
from typing import Callable

from mmengine.config import Config, DictAction

from ..errors import MMFakeError, config_file


class SettingsAction(DictAction):
    """mmengine's ``KEY=VALUE`` words; one that is none ends in one line."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        """Read the words into a dict of settings by dotted key."""
        for word in values:
            try:
                if not all(word.split('=')[0].split('.')):
                    raise ValueError('a part of its key is empty')
                super().__call__(parser, namespace, [word], option_string)
            except (AssertionError, ValueError) as error:  # brackets that do not match; no "="
                reason = str(error) if '=' in word else 'it has no "="'
                raise MMFakeError(
                    f'{option_string} {word}: not KEY=VALUE ({reason}); write it like '
                    'train_dataloader.batch_size=16, and what is no setting before the option.'
                ) from None


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that training and testing share, named as in mmaction2."""
    # looked for here: before torch and mmaction2, which read it, are imported
    parser.add_argument(
        'config',
        type=config_file,
        help='config file, e.g. configs/mtl/bin_multi_ce_holdout_f2f.py',
    )
    parser.add_argument(
        '--work-dir', help='folder of logs and results (default: work_dirs/<config name>)'
    )
    parser.add_argument(
        '--data-root', metavar='DIR', help='where the dataset is (default: what the config says)'
    )
    parser.add_argument(
        '--holdout',
        metavar='KEY',
        help='manipulation that all loaders keep for the test: df, f2f, fs, nt, ...; none for '
        'training and test on all of them (default: what the config says)',
    )
    parser.add_argument(
        '--compression',
        metavar='C',
        help='compression that all loaders read: raw, c23 or c40 (default: what the config says)',
    )
    parser.add_argument(
        '--scale',
        help='config merged over CONFIG: "mini" for configs/_base_/scales/mini.py (a rendered '
        'dataset, small clips, a CPU is enough), or a file of your own',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=SettingsAction,
        metavar='KEY=VALUE',
        help='override settings, e.g. train_dataloader.batch_size=16 model.backbone.with_cp=True',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how the processes were started (default: none, one process)',
    )
    # torch.distributed.launch passes one or the other spelling; LOCAL_RANK says the same
    parser.add_argument('--local_rank', '--local-rank', type=int, help=argparse.SUPPRESS)


def add_detector_arguments(parser: argparse.ArgumentParser, of_ffpp: str = '') -> None:
    """Add the options of commands that test many detectors; ``of_ffpp`` limits two of them."""
    parser.add_argument(
        'words', nargs='+', metavar='CONFIG CHECKPOINT', help='one or more checkpoints a config'
    )
    parser.add_argument(
        '--out', dest='out_dir', required=True, metavar='DIR', help='folder of what is written'
    )
    parser.add_argument(
        '--names', nargs='+', metavar='NAME', help='one a checkpoint (default: from the configs)'
    )
    parser.add_argument('--holdout', metavar='KEY', help=f'as for tools/test.py{of_ffpp}')
    parser.add_argument('--compression', metavar='C', help=f'as for tools/test.py{of_ffpp}')
    parser.add_argument('--scale', help='as for tools/test.py')
    parser.add_argument(
        '--cfg-options', nargs='+', action=SettingsAction, metavar='KEY=VALUE', help='of every test'
    )


def add_resampling_arguments(parser: argparse.ArgumentParser, drawn: str = 'resampling') -> None:
    """Add ``--bootstrap`` and ``--seed``, which is that of what is ``drawn``."""
    parser.add_argument(
        '--bootstrap',
        dest='n_bootstrap',
        type=_from(1),
        default=1000,
        metavar='B',
        help='replicates behind the intervals (default: 1000)',
    )
    parser.add_argument('--seed', type=_from(0), default=0, help=f'seed of {drawn} (default: 0)')


def _from(least: int) -> Callable[[str], int]:
    """A type of options: whole numbers from here on."""

    def number(word: str) -> int:
        if not word.isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(f'{word} is no whole number from {least} on')
        return int(word)

    return number


def config_of(args: argparse.Namespace) -> Config:
    """Load the config that the arguments of :func:`add_run_arguments` name and change."""
    from ..engine.config import load_config  # with torch and mmaction2, which take seconds

    return load_config(
        args.config,
        scale=args.scale,
        data_root=args.data_root,
        options=args.cfg_options,
        work_dir=args.work_dir,
        launcher=args.launcher,
        holdout=args.holdout,
        compression=args.compression,
    )
