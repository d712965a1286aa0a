import json

import pytest

from mmfake.evaluation.sidecar import known_threshold, read_sidecar, threshold_text, write_scores


def test_a_sidecar_of_other_scores_is_none(make_frame, tmp_path):
    path = tmp_path / 'scores.csv'
    assert write_scores(make_frame([[0.1], [0.8]]), path, dict(threshold=0.3)) == ''
    assert known_threshold(read_sidecar(path)) == (0.3, 'chosen on validation')
    path.write_text(path.read_text().replace('0.8', '0.9'))
    assert read_sidecar(path) == {}
    for text in ('{', '[]', '{"threshold": 0.3}'):
        (tmp_path / 'scores.json').write_text(text)
        assert read_sidecar(path) == {}
    (tmp_path / 'scores.json').unlink()
    assert read_sidecar(path) == {}


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
