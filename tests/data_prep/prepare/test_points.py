"""Points of the face beside the clips: prepared, and added to what was prepared without them."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from data_prep import add_points, prepare_ffpp
from data_prep.prepare.index_file import PROVENANCE
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.errors import MMFakeError
from mmfake.faces.clip_points import read_points
from mmfake.faces.face_track import FaceTrack

FACES = ('--methods', 'df', '--size', '64', '--frames', '20', '--min-frames', '16', '--jobs', '2')


def rows_of(out):
    with open(out / 'index.csv', newline='') as stream:
        return {row['id']: row for row in csv.DictReader(stream)}


@pytest.fixture(scope='module')
def raw_faces(tmp_path_factory, write_raw, raw_file, face_film):
    """A raw tree of six identities that all have one face."""
    root = tmp_path_factory.mktemp('raw') / 'ffpp'
    (root / 'splits').mkdir(parents=True)
    for number, split in enumerate(('train', 'val', 'test')):
        pair = [f'{2 * number:03d}', f'{2 * number + 1:03d}']
        (root / 'splits' / f'{split}.json').write_text(json.dumps([pair]))
        for target, source in (pair, pair[::-1]):
            write_raw(raw_file(root, 'original', target), face_film(20, 1 + int(target) % 2))
            write_raw(raw_file(root, 'df', f'{target}_{source}'), face_film(20))
    return root


@pytest.fixture(scope='module')
def prepared_once(tmp_path_factory, raw_faces):
    out = tmp_path_factory.mktemp('prepared') / 'out'
    assert prepare_ffpp.main(['--root', str(raw_faces), '--out', str(out), *FACES]) == 0
    return out


@pytest.fixture
def prepared(tmp_path, prepared_once):
    """A tree with faces in it, prepared."""
    return Path(shutil.copytree(prepared_once, tmp_path / 'out'))


def forget(out):
    """Make it a dataset of an earlier version: no file, no column, nothing in the records."""
    shutil.rmtree(out / 'points')
    rows = list(rows_of(out).values())
    later = ('points', 'clip_bytes', 'clip_hash')
    columns = [name for name in rows[0] if name not in later] + ['mine']
    with open(out / 'index.csv', 'w', newline='') as stream:
        writer = csv.DictWriter(stream, columns, extrasaction='ignore', restval='of my own')
        writer.writeheader()
        writer.writerows(rows)
    for path in (out / 'records').rglob('*.json'):
        record = json.loads(path.read_text())
        for name in later:
            record['facts'].pop(name, None)
        path.write_text(json.dumps(record))


def test_originals_are_prepared_with_points_and_an_older_dataset_gets_the_same(
    prepared, raw_faces, prepare, capfd
):
    rows = rows_of(prepared)
    assert 'points' in PROVENANCE
    originals = [row for row in rows.values() if row['method'] == 'original']
    assert originals
    for row in rows.values():
        assert bool(row['points']) == (row['method'] == 'original')
    files = {}
    for row in originals:
        files[row['id']] = (prepared / row['points']).read_bytes()
        points = read_points(str(prepared / row['points']))
        assert points.shape == (int(row['frames']), 5, 2)
        # a face in the middle of its clip: eyes above the nose, the nose above the mouth
        assert (points > 0.15 * 64).all()
        assert (points < 0.85 * 64).all()
        assert (points[:, :2, 1].max(axis=1) < points[:, 2, 1]).all()
        assert (points[:, 2, 1] < points[:, 3:, 1].min(axis=1)).all()
    # as an earlier version left it
    forget(prepared)
    read = dict(split='train', data_root=str(prepared), methods=[], synthetic='sbi')
    with pytest.raises(MMFakeError, match=f'add_points.py {prepared}/index.csv'):
        FFPPDataset([], **read)
    times = {path: path.stat().st_mtime_ns for path in (prepared / 'clips').rglob('*.mp4')}
    capfd.readouterr()
    assert add_points.main([str(prepared / 'index.csv')]) == 0
    n = len(originals)
    assert f'{n} originals: {n} have points now, 0 had them before' in capfd.readouterr().out
    after = rows_of(prepared)
    assert {name: (prepared / after[name]['points']).read_bytes() for name in files} == files
    assert {row['mine'] for row in after.values()} == {'of my own'}
    assert {path: path.stat().st_mtime_ns for path in times} == times, 'nothing is encoded anew'
    assert Counter(r['method'] for r in FFPPDataset([], **read).load_data_list())['sbi'] == 2
    # a second time, and when it is prepared again
    assert add_points.main([str(prepared / 'index.csv')]) == 0
    assert f'{n} originals: 0 have points now, {n} had them before' in capfd.readouterr().out
    status, said = prepare(raw_faces, prepared, options=FACES)
    assert status == 0
    assert ' 0 to do' in said
    assert {name: row['points'] for name, row in rows_of(prepared).items()} == {
        name: row['points'] for name, row in rows.items()
    }


def test_a_detector_without_points_and_a_lost_track_are_told(prepared, capfd):
    forget(prepared)
    originals = [row for row in rows_of(prepared).values() if row['method'] == 'original']
    first, second = originals[:2]
    track = FaceTrack.load(prepared / first['track'])
    FaceTrack(track.start, track.boxes, track.scores, track.detected).save(
        prepared / first['track']
    )
    (prepared / second['track']).unlink()
    assert add_points.main([str(prepared / 'index.csv')]) == 3
    said = capfd.readouterr().out
    assert f'1 get none: the face detector centerface finds no points ({first["id"]})' in said
    assert f'1 get none: the face track cannot be read ({second["id"]})' in said
    assert sum(bool(row['points']) for row in rows_of(prepared).values()) == len(originals) - 2


def test_without_faces_there_are_no_points(tmp_path, write_tree, prepare):
    out = tmp_path / 'out'
    status, _ = prepare(write_tree(tmp_path / 'raw'), out)
    assert status == 0
    assert not (out / 'points').exists()
    assert {row['points'] for row in rows_of(out).values()} == {''}


def test_an_index_that_is_none_ends_in_one_line(tmp_path):
    with pytest.raises(MMFakeError, match='not found'):
        add_points.main([str(tmp_path / 'index.csv')])
