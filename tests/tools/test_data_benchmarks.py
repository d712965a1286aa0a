"""tools/benchmarks/loader.py and prepare.py: a real measurement of few clips."""

import re
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / 'tools' / 'benchmarks'


def ratios_in(lines, name):
    """The least, median and greatest ratio of a variant, in each of the tables."""
    found = [re.findall(r'\d+\.\d+', line[len(name) :])[:3] for line in lines if f'{name} ' in line]
    return [[float(word) for word in words] for words in found if len(words) == 3]


@pytest.mark.nightly
def test_loader(command):
    done = command('python', BENCHMARKS / 'loader.py', '--clips', '6', '--rounds', '2')
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert 'cores' in lines[0]
    for name in ('mp4 by mmaction2', 'mp4', 'npy', '32 PNG files (DeepfakeBench)'):
        own = [line for line in lines if line.startswith(f'{name}  ')]
        assert len(ratios_in(own, name)) == 2, 'CPU seconds, then one worker'
        assert all(low <= middle <= high for low, middle, high in ratios_in(own, name))
        assert any(re.fullmatch(rf'{re.escape(name)}: [1-9]\d* clips a second', x) for x in lines)
    # decoding is a part of loading, and an array needs none
    ((*_, bound),) = ratios_in(lines, 'mp4, decoded only')
    assert 0 < bound < 1


@pytest.mark.nightly
def test_prepare(command):
    words = ('--videos', '1', '--rounds', '2', '--detector', 'none')
    done = command('python', BENCHMARKS / 'prepare.py', *words)
    assert done.returncode == 0, done.stderr
    for preset in ('medium', 'faster', 'veryfast', 'superfast', 'ultrafast'):
        assert re.search(
            rf'{preset}: \d+\.\d\d kB a frame, [34]\d\.\d dB, the same bytes again', done.stdout
        )
    assert re.search(r'ms of a core for a frame: decode \d+%, faces \d+%, write \d+%', done.stdout)
    encode = ratios_in(done.stdout.splitlines()[1:8], 'ultrafast')
    assert encode[0][2] < 1, 'less than preset medium, in every round'


@pytest.mark.parametrize('name', ['loader', 'prepare'])
@pytest.mark.parametrize(
    ('words', 'match'),
    [(['--rounds', '0'], '--rounds 0 is below 1'), (['--data', 'DIR'], 'holds no mp4 file')],
)
def test_a_mistake_is_one_line(name, words, match, tmp_path, command):
    words = [str(tmp_path) if word == 'DIR' else word for word in words]
    done = command('python', BENCHMARKS / f'{name}.py', *words)
    assert done.returncode == 2
    assert match in done.stderr
    assert len(done.stderr.splitlines()) == 1
