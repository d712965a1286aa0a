import pytest

from data_prep.listings.ffpp import list_faceshifter, list_ffpp
from mmfake.errors import MMFakeError


def test_every_video_of_the_tree_in_its_split(small_tree):
    records = list_ffpp(str(small_tree.root))
    rows = {row['id']: row for row in small_tree.rows()}
    assert {record.video_id for record in records} == set(rows)
    for record in records:
        row = rows[record.video_id]
        assert record.filename == str(small_tree.root / row['path'])
        assert (record.split, record.target) == (row['split'], row['target'])
        assert record.source == row['source']


def test_chosen_methods_compression_and_split_files(make_tree, tmp_path):
    tree = make_tree(methods=('df', 'nt'), compression='c0')
    (tree.root / 'splits').rename(tmp_path / 'elsewhere')
    records = list_ffpp(str(tree.root), str(tmp_path / 'elsewhere'), 'raw', ['nt', 'nt'])
    assert {(record.method, record.compression) for record in records} == {
        ('original', 'raw'),
        ('nt', 'raw'),
    }
    assert len(records) == 20
    assert records == list_ffpp(str(tree.root), str(tmp_path / 'elsewhere'), 'c0', 'nt')


def test_faceshifter_is_the_fifth_method_with_the_same_pairs(make_tree):
    tree = make_tree(methods=('fsh',))
    records = list_faceshifter(str(tree.root))
    assert records == list_ffpp(str(tree.root), methods=['fsh'])
    assert [record.video_id for record in records[:2]] == [
        'ffpp/original/c23/000',
        'ffpp/fsh/c23/000_001',
    ]
    with pytest.raises(MMFakeError, match="no folder .*Deepfakes.*'df' out of methods"):
        list_ffpp(str(tree.root))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(methods=['xy']), "unknown manipulation 'xy'"),
        (dict(methods=['cdf']), r"method 'cdf' \(Celeb-DF v2\) is none of FaceForensics"),
        (dict(compression='c99'), "unknown compression 'c99'"),
        (dict(compression='released'), "compression 'released' is none of FaceForensics"),
        (dict(splits_dir='nowhere'), 'split file nowhere/train.json not found'),
    ],
)
def test_wrong_argument_is_one_line(small_tree, arguments, message):
    with pytest.raises(MMFakeError, match=message) as caught:
        list_ffpp(str(small_tree.root), **arguments)
    assert '\n' not in str(caught.value)


def test_folder_that_is_no_ffpp_is_named(tmp_path):
    with pytest.raises(MMFakeError, match='is no dataset: .*original_sequences/youtube'):
        list_ffpp(str(tmp_path))
