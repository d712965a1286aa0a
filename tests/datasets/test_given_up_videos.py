import os

from torch import multiprocessing

from mmfake.datasets.given_up_videos import GivenUpVideos


def add(videos, names):
    for name in names:
        videos.add(name)


def test_what_one_process_adds_all_know():
    videos = GivenUpVideos()
    assert '' not in videos
    assert 'a.mp4' not in videos
    child = os.fork()
    if not child:
        videos.add('a.mp4')
        os._exit(0)
    os.waitpid(child, 0)
    assert 'a.mp4' in videos
    assert 'b.mp4' not in videos


def test_also_a_process_that_was_not_forked_knows():
    videos = GivenUpVideos()
    process = multiprocessing.get_context('spawn').Process(target=videos.add, args=('a\udcff',))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert 'a\udcff' in videos, 'a file name that is no text has its hash, too'


def test_a_thousand_names_are_told_apart_and_more_are_forgotten():
    videos = GivenUpVideos()
    names = [f'{number}.mp4' for number in range(1200)]
    add(videos, names * 2)
    assert [name for name in names if name in videos] == names[:1024]
    assert not any(f'{name}x' in videos for name in names)
