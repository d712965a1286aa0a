import pytest

from mmfake.datasets.ffpp_tree import canonical_compression, check_root, read_tree
from mmfake.errors import MMFakeError

FOUR = ('original', 'df', 'f2f', 'fs', 'nt')


def test_one_pair_is_two_originals_and_two_fakes_per_method(small_tree):
    records = read_tree(str(small_tree.root), [('008', '009')], 'test', FOUR, 'c23')
    want = ['008', *['008_009'] * 4, '009', *['009_008'] * 4]
    assert [record.stem for record in records] == want
    assert [record.method for record in records] == [*FOUR, *FOUR]
    fake = records[6]
    assert fake.video_id == 'ffpp/df/c23/009_008'
    assert (fake.target, fake.source, fake.split) == ('009', '008', 'test')
    assert fake.filename == str(small_tree.path('df', '009_008'))
    assert records[5].source == ''


def test_folders_of_methods_not_asked_for_need_not_exist(small_tree):
    for path in small_tree.path('f2f', 'x').parent.iterdir():
        path.unlink()
    small_tree.path('f2f', 'x').parent.rmdir()
    pairs = [('000', '001')]
    assert len(read_tree(str(small_tree.root), pairs, 'train', ('original', 'df'), 'c23')) == 4
    with pytest.raises(MMFakeError, match=r"no folder .*Face2Face/c23/videos for.*'f2f' out of"):
        read_tree(str(small_tree.root), pairs, 'train', FOUR, 'c23')


def test_missing_originals_do_not_suggest_leaving_them_out(small_tree):
    with pytest.raises(MMFakeError, match='youtube/c40/videos') as caught:
        read_tree(str(small_tree.root), [('000', '001')], 'train', FOUR, 'c40')
    assert 'out of methods' not in str(caught.value)


@pytest.mark.parametrize('spelling', ['raw', 'c0'])
def test_both_spellings_of_raw_on_disk_give_the_same_identity(make_tree, spelling):
    tree = make_tree(compression=spelling)
    records = read_tree(str(tree.root), [('000', '001')], 'train', ('original',), 'raw')
    assert [record.video_id for record in records] == [
        'ffpp/original/raw/000',
        'ffpp/original/raw/001',
    ]
    assert records[0].filename == str(tree.path('original', '000'))


def test_compression_has_one_spelling():
    assert [canonical_compression(name) for name in ('raw', 'c0', 'c23', 'c40', 'released')] == [
        *('raw', 'raw'),
        *('c23', 'c40', 'released'),
    ]
    with pytest.raises(MMFakeError, match="unknown compression 'c24': choose raw"):
        canonical_compression('c24')


def test_missing_root_says_where_the_data_is_and_how_to_do_without(tmp_path):
    with pytest.raises(MMFakeError) as caught:
        check_root(str(tmp_path / 'nothing'))
    message = str(caught.value)
    for part in (
        str(tmp_path / 'nothing'),
        'github.com/ondyari/FaceForensics',
        'data_prep/prepare_ffpp.py',
        'tools/demo.sh',
    ):
        assert part in message
    assert '\n' not in message


def test_folder_with_neither_index_nor_official_folders_says_what_was_looked_for(tmp_path):
    with pytest.raises(MMFakeError, match='neither index.csv.*nor the folder original_sequences'):
        check_root(str(tmp_path))


@pytest.mark.parametrize(
    ('method', 'compression', 'message'),
    [
        ('cdf', 'c23', r"method 'cdf' \(Celeb-DF v2\) is none of FaceForensics\+\+.*index.csv"),
        ('df', 'released', "compression 'released' is none of FaceForensics.*index.csv"),
    ],
)
def test_what_ffpp_does_not_have_is_not_looked_for_in_it(small_tree, method, compression, message):
    with pytest.raises(MMFakeError, match=message):
        read_tree(str(small_tree.root), [('000', '001')], 'train', (method,), compression)
