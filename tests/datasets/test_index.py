from dataclasses import replace
from pathlib import Path

import pytest

from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.ffpp_tree import read_tree
from mmfake.datasets.index import COLUMNS, read_index, select_videos
from mmfake.datasets.protocol import STATUSES
from mmfake.errors import MMFakeError

METHODS = ('original', 'df', 'f2f', 'fs', 'nt')


@pytest.fixture
def index(small_tree):
    """Write an index whose rows were changed: ``index({1: dict(split='test')})``."""

    def write(changes=None, rows=None, **kwargs):
        rows = list(small_tree.rows()) if rows is None else rows
        for number, change in (changes or {}).items():
            rows[number].update(change)
        return str(small_tree.root / small_tree.write_index(rows, **kwargs))

    return write


def refused(path, message):
    """Check that an index is refused in one line, and give the line."""
    with pytest.raises(MMFakeError, match=message) as caught:
        read_index(path)
    assert '\n' not in str(caught.value)
    assert path in str(caught.value)
    return str(caught.value)


def test_index_says_the_same_as_the_tree_whatever_the_order_of_rows(index, small_tree):
    path = index(rows=list(small_tree.rows())[::-1])
    chosen = select_videos(read_index(path), 'train', METHODS, 'c23', path)
    pairs = [('000', '001'), ('002', '003'), ('004', '005')]
    tree = read_tree(str(small_tree.root), pairs, 'train', METHODS, 'c23')
    # of an index its column says where the points are
    assert chosen == [replace(record, frames=40, fps=25.0, points='') for record in tree]


@pytest.mark.parametrize(
    ('columns', 'expected'),
    [
        (dict(detector='centerface', margin='1.67', size='400'), ('centerface', 1.67, 400)),
        (dict(detector='none', margin='1', size='400'), None),  # it was a crop before
        (dict(detector='centerface', margin='', size='400'), None),
        (dict(detector='centerface', margin='99', size='400'), None),
        (dict(detector='mtcnn', margin='1.3', size='160'), None),  # somebody else's
        (dict(size='123.5 kB'), None),
        ({}, None),
    ],
)
def test_how_the_faces_were_cut_out(columns, expected, index):
    path = Path(index())
    head, *rows = path.read_text().splitlines()
    lines = [','.join([head, *columns])] + [','.join([row, *columns.values()]) for row in rows]
    path.write_text('\n'.join(lines) + '\n')
    assert {record.crop for record in read_index(str(path))} == {expected}
    dataset = FFPPDataset([], 'train', None, str(path.parent), ann_file=path.name)
    assert dataset.metainfo['crops'] == ([expected] if expected else [])


def test_unused_rows_keep_their_reason(index):
    failed = dict(status='failed', reason='no face found', path='', frames='', fps='')
    records = read_index(index({0: failed, 1: dict(status='too-short')}))
    assert [r.unavailable for r in records[:3]] == ['no face found', 'too-short', None]


def test_every_status_of_data_preparation_is_known_and_only_used_is_used(index, log):
    rows = {n: dict(status=s, reason=f'about {s}') for n, s in enumerate(STATUSES)}
    records = read_index(index(rows))[: len(STATUSES)]
    assert [r.status for r in records] == list(STATUSES)
    assert [r.unavailable for r in records] == [None, *(f'about {s}' for s in STATUSES[1:])]
    assert not log


def test_own_status_is_read_as_not_used_with_a_warning(index, log):
    own = dict(status='watermarked')
    path = index({0: dict(status='Used'), 1: own, 2: own})
    records = read_index(path)
    assert [r.unavailable for r in records[:4]] == ['Used', 'watermarked', 'watermarked', None]
    (line,) = log
    assert line.startswith(f"index {path}: unknown status 'Used' x 1, 'watermarked' x 2: only")


def test_further_columns_are_ignored(small_tree, index):
    rows = [dict(row, detector='x', frames='') for row in small_tree.rows()]
    path = index(rows=rows, header=['detector', *COLUMNS, 'source_hash'])
    assert len(read_index(path)) == len(rows)


def test_length_and_rate_are_read_and_may_be_unknown(index):
    changes = {
        0: dict(frames='96', fps='29.97'),
        1: dict(frames='96.0', fps=' 25 '),
        2: dict(frames='', fps=''),
        3: dict(status='decode-failed', frames='0'),
    }
    records = read_index(index(changes))
    clocks = [(record.frames, record.fps) for record in records[:4]]
    assert clocks == [(96, 29.97), (96, 25.0), (None, None), (0, 25.0)]
    assert isinstance(records[1].frames, int)


def test_c0_and_an_original_naming_itself_as_source_are_understood(small_tree, index):
    rows = [
        dict(row, id=row['id'].replace('c23', 'c0'), compression='c0') for row in small_tree.rows()
    ]
    records = read_index(index({0: dict(source=rows[0]['target'])}, rows))
    assert records[0].video_id == 'ffpp/original/raw/000'
    assert records[0].source == ''


def test_methods_that_are_not_wanted_are_left_out_and_absent_ones_named(small_tree, index):
    path = index(rows=[row for row in small_tree.rows() if row['method'] != 'nt'])
    records = read_index(path)
    chosen = select_videos(records, 'val', ('original', 'df'), 'c23', path)
    assert [record.stem for record in chosen] == ['006', '006_007', '007', '007_006']
    with pytest.raises(MMFakeError, match=rf'{path} has no nt video of compression c23 .*val'):
        select_videos(records, 'val', ('original', 'nt'), 'c23', path)
    held = r"in split 'val'.*\(there is df c23, f2f c23, fs c23, original c23\)"
    with pytest.raises(MMFakeError, match=f'no original, df video of compression c40 {held}'):
        select_videos(records, 'val', ('original', 'df'), 'c40', path)


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        (dict(frames='many'), "line 3: frames 'many' is no whole number above 0"),
        (dict(frames='96.5'), "line 3: frames '96.5' is no whole number"),
        (dict(frames='0'), "line 3: frames '0' is no whole number above 0"),
        (dict(frames='inf'), "line 3: frames 'inf' is no whole number"),
        (dict(frames='-1', status='too-short'), "line 3: frames '-1' is no whole number: "),
        (dict(fps='0'), "line 3: fps '0' is no number above 0: correct it, or leave it empty"),
        (dict(fps='-25'), "line 3: fps '-25' is no number above 0"),
        (dict(fps='25/1'), "line 3: fps '25/1' is no number above 0"),
        (dict(fps='nan'), "line 3: fps 'nan' is no number above 0"),
        (dict(fps='inf', status='no-face'), "line 3: fps 'inf' is no number above 0"),
        (dict(id='033'), "line 3: id '033' is not dataset/method/compression/stem"),
        (dict(id='ffpp/df//000_001'), 'line 3: id'),
        (dict(method='f2f'), "says otherwise than method 'f2f' and compression 'c23'"),
        (dict(compression='c40'), "says otherwise than method 'df' and compression 'c40'"),
        (dict(split='dev'), "line 3: split 'dev' is none of train, val, test"),
        (dict(source=''), "target '000' and source '' do not fit method 'df'"),
        (dict(target=''), "target '' and source '001' do not fit"),
        (dict(status=''), "line 3: status is ''"),
        (dict(path=''), "status is 'used' and path ''"),
        (dict(id='ffpp/Xx/c23/000_001', method='Xx'), "line 3: unknown manipulation 'Xx'"),
        (dict(id='ffpp/df/c24/000_001', compression='c24'), "line 3: unknown compression 'c24'"),
        (dict(split='test'), '1 videos show a person of another split: ffpp/df/c23/000_001 in'),
        (dict(source='008'), 'in train with ffpp/008 in test'),
        (dict(id='ffpp/f2f/c23/000_001', method='f2f'), '1 ids have two rows: ffpp/f2f/c23/000_00'),
    ],
)
def test_wrong_row_is_one_line_that_names_it(index, row, message):
    refused(index({1: row}), message)


def test_two_videos_of_one_clip_are_refused(index, small_tree):
    paths = [row['path'] for row in small_tree.rows()]
    told = refused(index({6: dict(path=paths[1]), 11: dict(path=paths[1])}), '1 clips are named by')
    assert paths[1] in told
    unused = dict(path='', status='no-face', reason='why')  # any number of them has none
    assert read_index(index({6: unused, 11: unused}))


def test_a_path_that_names_another_method_is_refused(index):
    """The paths of an original and its fake were exchanged."""
    path = index({0: dict(path='clips/f2f/c23/000_001.mp4')})
    refused(path, "'clips/f2f/c23/000_001.mp4' is a clip of 'f2f', and the row is of method")


@pytest.mark.parametrize('change', [dict(source='001'), dict(source='?'), dict(target='?')])
def test_original_knows_itself_and_has_no_source(index, change):
    refused(index({0: change}), "do not fit method 'original'")


def test_fake_of_unknown_people_is_in_nobodys_way(small_tree, index):
    unknown = dict(target='?', source='?')  # of df, in all three splits
    rows = [dict(r, **unknown) if r['method'] == 'df' else r for r in small_tree.rows()]
    ids = [record.ids for record in read_index(index(rows=rows)) if record.method == 'df']
    assert ids == [()] * 10


@pytest.mark.parametrize('dataset', ['celebdf2', 'dfdc', 'dfdc_preview', 'deeperforensics'])
def test_official_lists_that_share_people_between_splits_are_taken_as_they_are(
    small_tree, index, dataset
):
    def write(name):
        rows = [dict(row, id=row['id'].replace('ffpp', name)) for row in small_tree.rows()]
        return index({0: dict(split='test')}, rows)

    assert len(read_index(write(dataset))) == 50
    refused(write('my_own_data'), '8 videos show a person of another split')


def test_person_torn_between_splits_names_five_of_many(index):
    # original 000 moves to test; its fakes, and those it drives, stay in train: 000_001 and
    # 001_000 by four methods; the original 001 is tied to 000 by its fakes only
    path = index({0: dict(split='test')})
    line = refused(path, '8 videos show a person of another split')
    assert line.endswith('and 3 more')


HEADER = ','.join(COLUMNS).encode()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (b'', 'lacks the columns id, path, method, compression, target and 6 more'),
        (HEADER.replace(b',', b';'), 'and 6 more: .*; save it with commas between them'),
        (HEADER[: HEADER.index(b',frames')], 'lacks the columns frames, fps, status, reason'),
        (b'\xff\xfe\x00\x01', 'cannot be read as CSV'),
        (HEADER + b'\n', 'no video'),
        (HEADER + b'\na,b\n', 'line 2: the row has not as many fields'),
    ],
)
def test_file_that_is_no_index_is_one_line(tmp_path, text, message):
    path = tmp_path / 'index.csv'
    path.write_bytes(text)
    refused(str(path), message)


def test_missing_index_says_what_to_do(tmp_path):
    refused(str(tmp_path / 'no.csv'), r'index .*no.csv \(ann_file\) not found: make it')
