from __future__ import annotations

import json

import av
import numpy as np
import pytest

from data_prep.mini_ffpp.settings import Settings
from data_prep.mini_ffpp.tree import render_tree
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.errors import MMFakeError

SETTINGS = Settings(pairs=3, seed=5, frames=3, size=32)
FOLDERS = [
    'original_sequences/youtube',
    'manipulated_sequences/Deepfakes',
    'manipulated_sequences/Face2Face',
    'manipulated_sequences/FaceSwap',
    'manipulated_sequences/NeuralTextures',
]


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp('tree')
    render_tree(root, SETTINGS, processes=2)
    return root


def _files(root):
    return {path.relative_to(root).as_posix(): path for path in root.rglob('*') if path.is_file()}


def _decode(path):
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    return np.stack(frames).astype(int)


def test_the_layout_is_the_official_one(tree):
    pairs = [pair for split in ('train', 'val', 'test') for pair in _split(tree, split)]
    assert sorted(n for pair in pairs for n in pair) == ['000', '001', '002', '003', '004', '005']
    stems = {f'{a}_{b}' for a, b in pairs} | {f'{b}_{a}' for a, b in pairs}
    wanted = {f'splits/{split}.json' for split in ('train', 'val', 'test')} | {'mini_ffpp.json'}
    for folder in FOLDERS:
        names = stems if 'manipulated' in folder else {s[:3] for s in stems}
        wanted |= {f'{folder}/c23/videos/{name}.mp4' for name in names}
    assert set(_files(tree)) == wanted


def _split(tree, name):
    return json.loads((tree / 'splits' / f'{name}.json').read_text())


def test_all_videos_have_the_same_length_and_size(tree):
    shapes = {_decode(path).shape for path in tree.rglob('*.mp4')}
    assert shapes == {(3, 32, 32, 3)}


def test_one_process_renders_the_same_files(tree, tmp_path):
    render_tree(tmp_path, SETTINGS, processes=1)
    mine, theirs = _files(tmp_path), _files(tree)
    assert mine.keys() == theirs.keys()
    for name in mine:
        assert mine[name].read_bytes() == theirs[name].read_bytes(), name


def test_a_tree_is_completed_and_what_is_there_is_kept(tree):
    lost = next(tree.glob('manipulated_sequences/FaceSwap/c23/videos/*.mp4'))
    content = lost.read_bytes()
    lost.unlink()
    times = {p: p.stat().st_mtime_ns for p in tree.rglob('*.mp4')}
    (lost.parent / f'.{lost.name}.123.tmp').write_bytes(b'left by a crash')
    jobs = render_tree(tree, SETTINGS, processes=1)
    assert lost.read_bytes() == content
    assert {p: p.stat().st_mtime_ns for p in times} == times
    assert not list(tree.rglob('*.tmp'))
    assert len(jobs) == 6
    assert all(job.done() for job in jobs)


def test_other_settings_touch_nothing(tree):
    before = {name: path.stat().st_mtime_ns for name, path in _files(tree).items()}
    with pytest.raises(MMFakeError, match='frames 3 instead of 4'):
        render_tree(tree, Settings(pairs=3, seed=5, frames=4, size=32))
    assert {name: path.stat().st_mtime_ns for name, path in _files(tree).items()} == before


def test_the_dataset_of_the_package_reads_it(tree):
    dataset = FFPPDataset(pipeline=[], split='train', holdout='f2f', data_root=str(tree))
    assert len(dataset) == 2 + 3 * 2
    dataset = FFPPDataset(
        pipeline=[], split='test', holdout='f2f', data_root=str(tree), test_mode=True
    )
    assert len(dataset) == 2 + 2
