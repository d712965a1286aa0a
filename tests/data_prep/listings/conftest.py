"""Raw datasets in the layout of their makers, of empty files."""

from __future__ import annotations

import json
import logging

import pytest

from tests.datasets.conftest import Messages, full_tree, make_tree, small_tree  # noqa: F401


def facts(records):
    """What a listing says of each video."""
    return [(r.stem, r.method, r.split, r.target, r.source) for r in records]


@pytest.fixture
def log():
    """Warnings of the listings, as a list of strings."""
    handler, logger = Messages(), logging.getLogger('data_prep')
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


CELEB = {
    'Celeb-real': ['id0_0000', 'id0_0001', 'id1_0000'],
    'YouTube-real': ['00000', '00170'],
    'Celeb-synthesis': ['id0_id1_0000', 'id0_id1_0001', 'id1_id0_0000'],
}
CELEB_TEST = (
    '1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id1_id0_0000.mp4\n1 Celeb-real/id1_0000.mp4\n'
)


def touch(folder, *stems):
    folder.mkdir(parents=True, exist_ok=True)
    for stem in stems:
        (folder / f'{stem}.mp4').touch()


@pytest.fixture
def celeb(tmp_path):
    root = tmp_path / 'Celeb-DF-v2'
    for folder, stems in CELEB.items():
        touch(root / folder, *stems)
    (root / 'List_of_testing_videos.txt').write_text(CELEB_TEST)
    return root


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def dfdc(tmp_path):
    """Two parts of the training set, 2 and 10, and a test of two videos."""
    root = tmp_path / 'dfdc'
    parts = {
        2: dict(
            aaa=dict(label='FAKE', split='train', original='bbb.mp4'),
            bbb=dict(label='REAL', split='train', original=None),
        ),
        10: dict(ccc=dict(label='REAL', split='train')),
    }
    for number, videos in parts.items():
        folder = root / f'dfdc_train_part_{number}'
        touch(folder, *videos)
        write_json(folder / 'metadata.json', {f'{k}.mp4': entry for k, entry in videos.items()})
    touch(root / 'test', 'ddd', 'eee')
    (root / 'test' / 'labels.csv').write_text('filename,label\nddd.mp4,0\neee.mp4,1\n')
    return root


PREVIEW = {
    'original_videos/643049/643049_A_001.mp4': dict(
        label='real', set='train', target_id='643049', swapped_id=None, augmentations=[]
    ),
    'original_videos/1260311/1260311_C_001.mp4': dict(
        label='real', set='test', target_id='1260311', swapped_id=None, augmentations=[]
    ),
    'method_A/1260311/1260311_C/1255229_1260311_C_001.mp4': dict(
        label='fake', set='test', target_id='1260311', swapped_id='1255229', augmentations=[]
    ),
    'method_B/1260311/1260311_C/1255229_1260311_C_001.mp4': dict(
        label='fake', set='test', target_id='1260311', swapped_id='1255229', augmentations=['fps']
    ),
}


@pytest.fixture
def preview(tmp_path):
    root = tmp_path / 'preview'
    for key in PREVIEW:
        path = root / key
        touch(path.parent, path.stem)
    write_json(root / 'dataset.json', PREVIEW)
    return root


@pytest.fixture
def ffpp_originals(tmp_path):
    """The originals of FF++ at c23, eight ids."""
    root = tmp_path / 'FaceForensics++'
    names = [f'{number:03d}' for number in range(8)]
    touch(root / 'original_sequences' / 'youtube' / 'c23' / 'videos', *names)
    splits = dict(
        train=[['000', '001'], ['002', '003']], val=[['004', '005']], test=[['006', '007']]
    )
    for split, pairs in splits.items():
        write_json(root / 'splits' / f'{split}.json', pairs)
    return root


DEEPER = dict(
    train=['000_M004', '002_W101', '006_M004'],
    val=['001_M005', '005_W102'],
    test=['003_M006', '004_W103', '007_M006'],
)


@pytest.fixture
def deeper(tmp_path):
    root = tmp_path / 'DeeperForensics-1.0'
    for condition in ('end_to_end', 'end_to_end_level_5'):
        touch(root / 'manipulated_videos' / condition, *sum(DEEPER.values(), []))
    (root / 'lists' / 'splits').mkdir(parents=True)
    for split, stems in DEEPER.items():
        lines = ''.join(f'{stem}.mp4\n' for stem in stems)
        (root / 'lists' / 'splits' / f'{split}.txt').write_text(lines)
    return root


@pytest.fixture
def own(tmp_path):
    """Two folders: four pairs of people, each with two originals and a fake either way."""
    root = tmp_path / 'own'
    for first, second in (('a', 'b'), ('c', 'd'), ('e', 'f'), ('g', 'h')):
        touch(root / 'real', first, second)
        touch(root / 'fake', f'{first}_{second}', f'{second}_{first}')
    return root


PLUS = {
    'Celeb-real': ['id0_0000', 'id1_0000'],
    'YouTube-real': ['00170'],
    'Celeb-synthesis/FaceSwap/Celeb-DF-v2': ['id0_id1_0000', 'id1_id0_0000'],
    'Celeb-synthesis/FaceSwap/SimSwap': ['id0_id1_0000'],
    'Celeb-synthesis/FaceReenact/LIA': ['id0_id1_0000', 'id1_id0_0000'],
    'Celeb-synthesis/TalkingFace/FLOAT': ['id0_0000_x'],
}
PLUS_TEST = (
    '1 YouTube-real/00170.mp4\n1 Celeb-real/id1_0000.mp4\n'
    '0 Celeb-synthesis/FaceSwap/SimSwap/id0_id1_0000.mp4\n'
    '0 Celeb-synthesis/FaceReenact/LIA/id1_id0_0000.mp4\n'
)


@pytest.fixture
def celeb_plus(tmp_path):
    """Four generators, whose files have the same names."""
    root = tmp_path / 'Celeb-DF++'
    for folder, stems in PLUS.items():
        touch(root / folder, *stems)
    (root / 'List_of_testing_videos.txt').write_text(PLUS_TEST)
    return root


@pytest.fixture
def dfd(tmp_path):
    """Two actors; a fake whose original is not there."""
    root = tmp_path / 'dfd'
    touch(
        root / 'original_sequences' / 'actors' / 'c23' / 'videos',
        *('01__exit_phone_room', '01__kitchen_pan', '02__kitchen_pan'),
    )
    touch(
        root / 'manipulated_sequences' / 'DeepFakeDetection' / 'c23' / 'videos',
        *('01_02__kitchen_pan__YVGY8LOK', '01_02__exit_phone_room__0XUW13RW'),
        '02_01__hugging_happy__A1B2C3D4',
    )
    return root
