"""A detector of frames from training to its report, as a user runs it."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from mmfake.inference.deepfake_inferencer import DeepfakeInferencer
from mmfake.video.frame_reader import FrameReader

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools'
CONFIG = ROOT / 'configs' / 'frames' / 'dfdc_winner_holdout_f2f.py'


def test_the_row_goes_the_whole_way(smoke, tiny_tree, command, tmp_path):
    scale = tmp_path / 'small.py'
    scale.write_text(f"""
_base_ = {str(smoke)!r}
model = dict(
    backbone=dict(backbone=dict(arch='b0', init_cfg=None)),
    binary=dict(cls_head=dict(in_channels=1280)),
)
train_cfg = dict(val_begin=1)
""")
    options = ['--scale', scale, '--work-dir', tmp_path / 'run']
    done = command('python', TOOLS / 'train.py', CONFIG, *options)
    assert done.returncode == 0, done.stderr
    (best,) = tmp_path.glob('run/best_*_1.pth')
    assert torch.load(best, weights_only=False)['meta']['clip_shape'] == [3, 1, 32, 32]
    done = command('python', TOOLS / 'test.py', CONFIG, best, *options)
    assert done.returncode == 0, done.stderr
    with open(tmp_path / 'run' / 'scores.csv') as file:
        scores = {row['video']: float(row['score']) for row in csv.DictReader(file)}
    assert len(scores) == 4

    # another size is refused
    large = tmp_path / 'large.py'
    large.write_text(f'_base_ = {str(scale)!r}\nclip_size = dict(clip_len=8, image_size=48)\n')
    other = ['--scale', large, '--work-dir', tmp_path / 'other']
    done = command('python', TOOLS / 'test.py', CONFIG, best, *other)
    assert done.returncode == 2
    assert (
        'validated with clips of 1 frame x 32 x 32 px, this config makes them 1 fr' in done.stderr
    )

    # detection gives the scores of the test, from the same 32 frames, and shows the map
    detect = DeepfakeInferencer(str(CONFIG), str(best), 'cpu', str(scale))
    name, expected = next(item for item in scores.items() if '/f2f/' in item[0])
    folder = tiny_tree / 'manipulated_sequences' / 'Face2Face' / 'c23' / 'videos'
    film = folder / f'{name.split("/")[-1]}.mp4'
    out = tmp_path / 'out'
    (video,) = detect(str(film), face=False, out_dir=str(out))['predictions']
    assert [len(person['clips']) for person in video['people']] == [32]
    assert video['probability'] == pytest.approx(expected, abs=1e-5)
    page = (out / 'report.html').read_text()
    assert 'gradient of the classifier times the last feature map' in page
    assert '32 frames from' in page
    assert 'Highest frame: ' in page
    assert 'class="strip"' not in page  # one picture is not as wide as eight

    # played backwards, a video has the same frames and so the same score
    with FrameReader(film) as reader:
        frames = [frame.picture for frame in reader]
    assert len(frames) == 12
    (video,) = detect(np.stack(frames[::-1]), face=False)['predictions']
    assert video['probability'] == pytest.approx(expected, abs=1e-5)

    gallery = [tmp_path / 'run' / 'scores.csv', '--config', CONFIG, '--scale', scale]
    done = command('python', TOOLS / 'error_gallery.py', *gallery, '--out', tmp_path / 'gallery')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'gallery' / 'error_gallery.html').is_file()
