from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from data_prep import preview as cli
from mmfake.errors import MMFakeError


def test_two_pictures(dataset, tmp_path, capsys):
    out = tmp_path / 'new' / 'sheet.png'
    cli.main([str(dataset.table().path), '--out', str(out), '--rows', '2', '--seed', '4'])
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [f'contact sheet: {out}', f'histograms: {out.parent}/sheet_histograms.png']
    rows = 2
    sheet, page = (cv2.imread(str(path)) for path in sorted(out.parent.iterdir()))
    # 200 dots per inch
    assert sheet.shape[0] == pytest.approx(200 * (0.68 + rows * 1.06), abs=2)
    assert page.shape[1] == pytest.approx(1420, abs=2)


def test_sources_that_are_not_there_and_bad_rows_are_said(dataset, tmp_path, capsys):
    (dataset.root / dataset.row('nt/002_003')['source_file']).unlink()
    dataset.rows[0]['split'] = 'nowhere'
    cli.main([str(dataset.table().path), '--out', str(tmp_path / 'sheet.png')])
    said = capsys.readouterr().out
    assert 'source files not there: 1; of these videos only the crop is shown' in said
    assert 'bad rows not shown: run data_prep/check_index.py' in said


@pytest.mark.parametrize(
    ('words', 'match'),
    [(['--rows', '0'], '--rows 0'), (['--out', 'sheet.gif'], 'no such format of a figure')],
)
def test_wrong_values(dataset, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MMFakeError, match=match):
        cli.main([str(dataset.table().path), '--out', 'sheet.png', *words])
    assert not list(tmp_path.glob('sheet*'))


def test_an_index_without_a_sound_row(dataset, tmp_path):
    for row in dataset.rows:
        row['split'] = 'nowhere'
    with pytest.raises(MMFakeError, match='has no sound row'):
        cli.main([str(dataset.table().path), '--out', str(tmp_path / 'sheet.png')])


def test_the_script(dataset, tmp_path, command):
    script = Path(cli.__file__).parents[1] / 'preview.py'
    words = ['--out', tmp_path / 'sheet.pdf', '--rows', '1']
    done = command('python', '-W', 'ignore', script, dataset.table().path, *words)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'sheet.pdf').read_bytes().startswith(b'%PDF')
    assert (tmp_path / 'sheet_histograms.pdf').exists()
