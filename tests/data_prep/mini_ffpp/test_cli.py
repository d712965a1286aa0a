from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from data_prep import make_mini_ffpp as cli
from data_prep.mini_ffpp.settings import Settings
from data_prep.mini_ffpp.tree import render_tree
from mmfake.errors import MMFakeError

SCRIPT = Path(cli.__file__).parents[1] / 'make_mini_ffpp.py'


def _words(root, *more):
    return ['--out', str(root), '--pairs', '3', '--frames', '2', '--size', '32', *more]


def test_a_tree_and_its_sheet(tmp_path, capsys):
    words = _words(tmp_path / 'out', '--jobs', '1', '--sheet', str(tmp_path / 'sheet.png'))
    cli.main(words)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f'30 videos of 6 identities are in {tmp_path / "out"}'
    assert (tmp_path / 'sheet.png').exists()
    # the second time nothing is rendered: no process, no bar
    cli.main(words[:-2])
    again = capsys.readouterr()
    assert again.out.splitlines() == said[:1]
    assert 'rendering' not in again.err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(['--help'])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    for word in ('--pairs', 'default: 48', 'splits/{train,val,test}.json', 'examples:', 'AAA_BBB'):
        assert word in said


@pytest.mark.parametrize(
    ('words', 'match'), [(['--jobs', '0'], '--jobs 0'), (['--size', '33'], '--size 33')]
)
def test_wrong_values(tmp_path, words, match):
    with pytest.raises(MMFakeError, match=match):
        cli.main(_words(tmp_path / 'out', *words))
    assert not (tmp_path / 'out').exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(MMFakeError, match='cannot be written'):
        cli.main(_words(tmp_path / 'file' / 'out'))


def test_the_script_refuses_a_full_folder_in_one_line_with_status_2(tmp_path):
    (tmp_path / 'mine.txt').write_text('keep')
    run = subprocess.run(
        [sys.executable, '-W', 'ignore', str(SCRIPT), *_words(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    last = run.stderr.strip().splitlines()[-1]
    assert 'is not empty' in last
    assert 'Traceback' not in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ['mine.txt']


def test_ctrl_c_leaves_whole_files_and_no_stack_trace(tmp_path):
    settings = Settings(pairs=30, frames=8, size=64)
    command = f'--out {tmp_path} --pairs 30 --frames 8 --size 64 --jobs 2'.split()
    # a group of its own: a terminal sends Ctrl-C to the workers as well
    run = subprocess.Popen(
        [sys.executable, '-W', 'ignore', str(SCRIPT), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob('[0-9]*.mp4')) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert 'Traceback' not in said
    assert not list(tmp_path.rglob('*.tmp'))
    videos = list(tmp_path.rglob('*.mp4'))
    assert 0 < len(videos) < 300  # interrupted long before the last
    for path in videos:
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 8
    # those begun were finished, so all videos of a target are there or none
    jobs = render_tree(tmp_path, settings, processes=2)
    assert all(job.done() for job in jobs)
