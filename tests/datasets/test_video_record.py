from mmfake.datasets.video_record import VideoRecord


def test_identity_label_and_people_of_an_original_and_a_fake():
    original = VideoRecord('ffpp', 'original', 'c23', '033', '033', '', 'test', 'x.mp4')
    fake = VideoRecord('ffpp', 'f2f', 'raw', '033_097', '033', '097', 'test', 'y.mp4')
    assert (original.video_id, fake.video_id) == ('ffpp/original/c23/033', 'ffpp/f2f/raw/033_097')
    assert (original.label_bin, fake.label_bin) == (0, 1)
    assert (original.ids, fake.ids) == (('033',), ('033', '097'))
    assert original.unavailable is None
