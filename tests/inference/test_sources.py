"""What a path stands for, and what counts as a video in a folder."""

import json

import numpy as np
import pytest
from PIL import Image

from mmfake.errors import MMFakeError
from mmfake.inference.sources import (
    NoVideo,
    collect_inputs,
    earlier_copies,
    open_source,
    remove_copies,
    search_folder,
)
from mmfake.video.frame_reader import VideoError


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
def folder(fill):
    return fill('b.mp4', 'a.MOV', 'notes.pdf', 'deep/c.webm', 'deep/clip/000000.jpg')


def names(inputs):
    return [name for name, _ in collect_inputs(inputs)]


def test_folder(folder):
    expected = [str(folder / name) for name in ('a.MOV', 'b.mp4', 'deep/c.webm', 'deep/clip')]
    assert names(folder) == names(str(folder)) == expected


def test_a_folder_of_numbered_pictures_is_a_clip(folder):
    assert names(folder / 'deep' / 'clip') == [str(folder / 'deep' / 'clip')]


def test_list(folder):
    listed = folder / 'list.txt'
    listed.write_text('# two\nb.mp4\n\n  deep/c.webm \n/some/where #1.mp4\n')
    expected = [str(folder / 'b.mp4'), str(folder / 'deep/c.webm'), '/some/where #1.mp4']
    assert names(listed) == expected


def test_list_of_quoted_paths(folder):
    listed = folder / 'list.txt'
    listed.write_text('"b.mp4"\r\n \'deep/c.webm\' \n"#1.mp4"\n"half.mp4\n"\n')
    expected = ['b.mp4', 'deep/c.webm', '#1.mp4', '"half.mp4', '"']
    assert names(listed) == [str(folder / name) for name in expected]


def test_list_of_notepad_and_folders_in_it(folder):
    listed = folder / 'list.txt'
    listed.write_bytes(b'\xef\xbb\xbfb.mp4\r\ndeep\r\n')
    found = [str(folder / name) for name in ('b.mp4', 'deep/c.webm', 'deep/clip')]
    assert names(listed) == found


def test_a_name_that_no_file_can_have_stays(tmp_path):
    long = 'a' * 300 + '.mp4'
    (tmp_path / 'list.txt').write_text(f'{long}\n')
    assert names(tmp_path / 'list.txt') == [str(tmp_path / long)]
    assert names([long, 'a' * 5000, 'a\0b.txt', 'x' * 300 + '.txt'])[0] == long


def test_several_and_files_of_any_name(folder):
    array = np.zeros((2, 4, 4, 3), np.uint8)
    found = collect_inputs([folder / 'notes.pdf', array, 'gone.mp4'])
    assert [name for name, _ in found] == [str(folder / 'notes.pdf'), 'array 1', 'gone.mp4']
    assert found[1][1] is array


def test_a_video_named_twice_is_told(folder):
    notes = []
    found = collect_inputs(
        [folder, folder / 'b.mp4', folder / 'deep' / '..' / 'a.MOV'], notes.append
    )
    assert len(found) == 6
    assert notes[-1] == (
        f'{folder / "a.MOV"} and 1 more: named more than once, and judged and counted as often'
    )
    notes.clear()
    collect_inputs([folder / 'b.mp4', np.zeros((2, 4, 4, 3), np.uint8)], notes.append)
    assert notes == []


def test_one_bad_entry_does_not_end_a_batch(folder):
    (folder / 'frames').mkdir()
    (folder / 'frames' / '0000.png').write_text('')
    (folder / 'list.txt').write_text('b.mp4\nframes\ngone.mp4\n')
    (folder / 'wrong.lst').write_bytes(b'\xff\xfe\x00')
    (folder / 'empty.txt').write_text('# nothing\n')
    floats, lists = np.zeros((9, 8, 8, 3)), [folder / f for f in ('wrong.lst', 'empty.txt')]
    found = collect_inputs([folder / 'list.txt', *lists, floats, None])
    told = {name: what.reason for name, what in found if isinstance(what, NoVideo)}
    parts = {
        str(folder / 'frames'): 'no video in this folder or below it; passed over 1 other files',
        str(folder / 'wrong.lst'): 'the list cannot be read as UTF-8',
        str(folder / 'empty.txt'): 'the list names no video',
        'array 5': 'an array to judge is',
        'entry 6': 'a NoneType is no video',
    }
    assert all(told.pop(name).startswith(part) for name, part in parts.items())
    assert told == {}
    sound = [name for name, what in found if not isinstance(what, NoVideo)]
    assert sound == [str(folder / 'b.mp4'), str(folder / 'gone.mp4')]
    with pytest.raises(VideoError, match='frames: no video in this folder'):
        open_source(dict(found)[str(folder / 'frames')], 'frames')


def test_nothing_is_told(tmp_path):
    with pytest.raises(MMFakeError, match='no video in this folder'):
        collect_inputs(tmp_path)
    (tmp_path / 'empty.txt').write_text('# nothing\n')
    with pytest.raises(MMFakeError, match='names no video'):
        collect_inputs(tmp_path / 'empty.txt')
    (tmp_path / 'wrong.txt').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(MMFakeError, match='cannot be read'):
        collect_inputs(tmp_path / 'wrong.txt')
    with pytest.raises(MMFakeError, match='no video is named'):
        collect_inputs([])
    with pytest.raises(MMFakeError, match='NoneType is no video'):
        collect_inputs(None)
    with pytest.raises(MMFakeError, match='array 0: an array to judge is'):
        collect_inputs(np.zeros((4, 8, 8), np.uint8))


def test_a_reason_of_many_entries_is_told_once():
    frames = [np.zeros((8, 8, 3), np.uint8)] * 40
    told = (
        'no video is named: array 0 and 39 more: an array to judge is (T, H, W, 3) uint8 RGB, '
        'this one is (8, 8, 3) uint8: join the frames of a video with np.stack(frames); '
        'entry 40: a NoneType is no video: give a path or an array'
    )
    with pytest.raises(MMFakeError) as error:
        collect_inputs([*frames, None])
    assert str(error.value) == told


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
def search(tmp_path):
    """Names relative to the folder, and what was passed over."""

    def run():
        found, told = search_folder(str(tmp_path))
        return [path[len(str(tmp_path)) + 1 :] for path in found], told

    return run


def test_clips_of_pictures_and_rare_suffixes(fill, search):
    names = [f'{n}.{suffix}' for n, suffix in enumerate(RARE)]
    fill(*names, 'clips/x/000000.jpg', 'clips/x/000001.jpg', 'clips/y.mp4')
    assert search() == ([*names, 'clips/x', 'clips/y.mp4'], '')


def test_suffixes_of_any_case(fill, search, tmp_path):
    fill('A.MP4')
    np.save(tmp_path / 'b.npy', np.full((2, 4, 6, 3), 50, np.uint8))
    (tmp_path / 'b.npy').rename(tmp_path / 'b.NPY')
    (tmp_path / 'clip').mkdir()
    for number in range(2):
        picture = Image.new('RGB', (6, 4), (50, 50, 50))
        picture.save(tmp_path / 'clip' / f'{number:06d}.JPG', 'JPEG')
    assert search() == (['A.MP4', 'b.NPY', 'clip'], '')
    for name in ('b.NPY', 'clip'):
        with open_source(tmp_path / name, name) as reader:
            pictures = [frame.picture for frame in reader]
        assert np.abs(np.stack(pictures).astype(int) - 50).max() < 3
        assert np.shape(pictures) == (2, 4, 6, 3)


def test_what_is_passed_over_is_told(fill, search, tmp_path):
    fill('a.mp4', 'b.txt', 'c/d.txt', 'c/e.PDF', 'README', 'photo.jpg')
    told = 'passed over 5 other files (.txt 2, .jpg 1, .pdf 1, no suffix 1)'
    assert search() == (['a.mp4'], told)
    notes = []
    collect_inputs(tmp_path, notes.append)
    assert notes == [f'{tmp_path}: {told}']
    (tmp_path / 'a.mp4').unlink()
    with pytest.raises(MMFakeError, match=r'no video in this folder or below it; passed over 5'):
        collect_inputs(tmp_path)


def test_a_link_that_leads_nowhere_is_not_lost(fill, search, tmp_path):
    fill('a.mp4')
    (tmp_path / 'b.mp4').symlink_to(tmp_path / 'gone.mp4')
    assert search() == (['a.mp4', 'b.mp4'], '')


def test_linked_folders_are_followed_once(fill, search, tmp_path, tmp_path_factory):
    fill('b/a.mp4', 'b/clip/000000.jpg')
    elsewhere = tmp_path_factory.mktemp('disk')
    (elsewhere / 'film.mp4').write_text('x')
    (elsewhere / 'back').symlink_to(tmp_path)  # a circle
    (tmp_path / 'a').symlink_to(elsewhere)
    (tmp_path / 'a_again').symlink_to(elsewhere)
    (tmp_path / 'clip').symlink_to(tmp_path / 'b' / 'clip')  # has its own place here
    assert search() == (['a/film.mp4', 'b/a.mp4', 'b/clip'], '')
    link = tmp_path_factory.mktemp('other') / 'link'
    link.symlink_to(elsewhere / 'back')
    assert len(search_folder(str(link))[0]) == 3


@pytest.mark.parametrize('known_by', ['results.json', 'results.jsonl'])
@pytest.mark.parametrize('out', ['report/', 'deep/er/', ''])
def test_own_files_are_left_out_and_nothing_else(fill, search, tmp_path, known_by, out):
    copies = (f'{out}videos/0000_a.mp4', f'{out}videos/0001_b_.c-d.mp4')
    fill('a.mp4', *copies, f'{out}videos/mine.mp4', f'{out}report.html', f'{out}also_mine.mov')
    fill(out + known_by, content=OURS)
    found, told = search()
    assert sorted(found) == sorted(['a.mp4', f'{out}also_mine.mov', f'{out}videos/mine.mp4'])
    assert told == 'passed over 2 annotated copies of an earlier run'


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
