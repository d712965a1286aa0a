"""What other programs read."""

import csv
import json

import pytest

from mmfake.errors import MMFakeError
from mmfake.inference.results import RESULTS_SCHEMA

jsonschema = pytest.importorskip('jsonschema')


@pytest.fixture(scope='module')
def run(inferencer, write_film, face_film, noise_film, tmp_path_factory):
    folder = tmp_path_factory.mktemp('run')
    write_film(folder / 'in' / 'face.mp4', face_film(12))
    write_film(folder / 'in' / 'wall.mp4', noise_film(0) // 8 + 100)
    (folder / 'in' / 'a, "b".mp4').write_bytes(b'')
    results = inferencer(
        str(folder / 'in'), person='all', out_dir=str(folder / 'out'), save_video=True
    )
    return folder / 'out', results


def test_json_is_what_was_returned_and_fits_the_schema(run):
    folder, results = run
    read = json.loads((folder / 'results.json').read_text())
    assert read == results
    jsonschema.Draft202012Validator.check_schema(RESULTS_SCHEMA)
    jsonschema.validate(read, RESULTS_SCHEMA)
    assert [video['status'] for video in read['predictions']] == [
        *('decode-failed', 'scored', 'no-face')
    ]
    assert (read['n_videos'], read['n_scored']) == (3, 1)
    assert len(read['model']['checkpoint_sha256']) == 64
    assert 'Deepfakes, FaceSwap, NeuralTextures' in read['meaning']


@pytest.mark.parametrize(
    ('path', 'value'),
    [
        (['predictions', 1, 'verdict'], 'fake'),
        (['predictions', 1, 'probability'], 1.2),
        (['predictions', 1, 'people', 0, 'clips', 0, 'score'], None),
        (['predictions', 1, 'extra'], 1),
        (['threshold_source'], 'thin air'),
        (['schema_version'], '0.9'),
    ],
)
def test_the_schema_refuses_anything_else(run, path, value):
    changed = json.loads((run[0] / 'results.json').read_text())
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, RESULTS_SCHEMA)


def test_csv_has_one_row_per_video(run):
    folder, results = run
    rows = list(csv.DictReader((folder / 'results.csv').open(newline='')))
    assert [row['video'] for row in rows] == [v['video'] for v in results['predictions']]
    assert [row['verdict'] for row in rows][::2] == ['abstain', 'abstain']
    assert float(rows[1]['probability']) == results['predictions'][1]['probability']
    assert rows[0]['probability'] == ''
    assert [row['clips'] for row in rows] == ['0', '4', '0']
    assert rows[1]['threshold_source'] == 'validation'


def test_annotated_copies_are_named(run):
    folder, results = run
    named = [video.get('annotated') for video in results['predictions']]
    assert named == [None, 'videos/0001_face.mp4', None]
    assert (folder / named[1]).is_file()
    assert sorted(path.name for path in folder.iterdir()) == [
        *('report.html', 'results.csv', 'results.json', 'videos')
    ]


def test_a_place_that_cannot_be_written_is_told(inferencer, noise_film, tmp_path):
    (tmp_path / 'file').write_text('')
    judged = []
    with pytest.raises(MMFakeError, match='cannot be written'):
        inferencer(
            noise_film(0), face=False, out_dir=str(tmp_path / 'file'), progress=judged.append
        )
    assert judged == []
