import csv
import json
import math

import pandas as pd
import pytest

from mmfake.errors import MMFakeError
from mmfake.evaluation.scores import SampleScore, score_videos
from mmfake.evaluation.scores_file import (
    known_threshold,
    read_scores_file,
    read_sidecar,
    threshold_text,
    write_scores,
    write_scores_file,
)

HEADER = 'video,method,label,score,clips,status,reason'
GOOD = 'ffpp/df/c23/1_2,df,1,0.5,4,scored,'


@pytest.fixture
def frame():
    samples = [
        SampleScore('b', 'df', 1, 0.1 + 0.2, 4),  # 0.30000000000000004
        SampleScore('a', 'original', 0, 1 / 3, 2),
        SampleScore('NA', 'nt', 1, 5e-324, 1),  # a name that pandas alone would read as missing
        SampleScore('d', 'nt', 1, math.nan, 0, None, 'bad header, "quoted"'),
    ]
    return score_videos(samples)


def test_round_trip_is_exact(frame, tmp_path):
    path = tmp_path / 'deep' / 'er' / 'scores.csv'
    write_scores_file(frame, path)
    write_scores_file(frame, path)  # a second run replaces the file
    pd.testing.assert_frame_equal(read_scores_file(path), frame, check_exact=True)
    assert [found.name for found in path.parent.iterdir()] == ['scores.csv']


def test_text_of_the_file(frame, tmp_path):
    write_scores_file(frame, tmp_path / 'scores.csv')
    with open(tmp_path / 'scores.csv', newline='') as stream:
        rows = list(csv.reader(stream))
    assert ','.join(rows[0]) == HEADER
    assert rows[3] == ['b', 'df', '1', '0.30000000000000004', '4', 'scored', '']
    assert rows[4] == ['d', 'nt', '1', '', '0', 'not-scored', 'bad header, "quoted"']


def test_a_reader_of_the_old_file_is_not_disturbed(frame, tmp_path):
    path = tmp_path / 'scores.csv'
    path.write_text('old')
    with open(path) as stream:
        write_scores_file(frame, path)
        assert stream.read() == 'old'
    assert path.read_text().startswith(HEADER)


def test_empty_file_of_scores(tmp_path):
    write_scores_file(score_videos([]), tmp_path / 'scores.csv')
    assert len(read_scores_file(tmp_path / 'scores.csv')) == 0


def test_failed_write_leaves_the_old_file(frame, tmp_path, monkeypatch):
    path = tmp_path / 'scores.csv'
    path.write_text('old')

    def full_disk(self, target, **kwargs):
        target.write_text('half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(pd.DataFrame, 'to_csv', full_disk)
    with pytest.raises(MMFakeError, match=r'scores\.csv: the scores cannot .*No space left'):
        write_scores_file(frame, path)
    assert [found.name for found in tmp_path.iterdir()] == ['scores.csv']
    assert path.read_text() == 'old'


def test_unwritable_place(frame, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(MMFakeError, match='the scores cannot be written'):
        write_scores_file(frame, tmp_path / 'file' / 'scores.csv')


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        ([], ':1: no column video, method'),
        (['video,method,label,score'], ':1: no column clips, status, reason; expected video,'),
        ([HEADER, GOOD, 'x,df,1,0.5'], ':3: wrong number of fields'),
        ([HEADER, GOOD + ',more'], ':2: wrong number of fields'),
        ([HEADER, 'x,df,1,high,4,scored,'], ":2: score is 'high' for video 'x'; expected a number"),
        ([HEADER, 'x,df,1,1.5,4,scored,'], ":2: score is '1.5'"),
        ([HEADER, 'x,df,1,nan,4,scored,'], ":2: score is 'nan'"),
        ([HEADER, 'x,df,1,,4,scored,'], ":2: score is ''"),
        ([HEADER, 'x,df,1,0.5,0,not-scored,gone'], ":2: score is '0.5' .*nothing"),
        ([HEADER, 'x,df,2,0.5,4,scored,'], ":2: label is '2'"),
        ([HEADER, 'x,df,0,0.5,4,scored,'], ":2: label is '0' .* expected 1, since the method is"),
        ([HEADER, 'x,original,1,0.5,4,scored,'], ":2: label is '1' .* expected 0, since the"),
        ([f'{HEADER},score', f'{GOOD},0.1'], ':1: column score is there twice; keep one of them'),
        ([HEADER, 'x,df,1,0.5,many,scored,'], ":2: clips is 'many'"),
        ([HEADER, 'x,df,1,0.5,4,done,'], ":2: status is 'done' .*'scored' or 'not-scored'"),
        ([HEADER, ',df,1,0.5,4,scored,'], ':2: video is empty'),
        ([HEADER, GOOD, '', GOOD], ":4: video 'ffpp/df/c23/1_2' was already in line 2"),
        ([HEADER, 'x,df,1,0.5,4,scored,"open'], 'not a readable file of scores'),
    ],
)
def test_bad_file_names_file_and_line(lines, message, tmp_path):
    path = tmp_path / 'scores.csv'
    path.write_text('\n'.join(lines))
    with pytest.raises(MMFakeError, match=message) as caught:
        read_scores_file(path)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_missing_or_binary_file(tmp_path):
    with pytest.raises(MMFakeError, match='No such file'):
        read_scores_file(tmp_path / 'none.csv')
    (tmp_path / 'scores.csv').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(MMFakeError, match='not a readable file of scores'):
        read_scores_file(tmp_path / 'scores.csv')


# sidecar


def test_a_sidecar_of_other_scores_is_none(make_frame, tmp_path):
    path = tmp_path / 'scores.csv'
    assert write_scores(make_frame([[0.1], [0.8]]), path, dict(threshold=0.3)) == ''
    facts, line = read_sidecar(path)
    assert (known_threshold(facts), line) == ((0.3, 'chosen on validation'), '')
    path.write_text(path.read_text().replace('0.8', '0.9'))
    facts, line = read_sidecar(path)
    assert facts == {}
    assert line.startswith('scores.json beside scores.csv is of other scores, so that nothing')
    for text in ('{', '[]', '{"threshold": 0.3}'):
        (tmp_path / 'scores.json').write_text(text)
        assert read_sidecar(path) == ({}, '')
    (tmp_path / 'scores.json').unlink()
    assert read_sidecar(path) == ({}, '')


def test_a_file_of_the_user_is_not_replaced(make_frame, tmp_path):
    (tmp_path / 'a.json').write_text('{"mine": 1}')
    (tmp_path / 'a.csv').write_text('my table')
    told = write_scores(make_frame([[0.1], [0.8]]), tmp_path / 'a.csv', {})
    assert json.loads((tmp_path / 'a.json').read_text()) == dict(mine=1)
    (kept,) = tmp_path.glob('a-*.csv')
    assert kept.read_text() == 'my table'
    assert told.endswith(f'was no file of scores; what was there is kept as {kept.name}')


@pytest.mark.parametrize('value', [None, True, 'x', -0.1, float('nan')])
def test_what_is_no_threshold(value):
    assert known_threshold(dict(threshold=value)) == (None, '')


def test_a_threshold_says_where_it_is_from():
    given = known_threshold(dict(threshold=0.25, threshold_from='given'))
    assert threshold_text(*given) == '0.25, given to the test'
    assert threshold_text(None, '') == '0.5, as none is known from validation'
