"""The command ``mmfake``: every script under a name, from any folder."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from mmfake import __main__ as console

ROOT = Path(__file__).parents[2]
# runs `python -m mmfake WORDS`, then says what it cost and imported
RUN = """
import json, resource, runpy, sys
try:
    runpy.run_module('mmfake', run_name='__main__', alter_sys=True)
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    heavy = sorted({'torch', 'mmaction', 'mmcv', 'cv2'} & set(sys.modules))
    print(json.dumps([used.ru_utime + used.ru_stime, heavy]))
"""


@pytest.fixture
def mmfake(monkeypatch, capsys):
    """Run ``mmfake WORDS`` in this process: its exit status and what it printed."""

    def run(*words):
        monkeypatch.setattr(sys, 'argv', ['mmfake', *words])
        monkeypatch.setattr(sys, 'path', list(sys.path))
        with pytest.raises(SystemExit) as stop:
            console.main()
        printed = capsys.readouterr()
        return stop.value.code or 0, printed.out + printed.err

    return run


@pytest.mark.parametrize('name', console.COMMANDS)
def test_a_command_is_its_script(name, mmfake, monkeypatch, capsys):
    status, said = mmfake(name, '--help')
    assert status == 0
    script = ROOT / console.COMMANDS[name].script
    monkeypatch.setattr(sys, 'argv', [str(script), '--help'])
    with pytest.raises(SystemExit):
        runpy.run_path(str(script))['main'](None)
    own = capsys.readouterr().out.replace(f'usage: {script.name}', f'usage: mmfake {name}')
    assert said.split() == own.split()
    assert mmfake(name, '--nonsense')[0] == 2


def test_every_script_has_a_name():
    scripts = {
        path.relative_to(ROOT).as_posix()
        for folder in ('tools', 'data_prep')
        for path in (ROOT / folder).glob('*.py')
        if 'run_command(main)' in path.read_text()
    }
    assert {one.script for one in console.COMMANDS.values()} == scripts


def test_help_names_the_commands_and_a_slip_ends_in_a_line(mmfake):
    status, said = mmfake()
    assert status == 0
    assert all(f'\n  {name} ' in said for name in console.COMMANDS)
    status, said = mmfake('trian')
    assert status == 2
    assert "invalid choice: 'trian'" in said
    assert "'train'" in said


def test_a_config_is_found_from_any_folder(tmp_path, monkeypatch):
    word = 'configs/mtl/bin_ce_holdout_df.py'
    monkeypatch.chdir(tmp_path)
    assert console._bundled(word, ROOT) == str(ROOT / word)
    assert console._bundled('configs/mtl/my_own.py', ROOT) == 'configs/mtl/my_own.py'
    assert console._bundled('tools/train.py', ROOT) == 'tools/train.py'
    (tmp_path / 'configs' / 'mtl').mkdir(parents=True)
    (tmp_path / word).touch()
    assert console._bundled(word, ROOT) == word  # one of your own goes first


def test_a_mistake_ends_in_a_line(mmfake, tmp_path):
    status, said = mmfake('check', str(tmp_path / 'nothing.csv'))
    assert status == 2
    assert said.startswith('error: index')
    assert said.count('\n') == 1


def test_help_of_a_command_costs_a_second_at_most(tmp_path):
    for _ in range(2):  # the second time nothing is read from disk
        done = subprocess.run(
            [sys.executable, '-c', RUN, 'train', '--help'],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.stdout.startswith('usage: mmfake train'), done.stderr
        seconds, heavy = json.loads(done.stdout.splitlines()[-1])
        assert heavy == []
        if seconds <= 1:
            return
    pytest.fail(f'{seconds} s')
