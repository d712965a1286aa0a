import os
from pathlib import Path

import matplotlib
import pytest
from matplotlib.text import Text
from PIL import Image

from mmfake.visualization.training_curves import (
    draw_training_curves,
    plot_training_curves,
    read_training_log,
    run_name,
)


@pytest.fixture
def work_dir(write_log, log_lines):
    train, val = log_lines
    lines = []
    for epoch in (1, 2, 3):
        lines += [train(14 * epoch - 7, epoch), train(14 * epoch, epoch)]
        # one video could not be read in epoch 2
        lines += [val(epoch, 0.5 + 0.1 * epoch, n_scored=63 if epoch == 2 else 64, df=0.7)]
    return write_log(lines)


def _title(figure):
    return ' '.join(figure._suptitle.get_text().split('\n'))  # no getter before matplotlib 3.8


def test_files_are_written_and_nothing_global_changes(work_dir, tmp_path):
    before = dict(matplotlib.rcParams)
    files = [tmp_path / 'a.png', str(tmp_path / 'deep' / 'a.svg')]
    plot_training_curves(work_dir, files)
    assert dict(matplotlib.rcParams) == before
    with Image.open(files[0]) as image:
        assert image.size == (1420, 580)  # 7.1 x 2.9 inches
        assert len(image.convert('RGB').getcolors(1 << 20)) > 50
    svg = Path(files[1]).read_text()
    assert '<!-- NeuralTextures -->' not in svg
    assert '<!-- Deepfakes -->' in svg
    assert '<!-- best: epoch 3, 0.800 [0.700, 0.900] -->' in svg


def test_the_title_names_seed_and_the_fewest_videos_scored(work_dir):
    figure = draw_training_curves(read_training_log(work_dir), 'bin_ce_holdout_df')
    assert _title(figure) == (
        'bin_ce_holdout_df, seed 7, 63 of 64 validation videos (16 original, 47 manipulated)'
    )


@pytest.mark.parametrize(
    ('config', 'expected'),
    [(None, 'run'), (dict(), 'run, random seed'), (dict(randomness=dict(seed=0)), 'run, seed 0')],
)
def test_the_title_says_no_more_than_is_known(write_log, log_lines, config, expected):
    log = read_training_log(write_log([log_lines[0](5, 1)], config=config))
    assert _title(draw_training_curves(log, 'run')) == expected


@pytest.mark.parametrize('name', ['bin_multi_con_holdout_f2f', 'my_own_' + 12 * 'very_' + 'long'])
def test_no_text_is_cut_off_at_the_edge(work_dir, name):
    figure = draw_training_curves(read_training_log(work_dir), name)
    figure.draw_without_rendering()
    left, right = figure.axes
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    assert len(texts) > 10
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1, text.get_text()
    assert left.get_xlim() == right.get_xlim()  # the panels can be read across


def test_a_run_is_named_by_its_newest_config_or_its_folder(tmp_path, monkeypatch):
    work_dir = tmp_path / 'seed_3'
    work_dir.mkdir()
    assert run_name(work_dir) == 'seed_3'
    for age, name in enumerate(['bin_ce_holdout_df.py', 'bin_con_holdout_df.py']):
        (work_dir / name).touch()
        os.utime(work_dir / name, (1e9 - age, 1e9 - age))
    assert run_name(work_dir) == 'bin_ce_holdout_df'
    monkeypatch.chdir(tmp_path / 'seed_3')
    (work_dir / 'bin_ce_holdout_df.py').unlink()
    (work_dir / 'bin_con_holdout_df.py').unlink()
    assert run_name('.') == 'seed_3'
