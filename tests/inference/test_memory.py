"""All the memory of a run, that of FFmpeg, OpenCV and torch included."""

import json

import pytest

# one process: what it needs for a short film it needs in any case
SCRIPT = """
import resource, sys
import torch
from mmengine.config import Config
from mmfake import DeepfakeInferencer
from mmfake.datasets.clip_size import set_clip_size
from mmfake.faces.detectors import FaceSettings

torch.set_num_threads(1)
_, config, checkpoint, short, long, out = sys.argv
cfg = Config.fromfile(config)
set_clip_size(cfg, clip_len=8, image_size=32)
detect = DeepfakeInferencer(cfg, checkpoint, faces=FaceSettings(window=25, every=25))
for film in (short, long):
    (video,) = detect(film, out_dir=out, save_video=True)['predictions']
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(film, video['metadata']['frames'], len(video['people'][0]['clips']), peak)
"""
FRAME = 360 * 640 * 3 / 2**20  # MB


@pytest.fixture(scope='module')
def films(write_film, face_film, tmp_path_factory):
    folder = tmp_path_factory.mktemp('films')
    pictures = face_film(25, 360, 640)
    options = dict(preset='ultrafast')
    return [
        write_film(folder / f'{times}.mp4', list(pictures) * times, **options) for times in (2, 10)
    ]


@pytest.mark.nightly
def test_it_does_not_grow_with_the_film(command, checkpoint, films, request, tmp_path):
    config = request.config.rootpath / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'
    done = command('python', '-c', SCRIPT, config, checkpoint(), *films, tmp_path)
    assert done.returncode == 0, done.stderr
    short, long = (line.split() for line in done.stdout.splitlines() if '.mp4' in line)
    assert [int(value) for value in short[1:3]] == [50, 8]
    assert [int(value) for value in long[1:3]] == [250, 40]
    # 200 frames more are 132 MB
    assert int(long[3]) - int(short[3]) < 50 * FRAME, done.stdout
    results = json.loads((tmp_path / 'results.json').read_text())
    assert results['predictions'][0]['annotated'].startswith('videos/0000_')
