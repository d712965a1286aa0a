"""What is kept of a run that does not end well."""

import json

import numpy as np
import pytest

from mmfake.errors import MMFakeError
from mmfake.inference.evidence import Strip
from mmfake.inference.results import JudgedVideo, RunJournal, stamp_of

HEADER = dict(schema_version='1.0', model=dict(mmfake='0.1', shape=(8, 32)), threshold=0.1 + 0.2)


def judged(video='a.mp4', status='scored', **more):
    strip = Strip('highest', 0.1 + 0.7, 0.0, 1.28, '', b'\xff\xd8\x00', 2)
    return JudgedVideo(dict(more, video=video, status=status, probability=1 / 3), [strip])


@pytest.fixture
def keep(tmp_path):
    """A journal of what is given, left as a killed process leaves it."""

    def write(*videos, stamp=(7, 8)):
        journal = RunJournal(tmp_path, HEADER)
        for number, video in enumerate(videos):
            journal.keep(number, list(stamp), video)
        journal._file.close()
        return tmp_path / 'journal.jsonl'

    return write


def taken(folder, name='a.mp4', number=0, stamp=(7, 8), header=HEADER):
    with RunJournal(folder, header) as journal:
        return journal.take(name, number, list(stamp))


def test_what_is_taken_is_what_was_kept(keep, tmp_path):
    path = keep(judged(), judged('\udce4\n.mp4'))
    assert len(path.read_bytes().splitlines()) == 3
    assert taken(tmp_path) == judged()
    assert taken(tmp_path, '\udce4\n.mp4', number=5) == judged('\udce4\n.mp4')
    assert taken(tmp_path, 'b.mp4') is None


def test_another_run_starts_anew(keep, tmp_path):
    path = keep(judged())
    assert taken(tmp_path, header=dict(HEADER, threshold=0.3)) is None
    assert not path.exists()  # nothing was kept since
    keep(judged())
    with RunJournal(tmp_path, dict(HEADER, extra=1)) as journal:
        journal.keep(0, [7, 8], judged('b.mp4'))
    assert [json.loads(line).get('number') for line in path.read_text().splitlines()] == [None, 0]
    assert taken(tmp_path, 'b.mp4', header=dict(HEADER, extra=1)) == judged('b.mp4')


@pytest.mark.parametrize('half', [1, 40, -1])
def test_a_half_written_line_is_dropped(keep, tmp_path, half):
    path = keep(judged('a.mp4'), judged('b.mp4'))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + lines[2][:half])
    with RunJournal(tmp_path, HEADER) as journal:
        assert journal.take('a.mp4', 0, [7, 8]) == judged('a.mp4')
        assert journal.take('b.mp4', 1, [7, 8]) is None
        journal.keep(1, [7, 8], judged('b.mp4'))
    assert path.read_bytes() == b''.join(lines)


def test_a_changed_video_is_judged_anew(keep, tmp_path):
    keep(judged())
    assert taken(tmp_path, stamp=(7, 9)) is None
    film = tmp_path / 'clip' / '000000.jpg'
    film.parent.mkdir()
    film.write_bytes(b'x')
    before = stamp_of(film.parent)
    assert before == stamp_of(str(film.parent))
    film.write_bytes(b'xy')
    assert stamp_of(film.parent)[0] == before[0] + 1
    assert stamp_of(film)[0] == 2


def test_arrays_and_broken_videos_are_not_kept(tmp_path):
    for source in (np.zeros(3), tmp_path / 'gone.mp4', 'x' * 5000, 'a\0b'):
        assert stamp_of(source) is None
    with RunJournal(tmp_path, HEADER) as journal:
        journal.keep(0, None, judged())
        journal.keep(1, [7, 8], judged('b.mp4', status='decode-failed'))
        assert journal.kept == 0
    assert list(tmp_path.iterdir()) == []


def test_a_video_whose_copy_is_lost_is_judged_anew(keep, tmp_path):
    keep(judged(annotated='videos/0000_a.mp4'))
    assert taken(tmp_path) is None
    (tmp_path / 'videos').mkdir()
    (tmp_path / 'videos' / '0000_a.mp4').write_bytes(b'x')
    assert taken(tmp_path) is not None
    assert taken(tmp_path, number=1) is None  # its copy would be called otherwise


def test_what_cannot_be_written_is_told_before_the_first_video(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(MMFakeError, match=r'journal.jsonl: the results cannot be written \('):
        RunJournal(tmp_path / 'file', HEADER)
    (tmp_path / 'journal.jsonl').mkdir()
    with pytest.raises(MMFakeError, match='Is a directory'):
        RunJournal(tmp_path, HEADER)


def test_one_run_at_a_time(tmp_path):
    pytest.importorskip('fcntl')
    with RunJournal(tmp_path, HEADER):
        held = pytest.raises(MMFakeError, match='another run is writing to this folder')
        with held:
            RunJournal(tmp_path, HEADER)


def test_ctrl_c_says_what_is_kept(tmp_path):
    def interrupted(*videos):
        with RunJournal(tmp_path, HEADER) as journal:
            for video in videos:
                journal.keep(0, [7, 8], video)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match='^$'):
        interrupted()
    with pytest.raises(KeyboardInterrupt, match=r'one video is kept in .*journal.jsonl; the same'):
        interrupted(judged())
    with pytest.raises(KeyboardInterrupt, match='^2 videos are kept'):
        interrupted(judged('b.mp4'), judged('c.mp4'))
