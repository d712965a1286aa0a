"""The order of the rooms, and what starts without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'mmfake'
# imports go from a later room to an earlier one
ORDER = [
    ['errors', 'version', 'files', 'console'],
    ['compat'],
    ['video', 'faces'],
    ['datasets'],
    ['models'],
    ['engine'],
    ['evaluation'],
    ['visualization'],
    ['inference'],
    ['register'],
    ['apis'],
    ['__main__'],
]
FLOORS = {room: floor for floor, rooms in enumerate(ORDER) for room in rooms}
# but launch.py, which is torchrun
COMMANDS = [
    path
    for path in sorted([*ROOT.glob('tools/*.py'), *ROOT.glob('data_prep/*.py')])
    if "__name__ == '__main__'" in path.read_text() and path.name != 'launch.py'
]


def imported(path, root=ROOT):
    """The modules that a file imports, dotted, wherever in it."""
    package = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else ()
            base = '.'.join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f'{base}.{alias.name}' for alias in node.names)


def upward(path, root=ROOT):
    """What a file of a room imports from later rooms, or from where it must not."""
    own = FLOORS[path.relative_to(root / 'mmfake').parts[0].replace('.py', '')]
    found = []
    for name in imported(path, root):
        first, room = (*name.split('.'), '')[:2]
        if first == 'data_prep' or (first == 'mmfake' and FLOORS.get(room, own) > own):
            found.append(name)
    return found


def test_every_file_has_a_room():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == '.py' or path.is_dir()}
    assert rooms - {'__pycache__', '.mim'} == {*FLOORS, '__init__'}


def test_no_room_imports_from_a_later_one():
    files = [path for path in PACKAGE.rglob('*.py') if '.mim' not in path.parts]
    files.remove(PACKAGE / '__init__.py')  # which imports any room when it is asked for
    assert len(files) > 50
    found = {str(path.relative_to(ROOT)): upward(path) for path in files}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ('text', 'found'),
    [
        ('from ..errors import MMFakeError', []),
        ('from .. import errors', []),
        ('from ..apis import train', ['mmfake.apis', 'mmfake.apis.train']),
        ('def f():\n    from ..apis.train import x', ['mmfake.apis.train', 'mmfake.apis.train.x']),
        ('import mmfake.inference.report', ['mmfake.inference.report']),
        ('from mmfake.register import S3D', ['mmfake.register', 'mmfake.register.S3D']),
        ('import data_prep.audit', ['data_prep.audit']),
    ],
)
def test_that_test_sees_an_import_upward(text, found, tmp_path):
    path = tmp_path / 'mmfake' / 'engine' / 'x.py'
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert upward(path, tmp_path) == found


LOADED = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
finally:
    heavy = {'torch', 'mmaction', 'mmengine.runner', 'matplotlib.pyplot'} & set(sys.modules)
    print('loaded', *sorted(heavy), file=sys.stderr)
"""


def python(*words):
    return subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, timeout=60
    )


def test_importing_mmfake_imports_nothing_heavy():
    code = "import mmfake, sys; print({'torch', 'mmengine', 'cv2', 'numpy'} & set(sys.modules))"
    assert python('-c', code).stdout == 'set()\n'


def test_detection_begins_before_torch_is_imported():
    heavy = {'torch', 'mmengine', 'mmaction'}
    code = f'import mmfake.apis.detect, sys; print({heavy} & set(sys.modules))'
    assert python('-c', code).stdout == 'set()\n'


@pytest.mark.parametrize('path', COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_help_of_a_command_imports_nothing_heavy(path):
    done = python('-c', LOADED, path, '--help')
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('usage: ')
    assert done.stderr == 'loaded\n'


@pytest.mark.parametrize('name', ['train', 'test'])
def test_a_usage_error_imports_nothing_heavy(name):
    done = python('-c', LOADED, ROOT / 'tools' / f'{name}.py', '--nonsense')
    assert done.returncode == 2
    assert done.stderr.endswith('loaded\n')
