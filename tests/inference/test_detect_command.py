"""What the command says to odd arguments, in one line each."""

import pytest

from mmfake.apis.detect import detect_videos
from mmfake.errors import MMFakeError


@pytest.fixture
def detect(request, checkpoint, tmp_path):
    """Run the command in this process."""
    scale = tmp_path / 'tiny.py'
    scale.write_text('clip_size = dict(clip_len=8, image_size=32)\n')
    config = request.config.rootpath / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'
    options = ['--config', config, '--checkpoint', checkpoint(), '--scale', scale]
    options += ['--no-face', '--out', tmp_path / 'out']

    def run(*words):
        return detect_videos([str(word) for word in (*options, *words)])

    return run


@pytest.mark.parametrize(
    ('words', 'part'),
    [
        (['--threads', '-1'], '--threads -1 is not from 1'),
        (['--threads', '0'], '--threads 0 is not from 1'),
        (['--device', 'meta'], "device 'meta'"),
        (['--device', 'nonsense'], "device 'nonsense'"),
        (['--batch', '0'], 'batch_size=0'),
        (['--checkpoint', 'a' * 300], 'no such checkpoint file'),
    ],
)
def test_wrong_arguments(detect, words, part, tmp_path):
    with pytest.raises(MMFakeError, match=part):
        detect('gone.mp4', *words)
    assert not (tmp_path / 'out').exists()


def test_a_list_with_an_impossible_name(detect, write_film, noise_film, tmp_path, capsys):
    write_film(tmp_path / 'good.mp4', noise_film(0))
    (tmp_path / 'list.txt').write_text('a' * 300 + '.mp4\ngood.mp4\n')
    assert detect(tmp_path / 'list.txt') == 1
    told = capsys.readouterr().out
    assert 'scored 1 of 2 videos' in told
    assert 'decode-failed: cannot be opened (File name too long)' in told


def test_names_reach_the_terminal_escaped(detect, write_film, noise_film, tmp_path, capsys):
    name = 'nl\nscored 9 of 9 videos\x1b[31m'
    write_film(tmp_path / name / f'{name}.mp4', noise_film(0))
    (tmp_path / name / 'x.\x1b[5m').write_text('')
    assert detect(tmp_path / name) == 0
    captured = capsys.readouterr()
    assert '\x1b' not in captured.out + captured.err
    assert len([line for line in captured.out.splitlines() if line.startswith('scored ')]) == 1
    assert 'nl\\nscored 9 of 9 videos\\x1b[31m.mp4' in captured.out
    assert 'passed over 1 other files (.\\x1b[5m 1)' in captured.out
