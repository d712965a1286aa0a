"""What other programs read."""

import csv
import json
import os

import numpy as np
import pytest

from mmfake.errors import MMFakeError
from mmfake.inference.evidence import Strip
from mmfake.inference.journal import Journal, stamp_of
from mmfake.inference.results import RESULTS_SCHEMA, JudgedVideo

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


# ---- what is kept of a run that does not end well ----

PREDICTION = RESULTS_SCHEMA['properties']['predictions']['items']['required']
RUN = dict(model=dict(mmfake='0.1', shape=(8, 32)), threshold=0.1 + 0.2)
STRIP = Strip('highest', 0.1 + 0.7, 0.0, 1.28, '', b'\xff\xd8\x00', 2)


def judged(video, status='scored', **more):
    prediction = dict.fromkeys([*PREDICTION, 'annotated'], None)
    told = dict(video=video, status=status, probability=1 / 3)
    return JudgedVideo(dict(prediction, **dict(told, **more)), [STRIP])


@pytest.fixture
def films(tmp_path):
    """Two files and a clip of pictures, one of them with an odd name."""
    (tmp_path / 'c').mkdir()
    paths = [tmp_path / 'a.mp4', tmp_path / os.fsdecode(b'\xe4\n.mp4'), tmp_path / 'c']
    for path in (*paths[:2], tmp_path / 'c' / '000000.jpg'):
        path.write_bytes(b'x')
    return [(str(path), str(path)) for path in paths]


@pytest.fixture
def unfinished(films, tmp_path):
    """The journal of a run that was killed after all of them."""
    journal = Journal(tmp_path / 'out', RUN, films)
    assert journal.done == {}
    for number, (name, _) in enumerate(films):
        journal.keep(number, judged(name))
    return journal.path


def taken(films, folder, run=RUN):
    return Journal(folder, run, films).done


def test_what_is_taken_is_what_was_kept(unfinished, films, tmp_path):
    before = unfinished.read_bytes()
    assert len(before.splitlines()) == 3
    everything = {number: judged(name) for number, (name, _) in enumerate(films)}
    assert taken(films, tmp_path / 'out') == everything
    assert unfinished.read_bytes() == before
    # of other videos, in another order
    assert taken([films[2], ('b.mp4', 'b.mp4'), films[0]], tmp_path / 'out') == {
        0: everything[2],
        2: everything[0],
    }


def test_another_run_starts_anew(unfinished, films, tmp_path):
    before = unfinished.read_bytes()
    other = Journal(tmp_path / 'out', dict(RUN, threshold=0.3), films)
    assert (other.done, other.others) == ({}, 3)
    assert unfinished.read_bytes() == b''
    # that of the first one still counts, beside what the other one has kept
    other.keep(1, judged(films[1][0]))
    first = Journal(tmp_path / 'out', RUN, films[1:])
    assert (sorted(first.done), first.others) == ([0, 1], 2)
    first = Journal(tmp_path / 'out', RUN, films)
    assert (sorted(first.done), first.others) == ([0, 1, 2], 1)
    assert sorted(unfinished.read_bytes().splitlines()) == sorted(before.splitlines())
    first.remove()
    assert not list((tmp_path / 'out').iterdir())


@pytest.mark.parametrize('half', [1, 40, -1])
def test_a_half_written_line_is_dropped(unfinished, films, tmp_path, half):
    lines = unfinished.read_bytes().splitlines(keepends=True)
    unfinished.write_bytes(lines[0] + lines[1] + lines[2][:half])
    journal = Journal(tmp_path / 'out', RUN, films)
    assert sorted(journal.done) == [0, 1]
    journal.keep(2, judged(films[2][0]))
    assert unfinished.read_bytes() == b''.join(lines)


@pytest.mark.parametrize(
    'damage',
    [
        lambda line: b'{}\n',
        lambda line: b'[]\n',
        lambda line: b'3\n',
        lambda line: b'\xff\x00\n',
        lambda line: b'[' * 100_000 + b'\n',
        lambda line: line.replace(b'"prediction": {', b'"prediction": {}, "more": {'),
        lambda line: line.replace(b'"prediction": {', b'"prediction": 3, "more": {'),
        lambda line: line.replace(b'"verdict"', b'"werdict"'),
        lambda line: line.replace(b'"strips": [', b'"strips": [{}, '),
        lambda line: line.replace(b'"strips"', b'"stripes"'),
        lambda line: line.replace(b'"jpeg": "', b'"jpeg": "=').replace(b'"end"', b'"ende"'),
        lambda line: line.replace(b'"run": "', b'"run": "0'),
        lambda line: line.replace(b'"annotated": null', b'"annotated": 3'),
    ],
)
def test_damaged_and_foreign_lines_are_ignored(unfinished, films, tmp_path, damage):
    lines = unfinished.read_bytes().splitlines(keepends=True)
    damaged = damage(lines[1])
    assert damaged != lines[1]
    unfinished.write_bytes(lines[0] + damaged + lines[2])
    assert sorted(taken(films, tmp_path / 'out')) == [0, 2]
    assert unfinished.read_bytes() == lines[0] + lines[2]


def test_a_changed_video_is_judged_anew(unfinished, films, tmp_path):
    os.utime(films[0][0], ns=(0, 1))
    (tmp_path / 'c' / '000000.jpg').write_bytes(b'xy')
    assert sorted(taken(films, tmp_path / 'out')) == [1]


def test_arrays_and_broken_videos_are_not_kept(films, tmp_path):
    for source in (np.zeros(3), tmp_path / 'gone.mp4', 'x' * 5000, 'a\0b'):
        assert stamp_of(source) is None
    journal = Journal(tmp_path / 'out', RUN, [*films, ('array 3', np.zeros(3))])
    journal.keep(0, judged(films[0][0], status='decode-failed'))
    journal.keep(3, judged('array 3'))
    assert journal.path.read_bytes() == b''


def test_a_video_whose_copy_is_lost_is_judged_anew(films, tmp_path):
    journal = Journal(tmp_path / 'out', RUN, films)
    copy = tmp_path / 'out' / 'videos' / '0000_a.mp4'
    journal.keep(0, judged(films[0][0], annotated='videos/0000_a.mp4'))
    copy.parent.mkdir()
    copy.write_bytes(b'x')
    assert sorted(taken(films, tmp_path / 'out')) == [0]
    assert taken(films[1:] + films[:1], tmp_path / 'out') == {}  # it would be called otherwise
    journal.keep(0, judged(films[0][0], annotated='videos/0000_a.mp4'))
    copy.unlink()
    assert taken(films, tmp_path / 'out') == {}


def test_what_cannot_be_written_is_told_before_the_first_video(films, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(MMFakeError, match=r'results.jsonl: the results cannot be written \('):
        Journal(tmp_path / 'file', RUN, films)
    (tmp_path / 'out' / 'results.jsonl').mkdir(parents=True)
    with pytest.raises(MMFakeError, match='Is a directory'):
        Journal(tmp_path / 'out', RUN, films)
