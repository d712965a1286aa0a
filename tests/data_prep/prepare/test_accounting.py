"""Videos that cannot be used: each is named with its reason, and the others go on."""

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from data_prep import prepare_ffpp as ffpp_command

SPLITS = dict(train=[['000', '001']], val=[['002', '003']], test=[['004', '005']])


@pytest.fixture(scope='module')
def tree(tmp_path_factory, write_raw, raw_file, face_film):
    """Six identities with a real face, three manipulations of each: 24 videos."""
    root = tmp_path_factory.mktemp('faces') / 'ffpp'
    (root / 'splits').mkdir(parents=True)
    for name, pairs in SPLITS.items():
        (root / 'splits' / f'{name}.json').write_text(str(pairs).replace("'", '"'))
    first = root / 'first.mp4'
    write_raw(first, face_film(20))
    for target, source in (('000', '001'), ('002', '003'), ('004', '005')):
        for a, b in ((target, source), (source, target)):
            paths = [raw_file(root, 'original', a)]
            paths += [raw_file(root, method, f'{a}_{b}') for method in ('df', 'f2f', 'fs')]
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(first, path)
    first.unlink()
    return root


OPTIONS = ('--methods', 'df', 'f2f', 'fs', '--size', '32', '--frames', '16', '--min-frames', '12')


def _rows(out):
    return pd.read_csv(out / 'index.csv', dtype=str, keep_default_na=False).set_index('id')


def test_broken_videos_among_good_ones(
    tree, tmp_path, prepare, write_raw, raw_file, face_film, contents
):
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    shutil.copytree(tree, raw)
    raw_file(raw, 'df', '000_001').write_bytes(b'')
    raw_file(raw, 'f2f', '000_001').write_text('this is no video ' * 99)
    raw_file(raw, 'fs', '002_003').unlink()
    whole = raw_file(raw, 'df', '004_005').read_bytes()
    raw_file(raw, 'df', '004_005').write_bytes(whole[: len(whole) // 2])
    write_raw(raw_file(raw, 'fs', '004_005'), face_film(5))
    write_raw(raw_file(raw, 'original', '003'), np.full((20, 180, 320, 3), 90, np.uint8))
    tiny = [cv2.resize(picture, (112, 64)) for picture in face_film(20)]
    write_raw(raw_file(raw, 'original', '005'), tiny)

    status, said = prepare(raw, out, options=OPTIONS)
    assert status == 3
    index = _rows(out)
    unused = index[index.status != 'used']
    assert unused.status.to_dict() == {
        'ffpp/df/c23/000_001': 'decode-failed',
        'ffpp/f2f/c23/000_001': 'decode-failed',
        'ffpp/fs/c23/002_003': 'missing',
        'ffpp/df/c23/004_005': 'decode-failed',
        'ffpp/fs/c23/004_005': 'too-short',
        'ffpp/original/c23/003': 'no-face',
        'ffpp/original/c23/005': 'face-too-small',
    }
    assert index.reason['ffpp/df/c23/000_001'] == 'empty file; copy it anew'
    assert index.reason['ffpp/fs/c23/004_005'].startswith('5 frames')
    assert index.reason['ffpp/original/c23/003'] == 'centerface found no face in 20 frames'
    assert len(index) == 24
    assert not any(unused.path)
    assert all((out / path).is_file() for path in index.path if path)
    # the fakes of an original without a face are tracked by themselves
    assert index.track_of['ffpp/df/c23/003_002'] == 'ffpp/df/c23/003_002'
    assert index.track_of['ffpp/df/c23/002_003'] == 'ffpp/original/c23/002'
    # the table: 24 expected, 17 used
    total = said.split('\nall ')[1].splitlines()[0].split()
    assert total[:2] == ['24', '17']
    for name in ('no-face', 'face-too-small', 'too-short', 'decode-failed', 'missing'):
        assert name in said
    log = (out / 'index.log').read_text()
    assert 'ffpp/df/c23/000_001: decode-failed: empty file' in log

    # nothing is tried twice that must end the same way
    before = contents(out)
    status, said = prepare(raw, out, options=OPTIONS)
    assert status == 3
    assert 'nothing had to be made' in said
    assert contents(out) == before
    # a mended video is taken in
    shutil.copyfile(raw_file(tree, 'fs', '002_003'), raw_file(raw, 'fs', '002_003'))
    shutil.copyfile(raw_file(tree, 'df', '000_001'), raw_file(raw, 'df', '000_001'))
    prepare(raw, out, options=OPTIONS)
    index = _rows(out)
    assert list(index.status[['ffpp/fs/c23/002_003', 'ffpp/df/c23/000_001']]) == ['used', 'used']


def test_a_video_that_is_no_longer_usable_loses_its_clip(
    tree, tmp_path, prepare, write_raw, raw_file
):
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    shutil.copytree(tree, raw)
    prepare(raw, out, options=OPTIONS)
    assert (out / 'clips/df/c23/000_001.mp4').is_file()
    raw_file(raw, 'df', '000_001').write_bytes(b'')
    assert prepare(raw, out, options=OPTIONS)[0] == 3
    assert not (out / 'clips/df/c23/000_001.mp4').exists()
    assert not (out / 'tracks/df/c23/000_001.npz').exists()


def test_time_limit_ends_a_video_and_another_run_takes_it_in(tree, tmp_path, prepare):
    out = tmp_path / 'out'
    status, said = prepare(tree, out, '--timeout', '0.001', options=OPTIONS)
    assert status == 3
    index = _rows(out)
    ended = index[index.status == 'timed-out']
    assert len(ended)  # nothing is cropped in a millisecond; a process may be noticed a little late
    assert set(ended.reason) == {'not done after 0.001 s'}
    assert set(index.status) <= {'timed-out', 'used'}
    status, said = prepare(tree, out, options=OPTIONS)
    assert status == 0
    # also those whose original was given up before, and which were tracked by themselves
    fakes = _rows(out).query('method != "original"')
    assert all(owner.startswith('ffpp/original/') for owner in fakes.track_of)


def test_strict_stops_at_the_first(tree, tmp_path, raw_file, capfd):
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    shutil.copytree(tree, raw)
    raw_file(raw, 'original', '000').write_bytes(b'')
    words = ['--root', str(raw), '--out', str(out), '--strict', '--jobs', '2', *OPTIONS]
    assert ffpp_command.main(words) == 3
    said = capfd.readouterr().err.splitlines()[-1]
    assert said.startswith('--strict stops at ffpp/original/c23/000: decode-failed: empty file')
    # the index says of every video how it stands
    index = _rows(out)
    assert len(index) == 24
    assert index.status['ffpp/original/c23/000'] == 'decode-failed'
    assert 'missing' in set(index.status)


def test_fakes_without_their_original_are_told(tree, tmp_path, prepare, raw_file):
    raw = tmp_path / 'raw'
    shutil.copytree(tree, raw)
    raw_file(raw, 'original', '003').unlink()
    _, said = prepare(raw, tmp_path / 'out', options=OPTIONS)
    assert '3 fakes are cropped by a track of their own' in said
    assert 'ffpp/df/c23/003_002' in said
