"""Several processes that share the videos of one run."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from mmfake.errors import MMFakeError
from mmfake.inference.journal import folder_lock
from mmfake.inference.share import Share
from tools.detect import main

ROOT = Path(__file__).parents[2]

# the command; one rank is killed while it prints its first verdict, when the video is kept
COMMAND = """
import os, runpy, signal, sys

class Killing:
    encoding = 'utf-8'
    def __init__(self, stream):
        self.stream = stream
    def write(self, text):
        self.stream.write(text)
        if text.endswith('.mp4') and os.environ['RANK'] == os.environ.get('DYING_RANK'):
            self.stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    def flush(self):
        self.stream.flush()
    def isatty(self):
        return False

if 'MEASURING' in os.environ:
    import torch
    from mmfake.inference import precision

    def measured(trained):
        if os.environ['RANK'] != '0':
            os.kill(os.getpid(), signal.SIGKILL)
        precision.in_precision(trained.model.backbone, torch.bfloat16)
        return precision.Precision('bf16', 'measured once')

    precision._fastest = measured
sys.stdout = Killing(sys.stdout)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


@pytest.fixture(scope='module')
def words(checkpoint, write_film, noise_film, tmp_path_factory):
    """Arguments but for the folder; a batch is a video, so that scores are equal bit by bit."""
    folder = tmp_path_factory.mktemp('films')
    for number in range(5):
        write_film(folder / f'{number}.mp4', noise_film(number))
    (folder / 'broken.mp4').write_bytes(b'no video')
    scale = tmp_path_factory.mktemp('scale') / 'tiny.py'
    scale.write_text('clip_size = dict(clip_len=8, image_size=32)\n')
    config = ROOT / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'
    words = [folder, '--config', config, '--checkpoint', checkpoint(), '--scale', scale]
    return [str(word) for word in [*words, *['--no-face', '--batch', '4', '--out']]]


@pytest.fixture(scope='module')
def detect(fork_server, tmp_path_factory):
    """Run the command in so many processes that gloo connects: exit codes, and what they told."""
    folder = tmp_path_factory.mktemp('ranks')
    script = folder / 'command.py'
    script.write_text(COMMAND)
    run = fork_server(dict(os.environ, PYTHONPATH=str(ROOT)))

    def start(words, processes, **env):
        with socket.create_server(('127.0.0.1', 0)) as server:
            port = str(server.getsockname()[1])
        orders = []
        for rank in range(processes):
            ranks = dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(processes))
            place = dict(ranks, MASTER_ADDR='127.0.0.1', MASTER_PORT=port, **env)
            out = {name: folder / f'{name}{rank}' for name in ('stdout', 'stderr')}
            for path in out.values():
                path.unlink(missing_ok=True)
            told = {name: str(path) for name, path in out.items()}
            command = [str(script), str(ROOT / 'tools' / 'detect.py'), *words]
            command += ['--launcher', 'pytorch'] if processes > 1 else []
            orders.append(dict(words=command, cwd=str(ROOT), env=dict(os.environ, **place), **told))
        codes = run(orders, timeout=120)
        told = [(folder / f'stdout{rank}').read_text() for rank in range(processes)]
        return codes, told, [(folder / f'stderr{rank}').read_text() for rank in range(processes)]

    return start


@pytest.fixture(scope='module')
def alone(words, tmp_path_factory):
    """What one process writes."""
    out = tmp_path_factory.mktemp('alone')
    assert main([*words, str(out)]) == 1
    return written(out)


def written(out):
    """The results without the time that was spent, and the names of all files."""
    results = json.loads((out / 'results.json').read_text())
    for video in results['predictions']:
        video['seconds'] = None
    table = (out / 'results.csv').read_text()
    return results, table, sorted(path.name for path in out.iterdir())


def verdicts(text):
    return [line for line in text.splitlines() if line.endswith('.mp4')]


def test_two_processes_write_what_one_writes(detect, words, alone, tmp_path):
    codes, told, errors = detect([*words, str(tmp_path)], 2)
    assert codes == [1, 0], errors  # one video has no score, and the first process says so
    assert written(tmp_path) == alone
    assert len(verdicts(told[0]) + verdicts(told[1])) == 6
    assert 'scored 5 of 6 videos' in told[0]
    assert 'scored' not in told[1]
    # more processes than videos are left: none has to wait for ever
    codes, told, errors = detect([words[0] + '/0.mp4', *words[1:], str(tmp_path)], 2)
    assert codes == [0, 0], errors
    assert 'scored 1 of 1 videos' in told[0]


def test_the_first_process_chooses_the_precision_of_all(detect, words, tmp_path):
    assert main([*words, str(tmp_path / 'alone'), '--precision', 'bf16']) == 1
    words = [*words, str(tmp_path / 'out'), '--precision', 'auto']
    codes, told, errors = detect(words, 2, MEASURING='1')
    assert codes == [1, 0], errors
    assert 'Computed in bf16 (measured once).' in told[0]
    scores = [
        [video['probability'] for video in written(tmp_path / name)[0]['predictions']]
        for name in ('alone', 'out')
    ]
    assert scores[0] == scores[1]


def test_a_killed_process_costs_its_videos_in_flight(detect, words, alone, tmp_path):
    codes, told, errors = detect([*words, str(tmp_path)], 2, DYING_RANK='1')
    assert codes == [2, -signal.SIGKILL]
    (line,) = (line for line in errors[0].splitlines() if line.startswith('error'))
    assert 'another process of this run has ended' in line
    assert 'Traceback' not in ''.join(errors)
    kept = {
        path.name: [json.loads(line)['prediction']['video'] for line in path.open()]
        for path in tmp_path.glob('*.jsonl')
    }
    assert sorted(kept) == ['results.jsonl', 'results.rank1.jsonl']
    # the first process has gone on until nothing was left
    assert len(kept['results.rank1.jsonl']) == 1
    finished = sum(map(len, kept.values()))
    assert 1 <= finished <= 5
    # another number of processes goes on from both
    codes, told, errors = detect([*words, str(tmp_path)], 1)
    assert codes == [1], errors
    assert f'note: {finished} of 6 videos were judged before' in told[0]
    assert written(tmp_path) == alone


def test_a_mistake_of_the_first_process_ends_all(detect, words, tmp_path):
    (tmp_path / 'empty').mkdir()
    codes, _, errors = detect([str(tmp_path / 'empty'), *words[1:], str(tmp_path)], 2)
    assert codes == [2, 2]
    assert 'no video in this folder' in errors[0]
    assert errors[1].startswith('error [rank 1]: ')


def test_a_launcher_that_has_started_nothing_is_refused(words, tmp_path):
    with pytest.raises(MMFakeError, match='--launcher slurm: the environment has no valid SLURM'):
        main([*words, str(tmp_path), '--launcher', 'slurm'])


def test_a_folder_is_written_by_one_run_at_a_time(words, tmp_path):
    with folder_lock(tmp_path), pytest.raises(MMFakeError, match='another run is writing'):
        main([*words, str(tmp_path)])
    assert list(tmp_path.iterdir()) == []
    with folder_lock(tmp_path):  # it ends with its run
        pass


def test_one_process_takes_everything():
    share = Share()
    assert list(share.take([3, 5])) == [3, 5]
    assert (share.finish(), share.finish()) == (1, 2)
    assert share.gather({3: 'a'}) == {3: 'a'}
