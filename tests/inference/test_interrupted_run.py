"""Nothing that is finished is lost, however the command ends."""

import io
import json
import re
import signal
import sys
from pathlib import Path

import av
import pytest

from mmfake.apis.detect import detect_videos

# a command that is killed while it prints its second verdict: between two videos
KILLED = """
import os, signal, sys
from mmfake.apis.detect import detect_videos

class Killing:
    encoding, verdicts = 'utf-8', 0
    def write(self, text):
        self.verdicts += text.startswith(('original', 'manipulated', 'abstain'))
        if self.verdicts == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    def flush(self): pass
    def isatty(self): return False

sys.stdout = Killing()
detect_videos(sys.argv[1:])
"""


class Interrupting(io.StringIO):
    """Sends Ctrl-C when the second verdict is printed."""

    def write(self, text):
        super().write(text)
        verdicts = [line for line in self.getvalue().split('\n') if line.endswith('.mp4')]
        if len(verdicts) == 2 and text.endswith('.mp4'):
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope='module')
def films(write_film, noise_film, tmp_path_factory):
    folder = tmp_path_factory.mktemp('films')
    for number in range(4):
        write_film(folder / f'{number}.mp4', noise_film(number))
    return folder


@pytest.fixture(scope='module')
def words(films, request, checkpoint, tmp_path_factory):
    """Arguments but for the folder; a batch is a video, so that scores are equal bit by bit."""
    scale = tmp_path_factory.mktemp('scale') / 'tiny.py'
    scale.write_text('clip_size = dict(clip_len=8, image_size=32)\n')
    config = request.config.rootpath / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'
    options = ['--config', config, '--checkpoint', checkpoint(), '--scale', scale]
    options += ['--no-face', '--batch', 4, '--threads', 1, '--save-video', '--out']
    return [str(word) for word in (films, *options)]


@pytest.fixture(scope='module')
def undisturbed(words, tmp_path_factory):
    out = tmp_path_factory.mktemp('undisturbed')
    assert detect_videos([*words, str(out)]) == 0
    return written(out)


def written(out):
    """All files, without the time that was spent; of copies length and size.

    FFmpeg may encode the same frames differently from one time to the next.
    """
    files = {str(path.relative_to(out)): path for path in Path(out).rglob('*') if path.is_file()}
    content = {name: path.read_bytes() for name, path in files.items()}
    results = json.loads(content['results.json'])
    for video in results['predictions']:
        video['seconds'] = None
    page = content['report.html'].decode()
    page = re.sub(r'<dt>time spent</dt><dd>.*?</dd>', '', page)
    for name in (name for name in files if name.endswith('.mp4')):
        with av.open(str(files[name])) as container:
            shown = [frame.to_ndarray(format='gray') for frame in container.decode(video=0)]
        content[name] = (len(shown), shown[0].shape)
    return dict(content, **{'results.json': results, 'report.html': page})


def test_killed_and_gone_on_with(command, words, undisturbed, tmp_path, capsys):
    done = command('python', '-c', KILLED, *words, tmp_path)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ['journal.jsonl', 'videos']
    journal = tmp_path / 'journal.jsonl'
    assert len(journal.read_text().splitlines()) == 3
    with journal.open('a') as file:
        file.write('{"number": 2, "predi')  # killed while it wrote
    assert detect_videos([*words, str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert 'note: 2 of 4 videos were judged before' in told.out
    assert 'scored 4 of 4 videos' in told.out
    assert [line for line in told.err.splitlines() if ' of 4 videos, ' in line][0].startswith(
        '3 of'
    )
    assert written(tmp_path) == undisturbed  # and no journal


def test_ctrl_c(words, undisturbed, tmp_path, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sys, 'stdout', Interrupting())
        assert detect_videos([*words, str(tmp_path)]) == 130
    (line,) = (line for line in capsys.readouterr().err.splitlines() if 'interrupted' in line)
    journal = tmp_path / 'journal.jsonl'
    assert (
        line == f'interrupted: 2 videos are kept in {journal}; the same command goes on from there'
    )
    kept = [json.loads(line) for line in journal.read_text().splitlines()[1:]]
    assert [record['number'] for record in kept] == [0, 1]

    # judged otherwise, none of them counts; the journal is started anew
    assert detect_videos([*words, str(tmp_path), '--threshold', '0.3']) == 0
    assert 'judged before' not in capsys.readouterr().out
    assert detect_videos([*words, str(tmp_path)]) == 0
    assert written(tmp_path) == undisturbed
