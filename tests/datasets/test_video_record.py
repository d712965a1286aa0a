from dataclasses import replace

from mmfake.datasets.protocol import UNKNOWN, VideoRecord


def test_identity_label_and_people_of_an_original_and_a_fake():
    original = VideoRecord('ffpp', 'original', 'c23', '033', '033', '', 'test', 'x.mp4')
    fake = VideoRecord('ffpp', 'f2f', 'raw', '033_097', '033', '097', 'test', 'y.mp4')
    assert (original.video_id, fake.video_id) == ('ffpp/original/c23/033', 'ffpp/f2f/raw/033_097')
    assert (original.label_bin, fake.label_bin) == (0, 1)
    assert (original.ids, fake.ids) == (('033',), ('033', '097'))
    assert original.unavailable is None


def test_unknown_target_or_source_is_nobody():
    fake = VideoRecord('dfdc', 'dfdc', 'released', 'abc', UNKNOWN, UNKNOWN, 'test', 'abc.mp4')
    half = VideoRecord('dfdc', 'dfdc', 'released', 'abc', 'xyz', UNKNOWN, 'test', 'abc.mp4')
    assert (fake.ids, half.ids) == ((), ('xyz',))


def test_unavailable_says_why_in_the_best_words_there_are():
    video = VideoRecord('ffpp', 'original', 'c23', '033', '033', '', 'test', 'x.mp4')
    assert replace(video, status='no-face').unavailable == 'no-face'
    assert replace(video, status='no-face', reason='in 0 of 96 frames').unavailable == (
        'in 0 of 96 frames'
    )
    assert replace(video, reason='recompressed').unavailable is None
