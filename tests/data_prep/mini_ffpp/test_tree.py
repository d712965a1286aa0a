"""The rendered tree: settings, pairs, layout, encoding, completion, and its command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import chain

import av
import cv2
import numpy as np
import pytest
import torch  # noqa: F401 (decord asks to be imported after torch)
from decord import VideoReader, cpu
from sklearn.metrics import roc_auc_score

from data_prep import make_mini_ffpp
from data_prep.mini_ffpp import tree as tree_module
from data_prep.mini_ffpp.contact_sheet import HEADER, MARGIN, contact_sheet, save_sheet
from data_prep.mini_ffpp.head_model import face_points, shoot
from data_prep.mini_ffpp.identity import sample_identity
from data_prep.mini_ffpp.methods import FAMILIES
from data_prep.mini_ffpp.motion import FPS
from data_prep.mini_ffpp.tree import (
    FILE_NAME,
    Settings,
    pair_up,
    render_target,
    render_tree,
    tree_jobs,
    write_video,
)
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


def _decode(path, format='rgb24'):
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format=format) for f in container.decode(video=0)])


# ---- settings and pairs


@pytest.mark.parametrize(
    ('wrong', 'words'),
    [
        (dict(pairs=2), '--pairs 2 is not between 3'),
        (dict(seed=-1), '--seed -1'),
        (dict(frames=1), '--frames 1'),
        (dict(size=65), '--size 65 is not an even number'),
    ],
)
def test_values_out_of_range(wrong, words):
    with pytest.raises(MMFakeError, match=words):
        Settings(**wrong)


def _claim_other_settings(root):
    Settings(seed=1).claim(root)


def _claim_other_renderer(root):
    Settings(seed=2).claim(root)
    file = root / FILE_NAME
    file.write_text(file.read_text().replace('"renderer": ', '"renderer": 9'))


@pytest.mark.parametrize(
    ('fill', 'words'),
    [
        (_claim_other_settings, r'seed 1 instead of 2\)'),
        (_claim_other_renderer, 'renderer 9'),
        (
            lambda root: (root / 'thesis.tex').write_text('dear'),
            'is not empty and has no mini_ffpp',
        ),
        (lambda root: (root / FILE_NAME).write_text('{"pairs": '), 'cannot be read'),
        (lambda root: (root / FILE_NAME).write_text('"x"'), 'cannot be read'),
    ],
)
def test_a_folder_with_anything_else_is_refused_untouched(tmp_path, fill, words):
    fill(tmp_path)
    before = {name: path.read_bytes() for name, path in _files(tmp_path).items()}
    with pytest.raises(MMFakeError, match=words) as error:
        Settings(seed=2).claim(tmp_path)
    assert '\n' not in str(error.value)
    assert {name: path.read_bytes() for name, path in _files(tmp_path).items()} == before


@pytest.mark.parametrize(
    ('pairs', 'shares'), [(48, (28, 8, 12)), (3, (1, 1, 1)), (5, (3, 1, 1)), (100, (59, 16, 25))]
)
def test_every_id_is_in_one_pair_of_one_split(pairs, shares):
    splits = pair_up(0, pairs)
    assert {split: len(some) for split, some in splits.items()} == dict(
        zip(('train', 'val', 'test'), shares)
    )
    ids = list(chain.from_iterable(chain.from_iterable(splits.values())))
    assert sorted(ids) == [f'{k:03d}' for k in range(2 * pairs)]
    assert splits == pair_up(0, pairs)
    assert pairs < 20 or splits != pair_up(1, pairs)


def test_pairs_have_similar_skin_and_splits_do_not_differ_in_it():
    skin = {f'{k:03d}': sample_identity(0, f'{k:03d}').skin.mean() for k in range(96)}
    splits = pair_up(0, 48)
    pairs = list(chain.from_iterable(splits.values()))
    paired = np.mean([abs(np.log(skin[a] / skin[b])) for a, b in pairs])
    anyone = np.mean([abs(np.log(skin[a] / skin[b])) for a in skin for b in skin if a != b])
    assert paired < 0.2 * anyone
    means = [np.mean([skin[n] for pair in split for n in pair]) for split in splits.values()]
    assert max(means) < 1.6 * min(means)


# ---- the tree


def test_the_layout_is_the_official_one(tree):
    splits = [json.loads((tree / f'splits/{name}.json').read_text()) for name in pair_up(0, 3)]
    pairs = list(chain.from_iterable(splits))
    assert sorted(n for pair in pairs for n in pair) == ['000', '001', '002', '003', '004', '005']
    stems = {f'{a}_{b}' for a, b in pairs} | {f'{b}_{a}' for a, b in pairs}
    wanted = {f'splits/{split}.json' for split in ('train', 'val', 'test')} | {'mini_ffpp.json'}
    for folder in FOLDERS:
        names = stems if 'manipulated' in folder else {s[:3] for s in stems}
        wanted |= {f'{folder}/c23/videos/{name}.mp4' for name in names}
    wanted |= {f'{FOLDERS[0]}/c23/points/{stem[:3]}.npy' for stem in stems}
    assert set(_files(tree)) == wanted
    assert {_decode(path).shape for path in tree.rglob('*.mp4')} == {(3, 32, 32, 3)}


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
    assert [job.done() for job in jobs] == [True] * 6
    with pytest.raises(MMFakeError, match='frames 3 instead of 4'):
        render_tree(tree, Settings(pairs=3, seed=5, frames=4, size=32))


def test_a_tree_of_an_earlier_version_gets_its_points_and_nothing_else(tree, monkeypatch):
    points = {path: path.read_bytes() for path in tree.rglob('*.npy')}
    assert len(points) == 6
    for path in points:
        path.unlink()
    monkeypatch.setattr(tree_module, 'render_target', None)  # nothing is rendered
    for job in tree_jobs(tree, SETTINGS, pair_up(SETTINGS.seed, SETTINGS.pairs)):
        assert not job.done()
        job.run()
        assert job.done()
    assert {path: path.read_bytes() for path in points} == points


def test_points_are_where_the_maps_see_eyes_nose_and_mouth():
    frames, side = 5, 64
    for number in ('000', '007'):
        take, who = shoot(3, number, frames, side), sample_identity(3, number)
        points = face_points(3, number, frames, side)
        marks = [(-who.eye_x, who.eye_y), (who.eye_x, who.eye_y), (0, who.nose_y)]
        marks += [(-who.mouth_width, who.mouth_y), (who.mouth_width, who.mouth_y)]
        for t in range(frames):
            for point, mark in zip(points[t], marks):
                where = np.float32(2 * point - 0.5)  # px of the maps, twice the resolution
                seen = cv2.remap(take.maps[t], *where[:, None, None], cv2.INTER_LINEAR)[0, 0]
                assert np.abs(seen - mark).max() < 0.01, 'head units; the head is 2 high'


def test_the_dataset_of_the_package_reads_it(tree):
    for split, length in (('train', 2 + 3 * 2), ('test', 2 + 2)):
        dataset = FFPPDataset(pipeline=[], split=split, holdout='f2f', data_root=str(tree))
        assert len(dataset) == length
    dataset = FFPPDataset([], split='train', data_root=str(tree), methods=[], synthetic='sbi')
    assert len(dataset) == 4


# ---- encoding


@pytest.fixture(scope='module')
def moving(tmp_path_factory):
    """A video of 40 frames and the file it is encoded to."""
    y, x = np.mgrid[:48, :64]
    frames = [np.stack([x * 3 + 2 * t, y * 4, 5 * t + 0 * x], -1) for t in range(40)]
    path = tmp_path_factory.mktemp('encode') / '000.mp4'
    write_video(path, np.stack(frames).astype(np.uint8))
    return np.stack(frames).astype(np.uint8), path


def test_the_video_is_what_the_layout_promises(moving):
    video, path = moving
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ('h264', 'yuv420p')
        assert stream.average_rate == FPS
        frames = list(container.decode(stream))
    assert [k for k, frame in enumerate(frames) if frame.key_frame] == [0, 25]
    assert {int(frame.pict_type) for frame in frames} == {1, 2}, 'I and P'
    seen = np.stack([frame.to_ndarray(format='rgb24') for frame in frames])
    assert np.abs(seen.astype(int) - video).mean() < 6


def test_decord_reads_every_frame_exactly_in_any_order(moving):
    wanted = _decode(moving[1])
    reader = VideoReader(str(moving[1]), ctx=cpu(0), num_threads=1)
    assert len(reader) == len(wanted) == 40
    for k in np.random.default_rng(0).permutation(40):
        # two colour conversions may round differently, a neighbouring frame is much further away
        assert np.abs(reader[int(k)].asnumpy().astype(int) - wanted[k]).mean() < 1.0


@pytest.mark.nightly
def test_after_encoding_nothing_outside_the_face_tells_originals_from_fakes(tmp_path):
    table = {key: {} for key in ('original', *FAMILIES)}
    for k in range(12):
        for key, video in render_target(0, f'{k:03d}', f'{k + 12:03d}', 8, 64).items():
            write_video(tmp_path / f'{key}{k}.mp4', video)
            grey = _decode(tmp_path / f'{key}{k}.mp4', 'gray').astype(float)
            edge = np.concatenate([grey[:, :, :6], grey[:, :, -6:]], axis=2)
            values = dict(
                frames=len(grey),
                level=edge.mean(),
                noise=np.abs(np.diff(edge, axis=0)).mean(),
                detail=np.abs(np.diff(edge, axis=1)).mean(),
                brightness=grey.mean(),
            )
            for name, value in values.items():
                table[key].setdefault(name, []).append(value)
    for key in FAMILIES:
        for name, originals in table['original'].items():
            auc = roc_auc_score([0] * 12 + [1] * 12, originals + table[key][name])
            assert abs(auc - 0.5) < 0.1, (key, name)


# ---- contact sheet and command


def test_every_picture_is_in_its_row_and_column():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (2, 3, 48, 48, 3)).astype(np.uint8)
    keys = ('original', 'df', 'fs')
    sheet = contact_sheet([(f'{r}', dict(zip(keys, pictures[r]))) for r in range(2)])
    assert sheet.shape == (HEADER + 2 * 48, MARGIN + 3 * 48, 3)
    for r in range(2):
        for c in range(3):
            top, left = HEADER + 48 * r, MARGIN + 48 * c
            np.testing.assert_array_equal(sheet[top : top + 48, left : left + 48], pictures[r, c])
        assert sheet[HEADER + 48 * r : HEADER + 48 * (r + 1), :MARGIN].min() < 100, 'a label'


@pytest.mark.parametrize('name', ['sheet.png', 'sheet.nothing', 'absent/sheet.png'])
def test_a_sheet_shows_the_middle_frames(tmp_path, name):
    files = {}
    for level, key in ((60, 'original'), (180, 'nt')):
        video = np.full((5, 32, 32, 3), level, np.uint8)
        video[2] += 20  # the middle one
        files[key] = tmp_path / f'{key}.mp4'
        write_video(files[key], video)
    if name != 'sheet.png':
        with pytest.raises(MMFakeError, match='cannot be written'):
            save_sheet(tmp_path / name, [('000_001', files)])
        return
    save_sheet(tmp_path / name, [('000_001', files)], side=40)
    image = cv2.imread(str(tmp_path / name))
    assert image.shape == (HEADER + 40, MARGIN + 2 * 40, 3)
    assert image[-20, -20].mean() == pytest.approx(200, abs=3)


def _words(root, *more):
    return ['--out', str(root), '--pairs', '3', '--frames', '2', '--size', '32', *more]


def test_the_command_makes_a_tree_and_its_sheet(tmp_path, capsys):
    words = _words(tmp_path / 'out', '--jobs', '1', '--sheet', str(tmp_path / 'sheet.png'))
    make_mini_ffpp.main(words)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f'30 videos of 6 identities are in {tmp_path / "out"}'
    assert (tmp_path / 'sheet.png').exists()


@pytest.mark.parametrize(
    ('place', 'more', 'match'),
    [
        ('out', ['--jobs', '0'], '--jobs 0'),
        ('out', ['--size', '33'], '--size 33'),
        ('file/out', [], 'cannot be written'),
        ('file', [], 'is a file'),
    ],
)
def test_wrong_usage(tmp_path, place, more, match):
    (tmp_path / 'file').write_text('')
    with pytest.raises(MMFakeError, match=match):
        make_mini_ffpp.main(_words(tmp_path / place, *more))
    assert not (tmp_path / 'out').exists()


def test_ctrl_c_leaves_whole_files_and_no_stack_trace(tmp_path):
    command = f'--out {tmp_path} --pairs 30 --frames 8 --size 64 --jobs 2'.split()
    # a group of its own: a terminal sends Ctrl-C to the workers as well
    run = subprocess.Popen(
        [sys.executable, '-W', 'ignore', make_mini_ffpp.__file__, *command],
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
    assert {len(_decode(path)) for path in videos} == {8}
    # those begun were finished: all videos of a target are there, or none
    by_target = {}
    for path in videos:
        by_target[path.stem[:3]] = by_target.get(path.stem[:3], 0) + 1
    assert set(by_target.values()) == {5}
