"""Version gate and repairs of the host's wheels."""

import os
import subprocess
import sys
from pathlib import Path

import mmaction
import pytest

from mmfake import MMFakeError
from mmfake.compat import host

ROOT = Path(__file__).parents[2]


def test_the_installed_host_is_supported():
    host.check_versions()


@pytest.mark.parametrize(
    ('package', 'found', 'told'),
    [
        ('mmaction2', '1.1.0', r'mmaction2 >= 1\.2, < 1\.3, but 1\.1\.0 is installed'),
        ('mmaction2', '0.24.1', r'but 0\.24\.1 is installed'),
        ('mmcv', '2.2.0', r'mmcv or mmcv-lite >= 2\.0\.0, < 2\.2\.0, but 2\.2\.0 is installed'),
        ('mmengine', '0.9.1', r'mmengine or mmengine-lite >= 0\.10, < 1\.0, but 0\.9\.1'),
        ('torch', '2.0.1+cu117', r'torch >= 2\.1, < 3, but 2\.0\.1\+cu117'),
        ('mmaction2', None, 'but it is not installed; run: pip install'),
    ],
)
def test_another_host_is_refused_in_one_line(monkeypatch, package, found, told):
    real = host.installed_version
    monkeypatch.setattr(
        host, 'installed_version', lambda names: found if package in names else real(names)
    )
    with pytest.raises(MMFakeError, match=told) as error:
        host.check_versions()
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('torch', 'transformers', 'fits'),
    [
        ('2.1.2+cu121', '4.57.6', False),
        ('2.1.2', '4.55.4', True),
        ('2.1.2', None, True),
        ('2.2.0', '4.57.6', True),
    ],
)
def test_a_transformers_that_an_old_torch_stumbles_over(monkeypatch, torch, transformers, fits):
    """torch.onnx of 2.1 imports it, and mmengine imports torch.onnx."""
    real, there = host.installed_version, dict(torch=torch, transformers=transformers)
    monkeypatch.setattr(
        host,
        'installed_version',
        lambda names: there.get(names[0]) if names[0] in there else real(names),
    )
    if fits:
        host.check_versions()
        return
    with pytest.raises(MMFakeError, match=r'run: pip install "transformers>=4\.46,<4\.56"$'):
        host.check_versions()


@pytest.mark.parametrize(
    ('text', 'numbers'), [('2.13.0+cpu', (2, 13, 0)), ('2.0.0rc4', (2, 0, 0)), ('0.10', (0, 10))]
)
def test_numbers(text, numbers):
    assert host._numbers(text) == numbers


def test_the_stand_in_serves_the_released_wheel_and_refuses_to_be_built():
    from mmaction.models.localizers import DRN

    if Path(mmaction.__file__).parent.joinpath('models/localizers/drn').is_dir():
        pytest.skip(reason='this mmaction2 ships DRN, so nothing stands in for it')
    with pytest.raises(ImportError, match='install mmaction2 from source'):
        DRN()


def run(code, first_on_path):
    code = f'import sys; sys.path.insert(0, {str(first_on_path)!r})\n{code}'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_inactive_where_the_host_is_whole(tmp_path):
    """A host tree WITH the folder, in a process of its own."""
    folder = tmp_path / 'mmaction' / 'models' / 'localizers' / 'drn'
    folder.mkdir(parents=True)
    for package in (tmp_path / 'mmaction', folder.parents[1], folder.parent, folder):
        (package / '__init__.py').touch()
    code = (
        'from mmfake.compat.host import repair_missing_drn\n'
        'print(repair_missing_drn(), "mmaction.models.localizers.drn" in sys.modules)'
    )
    assert run(code, tmp_path) == ['False', 'False']


def test_models_import_where_vindlu_cannot_be(tmp_path):
    """Stand-ins for transformers and timm, without what VindLU wants of them."""
    by_torch = 'class configuration_utils:\n    class PretrainedConfig: pass\n'  # that of 2.1
    for name in ('transformers', 'timm'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '__init__.py').write_text(by_torch)
        info = tmp_path / f'{name}-4.46.3.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: 4.46.3\n')
    code = (
        'import mmfake\n'
        'from mmaction.utils import dependency\n'
        'before = dependency.WITH_MULTIMODAL\n'
        'import mmaction.models\n'
        'print(before, dependency.WITH_MULTIMODAL, mmfake.S3D.__name__)'
    )
    assert run(code, tmp_path) == ['True', 'False', 'S3D']


SELDOM = """
import sys
import mmfake.inference.deepfake_inferencer, mmfake.register
from mmengine.registry import OPTIMIZERS
from torch import nn
print(sorted({'transformers', 'sklearn'} & set(sys.modules)))
optimizer = OPTIMIZERS.build(dict(type='Adafactor', params=nn.Linear(1, 1).parameters()))
print(type(optimizer).__module__, type(optimizer).__name__)
"""


@pytest.mark.skipif(
    host._numbers(host.installed_version(('torch',))) < (2, 2),
    reason='torch.onnx of torch 2.1 imports transformers, whoever needs it',
)
def test_what_hardly_any_run_needs_is_imported_when_one_does(tmp_path):
    package = 'class Adafactor:\n    def __init__(self, params): self.params = list(params)\n'
    (tmp_path / 'transformers.py').write_text(package)
    done = subprocess.run(
        [sys.executable, '-c', SELDOM],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(tmp_path)),
    )
    # in between mmengine says that torch has one, too
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ('[]', 'transformers Adafactor'), done.stderr
