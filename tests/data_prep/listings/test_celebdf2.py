import pytest

from data_prep.listings.celebdf2 import list_celebdf2
from mmfake.errors import MMFakeError


def of(records):
    return {record.stem: record for record in records}


def test_folders_labels_and_splits(celeb):
    records = list_celebdf2(str(celeb))
    assert [(r.stem, r.label_bin, r.split) for r in records] == [
        ('id0_0000', 0, 'train'),
        ('id0_0001', 0, 'train'),
        ('id1_0000', 0, 'test'),
        ('00000', 0, 'train'),
        ('00170', 0, 'test'),
        ('id0_id1_0000', 1, 'train'),
        ('id0_id1_0001', 1, 'train'),
        ('id1_id0_0000', 1, 'test'),
    ]
    assert {r.filename for r in records} == {str(path) for path in celeb.glob('*/*.mp4')}


def test_fake_names_the_original_it_was_made_from_and_whose_face_it_shows(celeb):
    records = of(list_celebdf2(str(celeb)))
    fake = records['id0_id1_0001']
    assert (fake.target, fake.source) == ('id0_0001', 'id1')
    assert fake.video_id == 'celebdf2/cdf/released/id0_id1_0001'
    assert fake.target in records
    original = records['id0_0001']
    assert (original.target, original.source) == ('id0_0001', '')
    assert original.video_id == 'celebdf2/original/released/id0_0001'


def test_listed_video_whose_file_is_gone_stays_listed(celeb):
    (celeb / 'YouTube-real' / '00170.mp4').unlink()
    assert of(list_celebdf2(str(celeb)))['00170'].split == 'test'


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('0 YouTube-real/00000.mp4', 'contradicts itself: flag 1 means real'),
        ('1 Celeb-synthesis/id0_id1_0000.mp4', 'contradicts itself: flag 1 means real'),
        ('1 Youtube-real/00000.mp4', "folder 'Youtube-real' is none of Celeb-real, YouTube-real"),
        ('2 YouTube-real/00000.mp4', 'is not "<flag> <folder>/<file>"'),
        ('YouTube-real/00000.mp4', 'is not "<flag> <folder>/<file>"'),
        ('1 00000.mp4', 'is not "<flag> <folder>/<file>"'),
        ('1 YouTube-real/0.mp4', "'0.mp4' is no name of a video in YouTube-real"),
        ('1 YouTube-real/../x/00000.mp4', 'is no name of a video in YouTube-real'),
        ('1 YouTube-real/00170.mp4', 'YouTube-real/00170.mp4 is listed twice'),
    ],
)
def test_wrong_line_is_named(celeb, line, message):
    path = celeb / 'List_of_testing_videos.txt'
    path.write_text(path.read_text() + f'\n{line}\n')
    with pytest.raises(MMFakeError, match=message) as caught:
        list_celebdf2(str(celeb))
    assert str(caught.value).startswith(f'list {path}, line 5: ')
    assert '\n' not in str(caught.value)


def test_misspelt_folder_is_named_with_what_is_there(celeb):
    (celeb / 'YouTube-real').rename(celeb / 'Youtube-real')
    with pytest.raises(MMFakeError, match='no folder .*YouTube-real of.*there is .*Youtube-real'):
        list_celebdf2(str(celeb))


def test_missing_list_is_named(celeb):
    (celeb / 'List_of_testing_videos.txt').unlink()
    with pytest.raises(MMFakeError, match=r'List_of_testing_videos\.txt not found: copy it'):
        list_celebdf2(str(celeb))
