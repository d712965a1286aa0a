from pathlib import Path

SCRIPT = Path(__file__).parents[2] / 'tools' / 'test_matrix.sh'


def test_help_is_the_header_and_builds_nothing(command, tmp_path, monkeypatch):
    monkeypatch.setenv('TMPDIR', str(tmp_path))  # where the environments would be
    done = command('bash', SCRIPT, '--help')
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith('The test suite in two stacks')
    assert lines[-1] == 'PYTHON310=... and PYTHON311=... choose the interpreters.'
    assert not list(tmp_path.iterdir())
