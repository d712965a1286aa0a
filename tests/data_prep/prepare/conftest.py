"""A raw FF++ tree of eight identities, without faces: cropping to the centre needs none."""

import json
import os

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from matplotlib import cbook

from data_prep import prepare_ffpp as ffpp_command

METHODS = dict(df='Deepfakes', f2f='Face2Face', fs='FaceSwap', nt='NeuralTextures')
SPLITS = dict(train=[['000', '001'], ['002', '003']], val=[['004', '005']], test=[['006', '007']])
DF = ('--methods', 'df')
CENTRE = ('--detector', 'none', '--size', '32', '--frames', '24', '--min-frames', '16')


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    """For the processes that the command starts."""
    monkeypatch.setitem(os.environ, 'OMP_NUM_THREADS', '1')


@pytest.fixture(scope='session')
def write_raw():
    """Write (T, H, W, 3) uint8 RGB as H.264 with B-frames, as downloads are."""

    def write(path, pictures, fps=25, crf='18'):
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), 'w') as container:
            stream = container.add_stream('libx264', rate=fps, options=dict(crf=crf))
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = 'yuv420p'
            stream.codec_context.thread_count = 1
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format='rgb24')
                container.mux(stream.encode(frame))
            container.mux(stream.encode())

    return write


@pytest.fixture(scope='session')
def raw_file():
    """Where a video of FF++ lies."""

    def find(root, method, stem):
        folder = f'manipulated_sequences/{METHODS[method]}' if '_' in stem else 'original_sequences'
        inner = '' if '_' in stem else 'youtube'
        return root / folder / inner / 'c23' / 'videos' / f'{stem}.mp4'

    return find


@pytest.fixture(scope='session')
def grey_film():
    """Frames of one grey each, which says identity and time."""

    def film(seed, frames, height=48, width=64):
        shades = 30 + 5 * (seed % 8) + 6 * np.arange(frames)
        shape = (frames, height, width, 3)
        return np.broadcast_to(shades[:, None, None, None], shape).astype(np.uint8)

    return film


@pytest.fixture(scope='session')
def face_film():
    """A real face (a photograph that comes with matplotlib) that drifts over a grey wall."""
    photo = cv2.imread(str(cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)))
    photo = cv2.resize(photo[..., ::-1], (128, 150), interpolation=cv2.INTER_AREA)

    def film(frames, step=1):
        pictures = np.full((frames, 180, 320, 3), 127, np.uint8)
        for number, picture in enumerate(pictures):
            left = 20 + step * number
            picture[20:170, left : left + 128] = photo
        return pictures

    return film


@pytest.fixture(scope='session')
def write_tree(write_raw, raw_file, grey_film):
    """A factory of raw trees; each method's videos are a frame shorter than the one's before."""

    def write(root, splits=SPLITS, methods=tuple(METHODS), frames=26):
        (root / 'splits').mkdir(parents=True)
        for name, pairs in splits.items():
            (root / 'splits' / f'{name}.json').write_text(json.dumps(pairs))
            for pair in pairs:
                for target, source in (pair, pair[::-1]):
                    film = grey_film(int(target), frames)
                    write_raw(raw_file(root, 'original', target), film)
                    for number, method in enumerate(methods, 1):
                        path = raw_file(root, method, f'{target}_{source}')
                        write_raw(path, film[: frames - number])
        return root

    return write


@pytest.fixture
def prepare(capfd):
    """Run the command in this process; gives its exit status and what it printed."""

    def run(root, out, *words, options=CENTRE):
        words = ['--root', root, '--out', out, '--jobs', '2', *options, *words]
        status = ffpp_command.main([str(word) for word in words])
        return status, capfd.readouterr().out

    return run


@pytest.fixture
def contents():
    """Every file of a folder, by its path, except the log."""

    def read(folder):
        files = (path for path in folder.rglob('*') if path.is_file() and path.suffix != '.log')
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return read


@pytest.fixture(scope='module')
def small(tmp_path_factory, write_tree):
    """Six identities, one manipulation: --methods df."""
    splits = dict(train=[['000', '001']], val=[['002', '003']], test=[['004', '005']])
    return write_tree(tmp_path_factory.mktemp('small') / 'ffpp', splits, ('df',))


def index_of(out):
    """The index of a prepared dataset, by id."""
    return pd.read_csv(out / 'index.csv', dtype=str, keep_default_na=False).set_index('id')
