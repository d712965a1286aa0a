"""tools/benchmarks/gpu.py: a real measurement of tiny clips, and what it does without time."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def measured(command, smoke, tiny_tree, tmp_path):
    """Run it on tiny clips; gives the rows of the JSON file and the lines that were printed."""

    def run(regime, *options):
        config = ROOT / 'configs' / 'mtl' / f'{regime}_holdout_f2f.py'
        words = [config, '--small', '--scale', smoke, '--data-root', tiny_tree, *options]
        words += ['--out', tmp_path / 'rows.json']
        done = command('python', ROOT / 'tools' / 'benchmarks' / 'gpu.py', *words)
        assert done.returncode == 0, done.stderr
        return json.loads((tmp_path / 'rows.json').read_text()), done.stdout.splitlines()[-6:]

    return run


@pytest.mark.nightly
def test_steps_and_whole_iterations_are_measured(measured):
    found, (facts, head, *lines) = measured('bin_multi_ce')
    assert facts.endswith('seed: 0')
    assert head.split() == ['batch', 'ms', '[95', '%', 'interval]', 'n', 'clips/s', 'MiB']
    names = [row['name'] for row in found['rows']]
    assert names[:2] == ['float32', 'float32 channels_last']
    assert names[-1] == 'whole iteration, 1 workers'
    for row, line in zip(found['rows'], lines):
        assert 'reason' not in row, row
        assert row['low'] <= row['ms'] <= row['high']
        assert row['clips_per_s'] == pytest.approx(1000 * row['batch'] / row['ms'])
        assert line.startswith(row['name'])
        assert f'{row["ms"]:.1f} [' in line
    assert 0 <= found['rows'][-1]['waited'] <= 1


def test_what_is_left_out_is_said_with_the_reason(measured):
    found, lines = measured('bin_multi_con', '--seconds', '0')
    assert all(row['reason'] == 'left out after 0 s' for row in found['rows'])
    assert lines[-1].endswith('not measured: left out after 0 s')
