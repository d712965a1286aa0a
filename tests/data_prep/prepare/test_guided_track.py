"""A fake is cropped where the face of its target original is."""

import json
from fractions import Fraction

import av
import cv2
import numpy as np
import pandas as pd
import pytest

OPTIONS = ('--methods', 'df', '--size', '64', '--frames', '30', '--min-frames', '8')


@pytest.fixture
def tree(tmp_path, write_raw, raw_file, face_film):
    """A factory: originals with a face, one fake as given, no other video."""

    def write(fake, original=None, fps=25, original_fps=25):
        root = tmp_path / 'raw'
        (root / 'splits').mkdir(parents=True)
        for name, pair in (('train', '000 001'), ('val', '002 003'), ('test', '004 005')):
            text = '[["{}", "{}"]]'.format(*pair.split())
            (root / 'splits' / f'{name}.json').write_text(text)
        if original is not None:
            write_raw(raw_file(root, 'original', '000'), original, original_fps)
        else:
            raw_file(root, 'original', '000').parent.mkdir(parents=True)
        write_raw(raw_file(root, 'df', '000_001'), fake, fps)
        return root

    return write


def _map(frames, height=180, width=320):
    """Pictures without a face whose colour tells the place: red = x / 2, green = y."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    picture = np.stack([x * 160 / width, y * 180 / height, np.zeros_like(x)], -1)
    return np.repeat(picture[None].astype(np.uint8), frames, 0)


def _clip(out, name):
    index = pd.read_csv(out / 'index.csv', dtype=str, keep_default_na=False).set_index('id')
    row = index.loc[f'ffpp/{name}']
    with av.open(str(out / row.path)) as container:
        frames = [f.to_ndarray(format='rgb24') for f in container.decode(video=0)]
    return row, np.stack(frames).astype(float)


def _centres(clip):
    """Where in the source each frame of a clip of _map was cut out."""
    middle = clip[:, 28:36, 28:36].mean(axis=(1, 2))
    return np.stack([middle[:, 0] * 2, middle[:, 1]], -1)


def test_it_follows_the_face_of_the_original(tree, tmp_path, prepare, face_film):
    root = tree(_map(24), face_film(24, step=4))
    prepare(root, tmp_path / 'out', options=OPTIONS)
    row, clip = _clip(tmp_path / 'out', 'df/c23/000_001')
    assert (row.status, row.frames, row.track_of) == ('used', '24', 'ffpp/original/c23/000')
    # the photograph's face: about (66, 47) in the photograph, which starts at (20, 20) and moves
    x, y = _centres(clip).T
    assert np.abs(np.diff(x[6:18]) - 4).max() < 2.5
    assert 60 < x[0] < 112
    assert np.ptp(y) < 4


def test_own_track_is_another_choice(tree, tmp_path, prepare, face_film):
    shifted = np.roll(face_film(24), 100, axis=2)
    root = tree(shifted, face_film(24))
    prepare(root, tmp_path / 'guided', options=OPTIONS)
    prepare(root, tmp_path / 'own', '--own-track', options=OPTIONS)
    row, guided = _clip(tmp_path / 'guided', 'df/c23/000_001')
    _, original = _clip(tmp_path / 'guided', 'original/c23/000')
    assert np.abs(guided - original).mean() > 20  # another place of the picture
    row, own = _clip(tmp_path / 'own', 'df/c23/000_001')
    assert row.track_of == 'ffpp/df/c23/000_001'
    assert np.abs(own - original).mean() < 6  # the same face


def test_frames_that_only_the_fake_has_are_tracked_in_it(tree, tmp_path, prepare, face_film):
    film = face_film(28, step=4)
    root = tree(film, film[:14])
    prepare(root, tmp_path / 'out', options=OPTIONS)
    row, clip = _clip(tmp_path / 'out', 'df/c23/000_001')
    assert (row.frames, row.track_of) == ('28', 'ffpp/original/c23/000')
    # the face stays where it is, across the seam and after it; the wall alone would differ by 60
    blurred = [cv2.blur(picture, (9, 9)) for picture in clip]
    for number in (12, 14, 16, 20):
        assert np.abs(blurred[number] - blurred[8]).mean() < 8


def test_without_a_face_in_them_the_common_frames_are_used(tree, tmp_path, prepare, face_film):
    root = tree(_map(28), face_film(14))
    prepare(root, tmp_path / 'out', options=OPTIONS)
    row, clip = _clip(tmp_path / 'out', 'df/c23/000_001')
    assert (row.status, len(clip)) == ('used', 14)


def test_another_resolution_is_scaled(tree, tmp_path, prepare, face_film):
    root = tree(_map(24, 90, 160), face_film(24))
    prepare(root, tmp_path / 'out', options=OPTIONS)
    _, half = _clip(tmp_path / 'out', 'df/c23/000_001')
    whole_root = tmp_path / 'second'
    whole_root.mkdir()
    root.rename(whole_root / 'raw')
    root = tree(_map(24), face_film(24))
    prepare(root, tmp_path / 'whole', options=OPTIONS)
    _, whole = _clip(tmp_path / 'whole', 'df/c23/000_001')
    assert np.abs(_centres(half) - _centres(whole)).max() < 4


def test_another_shape_is_tracked_by_itself(tree, tmp_path, prepare, face_film):
    narrow = np.stack([cv2.copyMakeBorder(p, 60, 60, 0, 0, 0) for p in face_film(24)])
    root = tree(narrow, face_film(24))
    prepare(root, tmp_path / 'out', options=OPTIONS)
    row, _ = _clip(tmp_path / 'out', 'df/c23/000_001')
    assert row.track_of == 'ffpp/df/c23/000_001'


@pytest.mark.parametrize(
    ('rate', 'frames', 'original_rate', 'alone'),
    [
        (30, 28, 25, True),  # the same film, converted to another rate
        (Fraction(30000, 1001), 24, 30, False),  # 29.97 is 30
        (25, 19, 25, False),  # shorter, as the fakes of FF++ that end with their source
        (30, 24, 25, False),  # made frame by frame, and stored at another rate
        (30, 19, 25, True),  # which of the two cannot be told
    ],
)
def test_at_another_rate_it_is_tracked_by_itself(
    tree, tmp_path, prepare, face_film, rate, frames, original_rate, alone
):
    original = face_film(24, step=4)
    moments = np.arange(frames) * 25 // 30 if frames > 24 else np.arange(frames)
    root = tree(original[moments], original, rate, original_rate)
    _, said = prepare(root, tmp_path / 'out', options=OPTIONS)
    row, clip = _clip(tmp_path / 'out', 'df/c23/000_001')
    own, guide = 'ffpp/df/c23/000_001', 'ffpp/original/c23/000'
    assert row.track_of == (own if alone else guide)
    assert ('or has another shape or frame rate: ffpp/df/c23/000_001' in said) == alone
    # a moment is cropped as in the original
    _, whole = _clip(tmp_path / 'out', 'original/c23/000')
    late = frames * 2 // 3
    ours, its = (cv2.blur(one, (9, 9)) for one in (clip[late], whole[moments[late]]))
    assert np.abs(ours - its).mean() < 12


def test_a_rate_that_the_file_does_not_say_is_none(tree, tmp_path, prepare, face_film, raw_file):
    """A recording of a browser: its 1000 per s are the resolution of a clock."""
    root = tree(face_film(28), face_film(24), 1000, 25)
    prepare(root, tmp_path / 'out', options=OPTIONS)
    row, _ = _clip(tmp_path / 'out', 'df/c23/000_001')
    assert (row.fps, row.track_of) == ('25', 'ffpp/original/c23/000')


def test_a_record_of_an_earlier_version_tells_the_rate_too(tree, tmp_path, prepare, face_film):
    out = tmp_path / 'out'
    root = tree(face_film(28), face_film(24), 30)
    prepare(root, out, options=OPTIONS)
    path = out / 'records/original/c23/000.json'
    record = json.loads(path.read_text())
    del record['seen']['fps'], record['seen']['claimed']
    path.write_text(json.dumps(record))
    (out / 'records/df/c23/000_001.json').unlink()
    prepare(root, out, options=OPTIONS)
    assert _clip(out, 'df/c23/000_001')[0].track_of == 'ffpp/df/c23/000_001'


def test_without_the_original_the_fake_is_tracked_by_itself(tree, tmp_path, prepare, face_film):
    root = tree(face_film(24))
    prepare(root, tmp_path / 'out', options=OPTIONS)
    row, clip = _clip(tmp_path / 'out', 'df/c23/000_001')
    assert (row.status, row.track_of) == ('used', 'ffpp/df/c23/000_001')


def test_a_face_that_comes_late_is_found(tree, tmp_path, prepare, face_film):
    """Nobody in the first 30 frames, which is what a clip may have: the search goes on."""
    late = np.concatenate([np.full((33, 180, 320, 3), 127, np.uint8), face_film(20)])
    root = tree(_map(53), late)
    prepare(root, tmp_path / 'out', options=OPTIONS)
    row, clip = _clip(tmp_path / 'out', 'original/c23/000')
    assert row.status == 'used'
    assert 15 <= len(clip) <= 20
    fake, _ = _clip(tmp_path / 'out', 'df/c23/000_001')
    assert fake.frames == row.frames
