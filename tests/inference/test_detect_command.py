"""The command: odd arguments and names, interruptions, progress."""

import io
import json
import re
import signal
import sys

import av
import pytest
import torch

from mmfake.errors import MMFakeError
from mmfake.inference.detection_run import video_progress
from tools.detect import main


@pytest.fixture(scope='module')
def options(request, checkpoint, tiny_scale):
    """Arguments but for videos and folder."""
    config = request.config.rootpath / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'
    options = ['--config', config, '--checkpoint', checkpoint(), '--scale', tiny_scale, '--no-face']
    return [str(word) for word in options]


@pytest.fixture
def detect(options, tmp_path):
    """Run the command in this process."""

    def run(*words):
        return main([*options, '--out', str(tmp_path / 'out'), *map(str, words)])

    return run


@pytest.mark.parametrize(
    ('words', 'part'),
    [
        (['--threads', '-1'], '--threads -1 is not from 1'),
        (['--threads', '0'], '--threads 0 is not from 1'),
        (['--device', 'meta'], "device 'meta'"),
        (['--device', 'nonsense'], "device 'nonsense' .*use --device cpu"),
        (['--batch', '0'], 'batch_size=0'),
        (['--checkpoint', 'a' * 300], 'no such checkpoint file'),
        (['--config', 'gone.py'], 'gone.py: no such config file'),
    ],
)
def test_wrong_arguments(detect, words, part, tmp_path):
    with pytest.raises(MMFakeError, match=part):
        detect('gone.mp4', *words)
    assert not (tmp_path / 'out').exists()


def test_a_list_with_an_impossible_name(detect, write_film, noise_film, tmp_path, capsys):
    write_film(tmp_path / 'good.mp4', noise_film(0))
    (tmp_path / 'list.txt').write_text('a' * 300 + '.mp4\ngood.mp4\n')
    assert detect(tmp_path / 'list.txt') == 1
    told = capsys.readouterr().out
    assert 'scored 1 of 2 videos' in told
    assert 'decode-failed: cannot be opened (File name too long)' in told


def test_clips_of_a_short_video_are_counted_once(detect, write_film, noise_film, tmp_path, capsys):
    for frames in (8, 12):  # a clip has 8
        write_film(tmp_path / f'{frames}.mp4', noise_film(0, frames))
    assert detect(tmp_path / '8.mp4', tmp_path / '12.mp4') == 0
    short, longer = (line for line in capsys.readouterr().out.splitlines() if ' score ' in line)
    assert '(4 clips, 1 distinct)' in short
    assert '(4 clips)' in longer


def test_a_list_with_a_folder_without_a_video(detect, write_film, noise_film, tmp_path, capsys):
    write_film(tmp_path / 'good.mp4', noise_film(0))
    (tmp_path / 'frames').mkdir()
    (tmp_path / 'frames' / '0000.png').write_text('')
    (tmp_path / 'list.txt').write_text('good.mp4\nframes\ngone.mp4\n')
    assert detect(tmp_path / 'list.txt') == 1
    told = capsys.readouterr().out
    assert 'scored 1 of 3 videos' in told
    assert 'no video in this folder or below it; passed over 1 other files (.png 1)' in told
    with pytest.raises(MMFakeError, match='frames: no video in this folder'):
        detect(tmp_path / 'frames')


def test_the_console_says_how_good_the_detector_was(
    detect, checkpoint, write_film, noise_film, tmp_path, capsys
):
    content = torch.load(checkpoint(), weights_only=True)
    validation = dict(auc=0.5, low=0.4, high=0.6, n_original=32, n_manipulated=32, threshold=None)
    path = tmp_path / 'chance.pth'
    torch.save(dict(content, meta=dict(content['meta'], validation=validation)), path)
    film = write_film(tmp_path / 'a.mp4', noise_film(0))
    assert detect(film, '--checkpoint', path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'threshold 0.500, the default, as validation was no better than chance' in lines[-4]
    interval = 'AUC 0.500 [0.400, 0.600]'
    assert lines[-2] == f'On its 64 validation videos this detector had {interval}.'
    assert lines[-1].startswith(f'WARNING: {interval} on 64 validation videos is no better than')
    assert 'class="alarm"' in (tmp_path / 'out' / 'report.html').read_text()


def test_names_reach_the_terminal_escaped(detect, write_film, noise_film, tmp_path, capsys):
    name = 'nl\nscored 9 of 9 videos\x1b[31m'
    write_film(tmp_path / name / f'{name}.mp4', noise_film(0))
    (tmp_path / name / 'x.\x1b[5m').write_text('')
    assert detect(tmp_path / name) == 0
    captured = capsys.readouterr()
    assert '\x1b' not in captured.out + captured.err
    assert len([line for line in captured.out.splitlines() if line.startswith('scored ')]) == 1
    assert 'nl\\nscored 9 of 9 videos\\x1b[31m.mp4' in captured.out
    assert 'passed over 1 other files (.\\x1b[5m 1)' in captured.out


# ---- interrupted ----

# the command, killed while it prints its second verdict: between two videos
KILLED = """
import os, runpy, signal, sys

class Killing:
    encoding, verdicts = 'utf-8', 0
    def write(self, text):
        self.verdicts += text.startswith(('original', 'manipulated', 'abstain'))
        if self.verdicts == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    def flush(self): pass
    def isatty(self): return False

sys.stdout = Killing()
runpy.run_path(sys.argv[1])['main'](sys.argv[2:])
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
def words(films, options):
    """Arguments but for the folder; a batch is a video, so that scores are equal bit by bit."""
    return [str(films), *options, *['--batch', '4', '--threads', '1', '--save-video', '--out']]


@pytest.fixture(scope='module')
def undisturbed(words, tmp_path_factory):
    out = tmp_path_factory.mktemp('undisturbed')
    assert main([*words, str(out)]) == 0
    return written(out)


def written(out):
    """All files, without the time that was spent; of copies length and size.

    FFmpeg may encode the same frames differently from one time to the next.
    """
    files = {str(path.relative_to(out)): path for path in out.rglob('*') if path.is_file()}
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


def test_killed_and_gone_on_with(command, words, undisturbed, request, tmp_path, capsys):
    out, script = tmp_path / 'out', tmp_path / 'killed.py'
    script.write_text(KILLED)
    tool = request.config.rootpath / 'tools' / 'detect.py'
    done = command('python', script, tool, *words, out)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert sorted(path.name for path in out.iterdir()) == ['results.jsonl', 'videos']
    journal = out / 'results.jsonl'
    assert len(journal.read_text().splitlines()) == 2
    with journal.open('a') as file:
        file.write('{"schema_version": "1.0", "predi')  # killed while it wrote
    assert main([*words, str(out)]) == 0
    told = capsys.readouterr()
    assert 'note: 2 of 4 videos were judged before' in told.out
    assert 'scored 4 of 4 videos' in told.out
    verdicts = [line for line in told.out.splitlines() if line.endswith('.mp4')]
    assert [line[-5:] for line in verdicts] == ['0.mp4', '1.mp4', '2.mp4', '3.mp4']
    assert [line for line in told.err.splitlines() if ' of 4 videos, ' in line][0].startswith(
        '3 of'
    )
    assert written(out) == undisturbed  # and no journal


def test_ctrl_c(words, undisturbed, tmp_path, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sys, 'stdout', Interrupting())
        assert main([*words, str(tmp_path)]) == 130
    (line,) = (line for line in capsys.readouterr().err.splitlines() if 'interrupted' in line)
    journal = tmp_path / 'results.jsonl'
    assert (
        line == f'interrupted: 2 videos are kept in {journal}; the same command goes on from there'
    )
    kept = [json.loads(line)['prediction'] for line in journal.read_text().splitlines()]
    assert [prediction['video'][-5:] for prediction in kept] == ['0.mp4', '1.mp4']

    # judged otherwise, none of them counts, and that is told
    assert main([*words, str(tmp_path), '--threshold', '0.3']) == 0
    told = capsys.readouterr().out
    assert 'judged before' not in told
    assert 'note: 2 videos that an interrupted run with other options' in told
    assert main([*words, str(tmp_path)]) == 0
    assert written(tmp_path) == undisturbed


# ---- progress ----


@pytest.fixture
def progress():
    """A run of so many videos, each of which takes two seconds."""

    def run(total, before, judge, shown=True):
        now = [100.0]
        with video_progress(total, before, shown, lambda: now[0]) as advance:
            for number in range(judge):
                now[0] += 2
                advance(number + 1)

    return run


def test_without_a_terminal_ten_lines_at_most(progress, capsys):
    progress(100, 0, 100)
    captured = capsys.readouterr()
    assert captured.out == ''
    lines = captured.err.splitlines()
    assert len(lines) == 10
    assert (lines[0], lines[-1]) == (
        '10 of 100 videos, 0:03:00 left',
        '100 of 100 videos, 0:00:00 left',
    )
    progress(1, 0, 1)
    progress(10, 0, 10, shown=False)
    assert capsys.readouterr().err == ''


def test_time_left_is_that_of_what_is_judged_now(progress, capsys):
    progress(10, 4, 2)
    assert capsys.readouterr().err.splitlines() == [
        '5 of 10 videos, 0:00:10 left',
        '6 of 10 videos, 0:00:08 left',
    ]
