import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = ['setup.py', 'README.md', 'mmfake', 'configs', 'tools']


@pytest.fixture
def checkout(tmp_path):
    """A copy of what packaging needs: building in place would turn the links into copies."""
    copy = tmp_path / 'checkout'
    copy.mkdir()
    for name in TOP:
        ignored = shutil.ignore_patterns('__pycache__', '.mim', '*.pyc')
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copy)
    return copy


@pytest.mark.nightly
def test_a_wheel_holds_package_configs_and_tools(checkout, command, tmp_path):
    options = ['--no-deps', '--no-build-isolation', '--quiet', '-w', tmp_path]
    done = command('python', '-m', 'pip', 'wheel', *options, checkout)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob('*.whl')
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, prefix in (('mmfake', ''), ('configs', 'mmfake/.mim/'), ('tools', 'mmfake/.mim/')):
        for path in (checkout / folder).rglob('*'):
            relative = path.relative_to(checkout)
            if path.is_file() and '.mim' not in relative.parts and '__pycache__' not in str(path):
                assert f'{prefix}{relative.as_posix()}' in names
    assert sum('_holdout_' in name and '/mtl/' in name for name in names) == 24


@pytest.mark.nightly
def test_a_source_archive_can_be_built_from(checkout, command, tmp_path):
    done = command('python', 'setup.py', '-q', 'sdist', '--dist-dir', tmp_path, cwd=checkout)
    assert done.returncode == 0, done.stderr
    shutil.unpack_archive(next(tmp_path.glob('*.tar.gz')), tmp_path)
    (unpacked,) = (path.parent for path in tmp_path.glob('mmfake-*/setup.py'))
    done = command('python', 'setup.py', '-q', 'bdist_wheel', '-d', tmp_path, cwd=unpacked)
    assert done.returncode == 0, done.stderr
    names = zipfile.ZipFile(next(tmp_path.glob('*.whl'))).namelist()
    assert sum('_holdout_' in name and '/mtl/' in name for name in names) == 24


@pytest.mark.nightly
def test_an_editable_install_links(checkout, command, tmp_path):
    done = command(
        'python', 'setup.py', '-q', 'editable_wheel', '--dist-dir', tmp_path, cwd=checkout
    )
    assert done.returncode == 0, done.stderr
    for name in ('configs', 'tools'):
        link = checkout / 'mmfake' / '.mim' / name
        assert link.is_symlink()
        assert link.resolve() == checkout / name


def test_every_dependency_has_its_reason():
    setup = (ROOT / 'setup.py').read_text()
    listed = setup[setup.index('INSTALL_REQUIRES = [') : setup.index('def mirror_for_mim')]
    named = [
        line for line in listed.splitlines() if re.match(r"\s+('\w+': \[)?'[\w<>=.-]+'[,\]]", line)
    ]
    assert len(named) >= 15
    assert [line for line in named if '#' not in line] == []


def test_the_top_level_holds_only_what_it_should():
    out = subprocess.run(['git', 'ls-files'], cwd=ROOT, capture_output=True, text=True, check=False)
    if out.returncode:
        pytest.skip(reason='not a git checkout')
    top = {line.split('/')[0] for line in out.stdout.splitlines()}
    allowed = {*TOP, 'tests', 'data_prep', 'CHANGELOG.md', 'LICENSE'}
    assert {name for name in top if not name.startswith('.')} == allowed
