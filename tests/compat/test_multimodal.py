"""``import mmaction.models`` with ``transformers`` installed, which switches VindLU on."""

import ast
import subprocess
import sys
from pathlib import Path

import mmaction
import pytest

VINDLU = Path(mmaction.__file__).parent / 'models' / 'multimodal' / 'vindlu'
PACKAGES = ['einops', 'timm', 'transformers']
# a module in which every name is a class, or a decorator (factory) that changes nothing
STAND_IN = """
__version__ = '4.46.3'

class Anything:
    def __init__(self, *args, **kwargs): pass
    def __call__(self, *args, **kwargs): return args[0] if args and callable(args[0]) else self
    def __getattr__(self, name): return Anything()
    @staticmethod
    def from_pretrained(*args, **kwargs): pass

def __getattr__(name):
    if name.startswith('__'):
        raise AttributeError(name)
    return type(name, (Anything,), {}) if name[0].isupper() else Anything()
"""
CODE = """
import sys
sys.path.insert(0, sys.argv[1])
import mmfake
from mmaction.utils import dependency
print(dependency.WITH_MULTIMODAL)
import mmaction.models
from mmaction.registry import MODELS
print(dependency.WITH_MULTIMODAL, 'mmaction.models.multimodal.vindlu' in sys.modules)
print(all(MODELS.get(name) for name in ('VindLUVQA', 'ResNet3dSlowOnly', 'mmfake.S3D')))
"""


def imported():
    """The modules of those packages that VindLU imports."""
    names = set(PACKAGES)
    for file in VINDLU.glob('*.py'):
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module)
    return [name for name in names if name.split('.')[0] in PACKAGES]


@pytest.fixture
def host(tmp_path):
    """Import the host's models beside stand-ins for the packages; gives what it prints."""

    def run(absent=None):
        for name in imported():
            if name.split('.')[0] == absent:
                continue
            folder = tmp_path.joinpath(*name.split('.'))
            for package in (folder, *folder.parents):
                if tmp_path in package.parents:
                    package.mkdir(parents=True, exist_ok=True)
                    (package / '__init__.py').write_text(STAND_IN)
        info = tmp_path / 'transformers-4.46.3.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: transformers\nVersion: 4.46.3')
        done = subprocess.run(
            [sys.executable, '-c', CODE, tmp_path], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


def test_vindlu_stays_where_all_it_imports_is_there(host):
    assert host() == ['True', 'True', 'True', 'True']


def test_vindlu_is_left_out_without_timm(host):
    assert host(absent='timm') == ['True', 'False', 'False', 'True']
