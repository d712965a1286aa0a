import pytest

from data_prep.listings.deeperforensics import list_deeperforensics
from mmfake.errors import MMFakeError


def by_split(records):
    splits = {}
    for record in records:
        splits.setdefault(record.split, []).append(record.stem)
    return splits


def test_fakes_follow_their_lists_and_each_original_its_fake(deeper, ffpp_originals):
    records = list_deeperforensics(str(deeper), str(ffpp_originals))
    assert by_split(records) == dict(
        train=['000', '000_M004', '002', '002_W101', '006', '006_M004'],
        val=['001', '001_M005', '005', '005_W102'],
        test=['003', '003_M006', '004', '004_W103', '007', '007_M006'],
    )
    original, fake = records[:2]
    assert original.video_id == 'deeperforensics/original/released/000'
    assert original.filename == str(
        ffpp_originals / 'original_sequences' / 'youtube' / 'c23' / 'videos' / '000.mp4'
    )
    assert fake.video_id == 'deeperforensics/dfo/released/000_M004'
    assert (fake.target, fake.source) == ('000', 'M004')
    assert fake.filename == str(deeper / 'manipulated_videos' / 'end_to_end' / '000_M004.mp4')


def test_own_splits_come_with_a_warning_and_those_of_ffpp_without(deeper, ffpp_originals, log):
    arguments = (str(deeper), str(ffpp_originals))
    list_deeperforensics(*arguments)
    (line,) = log
    assert 'set splits_dir to the split files of FF++' in line
    records = list_deeperforensics(*arguments, splits_dir=str(ffpp_originals / 'splits'))
    assert len(log) == 1
    assert by_split(records) == dict(
        train=['000', '000_M004', '001', '001_M005', '002', '002_W101', '003', '003_M006'],
        val=['004', '004_W103', '005', '005_W102'],
        test=['006', '006_M004', '007', '007_M006'],
    )


def test_another_condition_and_two_fakes_of_one_target(deeper, ffpp_originals):
    path = deeper / 'lists' / 'splits' / 'test.txt'
    path.write_text('003_M006.mp4\n003_M007\n')
    records = list_deeperforensics(str(deeper), str(ffpp_originals), 'end_to_end_level_5')
    test = [record for record in records if record.split == 'test']
    assert [record.stem for record in test] == ['003', '003_M006', '003_M007']
    assert test[2].filename.endswith('/end_to_end_level_5/003_M007.mp4')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('003.mp4', "'003.mp4' is no name of a fake such as"),
        ('end_to_end/003_M006.mp4', 'is no name of a fake'),
        ('003_006.mp4', 'is no name of a fake'),
        ('003_M006.mp4', '003_M006.mp4 is listed twice'),
        ('003_M006', '003_M006 is listed twice'),
        ('000_M006.mp4', 'target 000 is in train.txt as well'),
    ],
)
def test_wrong_line_is_named(deeper, ffpp_originals, line, message):
    path = deeper / 'lists' / 'splits' / 'test.txt'
    path.write_text(path.read_text() + line)
    with pytest.raises(MMFakeError, match=message) as caught:
        list_deeperforensics(str(deeper), str(ffpp_originals))
    assert f'list {path}, line 4' in str(caught.value)


def test_what_is_missing_is_named(deeper, ffpp_originals, tmp_path):
    with pytest.raises(MMFakeError, match='say in ffpp_root where they are'):
        list_deeperforensics(str(deeper))
    with pytest.raises(MMFakeError, match='no folder .*youtube/c23/videos for Original'):
        list_deeperforensics(str(deeper), str(tmp_path))
    with pytest.raises(MMFakeError, match='there is end_to_end, end_to_end_level_5.*another cond'):
        list_deeperforensics(str(deeper), str(ffpp_originals), 'end-to-end')
    (deeper / 'lists' / 'splits' / 'val.txt').unlink()
    with pytest.raises(MMFakeError, match=r'splits/val.txt not found'):
        list_deeperforensics(str(deeper), str(ffpp_originals))
