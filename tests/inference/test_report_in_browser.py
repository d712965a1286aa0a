"""The page and the copies of a run of the command, in a browser."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from tools.detect import main

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
PLAYER = """<!DOCTYPE html><meta charset="utf-8"><title>waiting</title>
<video src="{}" muted></video><script>
const video = document.querySelector('video');
video.onloadeddata = () => {{
  const {{ readyState, duration, videoWidth, videoHeight }} = video;
  document.title = [readyState, duration, videoWidth, videoHeight].join(' ');
}};
video.onerror = () => {{ document.title = 'error ' + video.error.message; }};
</script>"""


@pytest.fixture(scope='module')
def browse():
    """Open a file with a browser and give its output and its complaints."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip('no Chromium is installed')
    flags = ['--headless', '--no-sandbox', '--disable-gpu', '--enable-logging=stderr', '--v=0']

    def run(path, *words):
        words = [browser, *flags, *words, path.as_uri()]
        return subprocess.run(words, capture_output=True, text=True, timeout=240)

    return run


@pytest.fixture(scope='module')
def out(write_film, face_film, noise_film, request, checkpoint, tmp_path_factory):
    """The folder of a run on a film with a face and a broken one."""
    folder = tmp_path_factory.mktemp('run')
    write_film(folder / 'films' / 'ä face.mp4', face_film(25))
    (folder / 'films' / 'broken.mp4').write_bytes(b'no film')
    (folder / 'tiny.py').write_text('clip_size = dict(clip_len=8, image_size=32)\n')
    config = request.config.rootpath / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'
    words = [folder / 'films', '--config', config, '--checkpoint', checkpoint(), '--save-video']
    words += ['--scale', folder / 'tiny.py', '--out', folder / 'out']
    assert main([str(word) for word in words]) == 1
    return folder / 'out'


def test_the_page(browse, out, tmp_path):
    shot = tmp_path / 'page.png'
    flags = [f'--screenshot={shot}', '--window-size=1000,1600', '--dump-dom']
    done = browse(out / 'report.html', *flags)
    assert 'CONSOLE' not in done.stderr, done.stderr
    for part in ('2 videos: 1 ', 'class="timeline"', 'class="clip"', 'id="video-1"', '<figure>'):
        assert part in done.stdout
    assert 'href="videos/0001_%C3%A4_face.mp4"' in done.stdout
    (tmp_path / 'empty.html').write_text('<!DOCTYPE html><title>empty</title>')
    empty = tmp_path / 'empty.png'
    browse(tmp_path / 'empty.html', f'--screenshot={empty}', '--window-size=1000,1600')
    assert colours(empty) == 1
    assert colours(shot) > 1000  # the pictures of the face
    pixels = np.asarray(Image.open(shot).convert('RGB')).reshape(-1, 3)
    bars = [(pixels == color).all(axis=1).sum() for color in ((0xD5, 0x5E, 0), (0, 0x72, 0xB2))]
    assert max(bars) > 1000


def colours(path):
    return len(np.unique(np.asarray(Image.open(path).convert('RGB')).reshape(-1, 3), axis=0))


def test_the_copy_plays(browse, out):
    results = json.loads((out / 'results.json').read_text())
    copy = results['predictions'][1]['annotated']
    (out / 'player.html').write_text(PLAYER.format(copy))
    done = browse(out / 'player.html', '--virtual-time-budget=60000', '--dump-dom')
    (title,) = re.findall('<title>(.*?)</title>', done.stdout)
    state, duration, width, height = map(float, title.split())
    assert state >= 2  # HAVE_CURRENT_DATA: a frame is decoded
    assert duration == pytest.approx(1.0)
    assert (width, height) == (320, 180)
