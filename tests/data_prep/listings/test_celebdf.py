"""The lists of Celeb-DF v2 and Celeb-DF++, and what is said of one that is wrong."""

from __future__ import annotations

import re

import pytest

from data_prep.listings.celebdf2 import list_celebdf2, list_celebdfpp
from mmfake.errors import MMFakeError
from tests.data_prep.listings.conftest import facts

# ---- Celeb-DF v2


def test_celebdf_folders_labels_splits_and_people(celeb):
    (celeb / 'YouTube-real' / '00170.mp4').unlink()  # what is listed stays listed
    records = list_celebdf2(str(celeb), [])
    assert facts(records) == [
        ('id0_0000', 'original', 'train', 'id0_0000', ''),
        ('id0_0001', 'original', 'train', 'id0_0001', ''),
        ('id1_0000', 'original', 'test', 'id1_0000', ''),
        ('00000', 'original', 'train', '00000', ''),
        ('00170', 'original', 'test', '00170', ''),
        ('id0_id1_0000', 'cdf', 'train', 'id0_0000', 'id1'),
        ('id0_id1_0001', 'cdf', 'train', 'id0_0001', 'id1'),
        ('id1_id0_0000', 'cdf', 'test', 'id1_0000', 'id0'),
    ]
    files = {str(path) for path in celeb.glob('*/*.mp4')}
    assert {r.filename for r in records} - files == {str(celeb / 'YouTube-real' / '00170.mp4')}
    assert records[6].video_id == 'celebdf2/cdf/released/id0_id1_0001'


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('0 YouTube-real/00000.mp4', 'contradicts itself: flag 1 means real'),
        ('1 Celeb-synthesis/id0_id1_0000.mp4', 'contradicts itself: flag 1 means real'),
        ('1 Youtube-real/00000.mp4', "folder 'Youtube-real' is none of Celeb-real, YouTube-real"),
        ('2 YouTube-real/00000.mp4', 'is not "<flag> <folder>/<file>"'),
        ('1 00000.mp4', 'is not "<flag> <folder>/<file>"'),
        ('1 YouTube-real/0.mp4', "'0.mp4' is no name of a video in YouTube-real"),
        ('1 YouTube-real/../x/00000.mp4', 'is no name of a video in YouTube-real'),
    ],
)
def test_celebdf_wrong_line_is_noted_and_the_others_count(celeb, line, message):
    before, faults = list_celebdf2(str(celeb), []), []
    path = celeb / 'List_of_testing_videos.txt'
    path.write_text(path.read_text() + f'\n{line}\n')
    after = list_celebdf2(str(celeb), faults)
    (fault,) = faults
    assert fault.startswith(f'list {path}')
    assert re.search(message, fault)
    # a video whose flag is wrong may be anything: it is in no split
    doubtful = line.split('/')[-1][:-4] if 'contradicts' in message else ''
    assert after == [record for record in before if record.stem != doubtful]
    assert len(before) - len(after) == bool(doubtful)


def test_celebdf_list_with_bom_and_a_line_twice(celeb):
    before, faults = list_celebdf2(str(celeb), []), []
    path = celeb / 'List_of_testing_videos.txt'
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes() * 2)
    assert list_celebdf2(str(celeb), faults) == before
    assert faults == []


def test_celebdf_without_a_folder_or_its_list(celeb):
    (celeb / 'List_of_testing_videos.txt').unlink()
    with pytest.raises(MMFakeError, match=r'List_of_testing_videos\.txt not found: copy it'):
        list_celebdf2(str(celeb), [])
    (celeb / 'YouTube-real').rename(celeb / 'Youtube-real')
    with pytest.raises(MMFakeError, match='no folder .*YouTube-real of.*there is .*Youtube-real'):
        list_celebdf2(str(celeb), [])


# ---- Celeb-DF++


def test_celebdf_plus_tells_generators_apart(celeb_plus):
    lost = celeb_plus / 'Celeb-synthesis/FaceSwap/SimSwap/id0_id1_0000.mp4'
    lost.unlink()  # what is listed stays listed
    records = list_celebdfpp(str(celeb_plus), [])
    assert facts(records) == [
        ('id0_0000', 'original', 'train', 'id0_0000', ''),
        ('id1_0000', 'original', 'test', 'id1_0000', ''),
        ('00170', 'original', 'test', '00170', ''),
        ('LIA-id0_id1_0000', 'cdfpp', 'train', '?', '?'),
        ('LIA-id1_id0_0000', 'cdfpp', 'test', '?', '?'),
        ('Celeb-DF-v2-id0_id1_0000', 'cdfpp', 'train', 'id0_0000', 'id1'),
        ('Celeb-DF-v2-id1_id0_0000', 'cdfpp', 'train', 'id1_0000', 'id0'),
        ('SimSwap-id0_id1_0000', 'cdfpp', 'test', 'id0_0000', 'id1'),
        ('FLOAT-id0_0000_x', 'cdfpp', 'train', '?', '?'),
    ]
    assert records[7].filename == str(lost)
    assert records[7].video_id == 'celebdfpp/cdfpp/released/SimSwap-id0_id1_0000'
    assert len({record.video_id for record in records}) == 9


def test_celebdf_plus_lists_a_generator_that_is_not_there(celeb_plus):
    path = celeb_plus / 'List_of_testing_videos.txt'
    path.write_text('0 Celeb-synthesis/TalkingFace/EDTalk/id0_0001.mp4\n')
    (record,) = [r for r in list_celebdfpp(str(celeb_plus), []) if r.split == 'test']
    assert record.stem == 'EDTalk-id0_0001'
    assert record.filename == str(celeb_plus / 'Celeb-synthesis/TalkingFace/EDTalk/id0_0001.mp4')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('1 Celeb-synthesis/FaceSwap/SimSwap/id0_id1_0000.mp4', 'contradicts itself: flag 1'),
        ('0 Celeb-synthesis/FaceSwap/id0_id1_0000.mp4', 'is not "<flag> <folder>/<file>"'),
        ('0 Celeb-synthesis/Lips/X/a.mp4', "folder 'Celeb-synthesis/Lips/X' is none of Celeb-real"),
        ('0 Celeb-synthesis/FaceSwap/X/Y/a.mp4', "'Y/a.mp4' is no name of a video"),
    ],
)
def test_celebdf_plus_wrong_line_is_noted(celeb_plus, line, message):
    path, faults = celeb_plus / 'List_of_testing_videos.txt', []
    path.write_text(path.read_text() + f'{line}\n')
    records = list_celebdfpp(str(celeb_plus), faults)
    (fault,) = faults
    assert re.search(message, fault)
    assert len(records) == (8 if 'contradicts' in message else 9)


def test_each_celebdf_is_refused_as_the_other(celeb, celeb_plus):
    with pytest.raises(MMFakeError, match='holds folders of generators, which Celeb-DF v2 has not'):
        list_celebdf2(str(celeb_plus), [])
    with pytest.raises(MMFakeError, match='has no folder of a generator'):
        list_celebdfpp(str(celeb), [])
