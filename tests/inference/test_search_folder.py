"""What counts as a video in a folder."""

import json

import pytest

from mmfake.errors import MMFakeError
from mmfake.inference.sources import earlier_copies, remove_copies, search_folder

RARE = ('vob', 'ASF', 'm2v', 'mxf', 'f4v', 'mjpeg')
OURS = json.dumps(
    dict(
        schema_version='1.0',
        model=dict(mmfake='0.1.0'),
        predictions=[
            dict(annotated='videos/0000_a.mp4'),
            dict(annotated='videos/0001_b.mp4'),
            dict(annotated='../a.mp4'),
            dict(annotated='videos/../../a.mp4'),
            dict(annotated=3),
            None,
        ],
    )
)


@pytest.fixture
def fill(tmp_path):
    """Make files; gives the folder."""

    def make(*names, content='x'):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return make


@pytest.fixture
def search(tmp_path):
    """Names relative to the folder, and what was said."""

    def run():
        notes = []
        found = search_folder(str(tmp_path), notes.append)
        return [path[len(str(tmp_path)) + 1 :] for path in found], notes

    return run


def test_clips_of_pictures_and_rare_suffixes(fill, search):
    names = [f'{n}.{suffix}' for n, suffix in enumerate(RARE)]
    fill(*names, 'clips/x/000000.jpg', 'clips/x/000001.jpg', 'clips/y.mp4')
    assert search() == ([*names, 'clips/x', 'clips/y.mp4'], [])


def test_what_is_passed_over_is_told(fill, search, tmp_path):
    fill('a.mp4', 'b.txt', 'c/d.txt', 'c/e.PDF', 'README', 'photo.jpg')
    (_, (note,)) = search()
    assert note == f'{tmp_path}: passed over 5 other files (.txt 2, .jpg 1, .pdf 1, no suffix 1)'
    (tmp_path / 'a.mp4').unlink()
    with pytest.raises(MMFakeError, match=r'no video in this folder or below it; passed over 5'):
        search()


def test_a_link_that_leads_nowhere_is_not_lost(fill, search, tmp_path):
    fill('a.mp4')
    (tmp_path / 'b.mp4').symlink_to(tmp_path / 'gone.mp4')
    assert search() == (['a.mp4', 'b.mp4'], [])


@pytest.mark.parametrize('known_by', ['results.json', 'journal.jsonl'])
@pytest.mark.parametrize('out', ['report/', 'deep/er/', ''])
def test_own_files_are_left_out_and_nothing_else(fill, search, tmp_path, known_by, out):
    copies = (f'{out}videos/0000_a.mp4', f'{out}videos/0001_b_.c-d.mp4')
    fill('a.mp4', *copies, f'{out}videos/mine.mp4', f'{out}report.html', f'{out}also_mine.mov')
    fill(out + known_by, content=OURS)
    found, notes = search()
    assert sorted(found) == sorted(['a.mp4', f'{out}also_mine.mov', f'{out}videos/mine.mp4'])
    assert notes == [f'{tmp_path}: passed over 2 annotated copies of an earlier run']


def test_a_stranger_s_results_leave_nothing_out(fill, search):
    fill('out/videos/0000_a.mp4', 'out/results.json')
    assert search()[0] == ['out/videos/0000_a.mp4']


def test_only_copies_that_a_run_has_named_are_removed(fill, tmp_path):
    assert earlier_copies(tmp_path) == set()
    fill('a.mp4', 'out/a.mp4', 'out/videos/0000_a.mp4', 'out/videos/0007_c.mp4')
    fill('out/results.json', content=OURS)
    out = tmp_path / 'out'
    assert earlier_copies(out) == {'videos/0000_a.mp4', 'videos/0001_b.mp4'}
    remove_copies(out, earlier_copies(out))
    assert [path.name for path in (out / 'videos').iterdir()] == ['0007_c.mp4']
    assert (tmp_path / 'a.mp4').exists()
    assert (out / 'a.mp4').exists()
    (out / 'results.json').write_text(OURS[:-9])  # cut off
    assert earlier_copies(out) == set()
