import errno
import logging
import os

import pytest
from mmengine.logging import MMLogger

from mmfake import MMFakeError
from mmfake.apis.run import full_disk_told, make_work_dir

FULL = os.strerror(errno.EFBIG)


@pytest.fixture
def log(tmp_path, request):
    """The log of a run, in a file."""
    path = tmp_path / 'run.log'
    yield MMLogger.get_instance(request.node.name, log_file=str(path)), path
    del MMLogger._instance_dict[request.node.name]


def test_the_folder_is_made_and_nothing_else(tmp_path):
    for _ in range(2):  # it may exist
        make_work_dir(str(tmp_path / 'a' / 'b'))
        assert not list((tmp_path / 'a' / 'b').iterdir())


@pytest.mark.parametrize('below', ['', '/x', '/x/y'])
def test_a_file_is_no_place_for_a_folder(tmp_path, below):
    (tmp_path / 'file').touch()
    with pytest.raises(MMFakeError, match=f'^.*file{below}: a work dir cannot be made') as error:
        make_work_dir(f'{tmp_path}/file{below}')
    assert 'another with --work-dir' in str(error.value)


def test_a_folder_that_takes_no_files():
    with pytest.raises(MMFakeError, match='^/proc: a work dir cannot be made or written to'):
        make_work_dir('/proc')


def on_a_full_disk(work_dir, write, largest_file):
    with largest_file(100), full_disk_told(str(work_dir), 'make room'):
        write()


def test_a_full_disk_is_told_once(tmp_path, largest_file):
    def write():
        (tmp_path / 'x').write_text('x' * 200)

    with pytest.raises(MMFakeError) as error:
        on_a_full_disk(tmp_path, write, largest_file)
    assert str(error.value) == f'{tmp_path}: the disk is full ({FULL}); make room'


def test_other_errors_are_left_as_they_are(tmp_path, largest_file):
    with pytest.raises(FileNotFoundError):
        on_a_full_disk(tmp_path, (tmp_path / 'absent').read_text, largest_file)


def test_a_log_that_could_not_be_written_is_told_once(tmp_path, log, largest_file, capfd):
    logger, path = log
    before = logging.raiseExceptions

    def write():
        for _ in range(20):
            logger.info('a line of a log')

    with pytest.raises(MMFakeError, match=f'the disk is full .{FULL}.; make room'):
        on_a_full_disk(tmp_path, write, largest_file)
    assert 'Logging error' not in capfd.readouterr().err
    assert path.stat().st_size == 100
    assert logging.raiseExceptions == before


def test_a_log_is_made_up_for_when_there_is_room_again(tmp_path, log, largest_file):
    logger, path = log
    with full_disk_told(str(tmp_path), 'make room'), largest_file(100):
        for number in range(20):
            logger.info(f'line {number}.')
    text = path.read_text()
    assert all(text.count(f'line {number}.') == 1 for number in range(20))
