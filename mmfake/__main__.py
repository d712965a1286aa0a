"""The command ``mmfake``: runs the scripts of ``data_prep/`` and ``tools/``, also from a wheel."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Dict, NamedTuple, Optional, Sequence

from mmfake import __version__
from mmfake.console import run_command


class Command(NamedTuple):
    """A script, by its path in a checkout, and what it does."""

    script: str
    summary: str


COMMANDS: Dict[str, Command] = {
    'mini': Command('data_prep/make_mini_ffpp.py', 'render a small dataset, without any download'),
    'prepare': Command('data_prep/prepare_ffpp.py', 'cut the faces out of FaceForensics++'),
    'prepare-dataset': Command('data_prep/prepare_dataset.py', 'the same of any other dataset'),
    'merge': Command('data_prep/merge_index.py', 'join what several machines have prepared'),
    'add-points': Command('data_prep/add_points.py', 'add the points that forgeries need'),
    'check': Command('data_prep/check_index.py', 'look for leaks and damage in a prepared dataset'),
    'preview': Command('data_prep/preview.py', 'draw a prepared dataset'),
    'train': Command('tools/train.py', 'train a detector'),
    'test': Command('tools/test.py', 'test it on the manipulation that it has not seen'),
    'matrix': Command('tools/cross_manipulation.py', 'train and test regimes x hold-outs x seeds'),
    'robustness': Command('tools/robustness.py', 'test detectors on degraded videos'),
    'cross-dataset': Command('tools/cross_dataset.py', 'test detectors on several datasets'),
    'detect': Command('tools/detect.py', 'judge videos'),
    'score': Command('tools/score.py', 'compare files of scores'),
    'gallery': Command('tools/error_gallery.py', 'show the most confident mistakes'),
    'prompts': Command('tools/prompt_similarity.py', 'draw how alike its prompts are'),
    'export-onnx': Command('tools/export_onnx.py', 'export it for OpenVINO and onnxruntime'),
    'curves': Command('tools/plot_training.py', 'draw the curves of a training'),
}


def bundle() -> Path:
    """Find the folder of ``configs``, ``data_prep`` and ``tools``: the checkout, or the wheel's."""
    package = Path(__file__).resolve().parent
    checkout = package.parent
    return checkout if (checkout / 'setup.py').is_file() else package / '.mim'


def build_parser() -> argparse.ArgumentParser:
    """The parser of what is not one of the commands."""
    commands = '\n'.join(f'  {name:16}{one.summary}' for name, one in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog='mmfake',
        description=f'Find manipulated faces in videos.\n\ncommands:\n{commands}',
        epilog='"mmfake train --help" teaches the command train; where a help text says "python '
        'tools/train.py",\nthat is "mmfake train". Configs are in\n'
        f'{bundle() / "configs"}\nand may be named from anywhere as configs/mtl/NAME.py.',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--version', action='version', version=f'mmfake {__version__}')
    parser.add_argument('command', choices=COMMANDS, metavar='COMMAND', help='one of those above')
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Run a command, as its script does."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in COMMANDS:
        build_parser().parse_args(words or ['--help'])
    place = bundle()
    script = place / COMMANDS[words[0]].script
    sys.argv = [f'mmfake {words[0]}', *(_bundled(word, place) for word in words[1:])]
    # for data_prep, which is a package beside this one; its workers inherit the path
    sys.path.insert(0, str(place))
    run_command(lambda argv: _load(script).main(argv))


def _bundled(word: str, place: Path) -> str:
    """Find a config that is named as in a checkout, from any folder."""
    inside = place / word
    is_config = word.startswith('configs/') and not Path(word).exists() and inside.exists()
    return str(inside) if is_config else word


def _load(script: Path) -> ModuleType:
    """Import a script by its path."""
    spec = importlib.util.spec_from_file_location(f'mmfake_{script.stem}', script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == '__main__':
    main()
