import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = ['setup.py', 'README.md', 'mmfake', 'configs', 'tools', 'data_prep']
# they need a checkout
DEAD = ('demo.sh', 'test.sh', 'test_matrix.sh', 'setup_env.sh', 'requirements', 'benchmarks')


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    """A copy of what packaging needs: building in place would turn the links into copies."""
    copy = tmp_path_factory.mktemp('packaging') / 'checkout'
    copy.mkdir()
    for name in TOP:
        ignored = shutil.ignore_patterns('__pycache__', '.mim', '*.pyc')
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope='module')
def wheel(checkout, command, tmp_path_factory):
    folder = tmp_path_factory.mktemp('wheel')
    options = ['--no-deps', '--no-build-isolation', '--quiet', '-w', folder]
    done = command('python', '-m', 'pip', 'wheel', *options, checkout)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob('*.whl')
    return path


@pytest.fixture(scope='module')
def installed(wheel, command, tmp_path_factory):
    """An environment with the wheel, and with all else that this one has."""
    folder = tmp_path_factory.mktemp('installed')
    venv.create(folder, with_pip=False)
    (site,) = folder.glob('lib/*/site-packages')
    (site / 'else.pth').write_text('\n'.join(path for path in sys.path if 'packages' in path))
    done = command(
        *('python', '-m', 'pip', '--python', folder / 'bin' / 'python', 'install', '--quiet'),
        *('--no-deps', '--no-index', wheel),
    )
    assert done.returncode == 0, done.stderr
    return folder / 'bin'


@pytest.mark.nightly
def test_a_wheel_holds_package_configs_tools_and_data_preparation(checkout, wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(checkout)
        for folder in ('mmfake', 'configs', 'tools', 'data_prep')
        for path in (checkout / folder).rglob('*')
        if path.is_file() and '.mim' not in path.parts and '__pycache__' not in path.parts
    }
    dead = {path for path in wanted if {*path.parts} & set(DEAD)}
    assert {part for path in dead for part in path.parts} >= set(DEAD)
    for path in wanted:
        prefix = '' if path.parts[0] == 'mmfake' else 'mmfake/.mim/'
        assert (f'{prefix}{path.as_posix()}' in names) == (path not in dead), path
    assert sum(bool(re.search(r'/mtl/\w+_holdout_\w+\.py$', name)) for name in names) == 32


@pytest.mark.nightly
def test_the_command_of_a_wheel_goes_the_whole_way(installed, command, smoke, tmp_path):
    def mmfake(*words):
        done = command(installed / 'mmfake', *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = command(installed / 'python', '-c', 'import mmfake; print(mmfake.__file__)').stdout
    assert where.startswith(str(installed.parent))
    assert str(installed.parent) in mmfake('--help')
    assert mmfake('train', '--help').startswith('usage: mmfake train')
    small = ('--size', '64', '--jobs', '2')
    mmfake('mini', '--out', 'raw', '--pairs', '4', '--frames', '12', *small)
    crops = ('--detector', 'none', '--min-frames', '8')
    assert '40    40' in mmfake('prepare', '--root', 'raw', '--out', 'data/ffpp', *crops, *small)
    assert '0 errors' in mmfake('check', 'data/ffpp/index.csv')
    config = 'configs/mtl/bin_ce_holdout_df.py'
    options = ('--scale', smoke, '--data-root', 'data/ffpp', '--work-dir', 'run')
    mmfake('train', config, *options)
    (best,) = tmp_path.glob('run/best_*_1.pth')
    mmfake('test', config, best, *options)
    assert (tmp_path / 'run' / 'scores.csv').read_text().count('/df/c23/') == 2
    searched = command(installed / 'python', '-m', 'mim', 'search', 'mmfake', cwd=tmp_path)
    assert 'config id: bin_ce_holdout_df' in searched.stdout


@pytest.mark.nightly
def test_a_source_archive_can_be_built_from(checkout, command, tmp_path):
    done = command('python', 'setup.py', '-q', 'sdist', '--dist-dir', tmp_path, cwd=checkout)
    assert done.returncode == 0, done.stderr
    shutil.unpack_archive(next(tmp_path.glob('*.tar.gz')), tmp_path)
    (unpacked,) = (path.parent for path in tmp_path.glob('mmfake-*/setup.py'))
    done = command('python', 'setup.py', '-q', 'bdist_wheel', '-d', tmp_path, cwd=unpacked)
    assert done.returncode == 0, done.stderr
    names = zipfile.ZipFile(next(tmp_path.glob('*.whl'))).namelist()
    assert sum(bool(re.search(r'/mtl/\w+_holdout_\w+\.py$', name)) for name in names) == 32


@pytest.mark.nightly
def test_an_editable_install_links(checkout, command, tmp_path):
    done = command(
        'python', 'setup.py', '-q', 'editable_wheel', '--dist-dir', tmp_path, cwd=checkout
    )
    assert done.returncode == 0, done.stderr
    for name in ('configs', 'tools', 'data_prep'):
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
    allowed = {*TOP, 'tests', 'CHANGELOG.md', 'LICENSE'}
    assert {name for name in top if not name.startswith('.')} == allowed
