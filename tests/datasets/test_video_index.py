from dataclasses import replace

import pytest

from mmfake.datasets.index import COLUMNS, read_index, select_videos
from mmfake.datasets.protocol import STATUSES
from mmfake.errors import MMFakeError

FOUR = ('original', 'df', 'f2f', 'fs', 'nt')


@pytest.fixture
def index(small_tree):
    """Write an index whose rows were changed by a function."""

    def write(change=lambda rows: None, **kwargs):
        rows = list(small_tree.rows())
        change(rows)
        return str(small_tree.root / small_tree.write_index(rows, **kwargs))

    return write


def test_index_says_the_same_as_the_tree_whatever_the_order_of_rows(index, small_tree):
    from mmfake.datasets.ffpp_tree import read_tree

    path = index(lambda rows: rows.reverse())
    chosen = select_videos(read_index(path), 'train', FOUR, 'c23', path)
    pairs = [('000', '001'), ('002', '003'), ('004', '005')]
    tree = read_tree(str(small_tree.root), pairs, 'train', FOUR, 'c23')
    assert chosen == [replace(record, frames=40, fps=25.0) for record in tree]


def test_unused_rows_keep_their_reason(index):
    def change(rows):
        rows[0].update(status='failed', reason='no face found', path='', frames='', fps='')
        rows[1].update(status='too-short')

    records = read_index(index(change))
    assert records[0].unavailable == 'no face found'
    assert records[1].unavailable == 'too-short'
    assert records[2].unavailable is None


def test_every_status_of_data_preparation_is_known_and_only_used_is_used(index, log):
    def change(rows):
        for row, status in zip(rows, STATUSES):
            row.update(status=status, reason=f'about {status}')

    records = read_index(index(change))[: len(STATUSES)]
    assert [r.status for r in records] == list(STATUSES)
    assert [r.unavailable for r in records] == [None, *(f'about {s}' for s in STATUSES[1:])]
    assert not log


def test_own_status_is_read_as_not_used_with_a_warning(index, log):
    def change(rows):
        rows[0].update(status='Used')
        rows[1].update(status='watermarked')
        rows[2].update(status='watermarked')

    path = index(change)
    records = read_index(path)
    assert [r.unavailable for r in records[:4]] == ['Used', 'watermarked', 'watermarked', None]
    (line,) = log
    assert line.startswith(f"index {path}: unknown status 'Used' x 1, 'watermarked' x 2: only")


def test_further_columns_are_ignored(small_tree):
    rows = [dict(row, detector='x', frames='') for row in small_tree.rows()]
    header = ['detector', *COLUMNS, 'source_hash']
    path = small_tree.root / small_tree.write_index(rows, header=header)
    assert len(read_index(str(path))) == len(rows)


def test_length_and_rate_are_read_and_may_be_unknown(index):
    def change(rows):
        rows[0].update(frames='96', fps='29.97')
        rows[1].update(frames='96.0', fps=' 25 ')
        rows[2].update(frames='', fps='')
        rows[3].update(status='decode-failed', frames='0')

    records = read_index(index(change))
    clocks = [(record.frames, record.fps) for record in records[:4]]
    assert clocks == [(96, 29.97), (96, 25.0), (None, None), (0, 25.0)]
    assert isinstance(records[1].frames, int)


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
    ],
)
def test_wrong_length_or_rate_is_one_line(index, row, message):
    path = index(lambda rows: rows[1].update(row))
    with pytest.raises(MMFakeError, match=message) as caught:
        read_index(path)
    assert '\n' not in str(caught.value)


def test_c0_and_an_original_naming_itself_as_source_are_understood(small_tree, index):
    def change(rows):
        for row in rows:
            row.update(id=row['id'].replace('c23', 'c0'), compression='c0')
        rows[0].update(source=rows[0]['target'])

    records = read_index(index(change))
    assert records[0].video_id == 'ffpp/original/raw/000'
    assert records[0].source == ''


def test_methods_that_are_not_wanted_are_left_out_and_absent_ones_named(index):
    path = index(
        lambda rows: rows.__setitem__(slice(None), [r for r in rows if r['method'] != 'nt'])
    )
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
        (dict(id='033'), "line 3: id '033' is not dataset/method/compression/stem"),
        (dict(id='ffpp/df//000_001'), 'line 3: id'),
        (dict(method='f2f'), "says otherwise than method 'f2f' and compression 'c23'"),
        (dict(compression='c40'), "says otherwise than method 'df' and compression 'c40'"),
        (dict(split='dev'), "line 3: split 'dev' is none of train, val, test"),
        (dict(source=''), "target '000' and source '' do not fit method 'df'"),
        (dict(target=''), "target '' and source '001' do not fit"),
        (dict(status=''), "line 3: status is ''"),
        (dict(path=''), "status is 'used' and path ''"),
        (dict(id='ffpp/xx/c23/000_001', method='xx'), "line 3: unknown manipulation 'xx'"),
        (dict(id='ffpp/df/c24/000_001', compression='c24'), "line 3: unknown compression 'c24'"),
        (dict(split='test'), '1 videos show a person of another split: ffpp/df/c23/000_001 in'),
        (dict(source='008'), 'in train with ffpp/008 in test'),
        (
            dict(id='ffpp/f2f/c23/000_001', method='f2f'),
            '1 ids have two rows: ffpp/f2f/c23/000_001',
        ),
    ],
)
def test_wrong_row_is_one_line_that_names_it(index, row, message):
    path = index(lambda rows: rows[1].update(row))
    with pytest.raises(MMFakeError, match=message) as caught:
        read_index(path)
    assert '\n' not in str(caught.value)
    assert path in str(caught.value)


@pytest.mark.parametrize('change', [dict(source='001'), dict(source='?'), dict(target='?')])
def test_original_knows_itself_and_has_no_source(index, change):
    with pytest.raises(MMFakeError, match="do not fit method 'original'"):
        read_index(index(lambda rows: rows[0].update(change)))


def test_fake_of_unknown_people_is_in_nobodys_way(index):
    def change(rows):
        for row in rows:
            if row['method'] == 'df':  # in all three splits
                row.update(target='?', source='?')

    assert [record.ids for record in read_index(index(change)) if record.method == 'df'] == [
        ()
    ] * 10


@pytest.mark.parametrize('dataset', ['celebdf2', 'dfdc', 'dfdc_preview', 'deeperforensics'])
def test_official_lists_that_share_people_between_splits_are_taken_as_they_are(index, dataset):
    def change(rows, name=dataset):
        for row in rows:
            row.update(id=row['id'].replace('ffpp', name))
        rows[0].update(split='test')

    assert len(read_index(index(change))) == 50
    with pytest.raises(MMFakeError, match='8 videos show a person of another split'):
        read_index(index(lambda rows: change(rows, 'my_own_data')))


def test_person_torn_between_splits_names_five_of_many(index):
    def change(rows):
        rows[0].update(split='test')  # original 000; its fakes, and those it drives, stay in train

    with pytest.raises(MMFakeError) as caught:
        read_index(index(change))
    # 000_001 and 001_000 by four methods, plus the original 001 which only its fakes tie to 000
    assert '8 videos show a person of another split' in str(caught.value)
    assert str(caught.value).endswith('and 3 more')


def test_missing_columns_are_named(index):
    header = ['id', 'path', 'method', 'compression', 'target', 'source', 'split']
    with pytest.raises(MMFakeError, match='lacks the columns frames, fps, status, reason'):
        read_index(index(header=header))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (b'', 'lacks the columns id, path, method, compression, target and 6 more'),
        (b'\xff\xfe\x00\x01', 'cannot be read as CSV'),
        (b'id,path,method,compression,target,source,split,frames,fps,status,reason\n', 'no video'),
        (
            b'id,path,method,compression,target,source,split,frames,fps,status,reason\na,b\n',
            'line 2: the row has not as many fields',
        ),
    ],
)
def test_file_that_is_no_index_is_one_line(tmp_path, text, message):
    path = tmp_path / 'index.csv'
    path.write_bytes(text)
    with pytest.raises(MMFakeError, match=message):
        read_index(str(path))


def test_missing_index_says_what_to_do(tmp_path):
    with pytest.raises(MMFakeError, match=r'index .*no.csv \(ann_file\) not found: make it'):
        read_index(str(tmp_path / 'no.csv'))
