"""Other datasets go through the same pipeline, one's own two folders too, up to a training."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pandas as pd
import pytest

from data_prep import prepare_dataset
from data_prep.listings.list_dataset import LISTINGS
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.errors import MMFakeError

CENTRE = ('--detector', 'none', '--size', '32', '--frames', '24', '--min-frames', '16')
ROOT = Path(__file__).parents[3]

SMALL = """
data_root = 'data/mine'
clip_size = dict(clip_len=8, image_size=32)
loader = dict(batch_size=4, num_workers=0, persistent_workers=False)
train_dataloader, val_dataloader, test_dataloader = loader, loader, loader
train_cfg = dict(max_epochs=1)
"""


@pytest.fixture
def celebdf(tmp_path, write_raw, grey_film):
    """Two people: two videos each, a fake of one with the face of the other, one from YouTube."""
    root = tmp_path / 'Celeb-DF-v2'
    names = (
        *('Celeb-real/id0_0000', 'Celeb-real/id0_0001', 'Celeb-real/id1_0000'),
        *('YouTube-real/00000', 'Celeb-synthesis/id0_id1_0000', 'Celeb-synthesis/id0_id1_0001'),
    )
    for number, name in enumerate(names):
        write_raw(root / f'{name}.mp4', grey_film(number, 26))
    (root / 'List_of_testing_videos.txt').write_text(
        '1 YouTube-real/00000.mp4\n1 Celeb-real/id0_0000.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n'
    )
    return root


def test_celebdf_is_prepared_and_read(celebdf, tmp_path, capfd):
    out = tmp_path / 'out'
    words = ['--dataset', 'celebdf2', '--root', str(celebdf), '--out', str(out), *CENTRE]
    assert prepare_dataset.main(words) == 0
    said = capfd.readouterr().out
    assert '6 videos made' in said
    index = pd.read_csv(out / 'index.csv', dtype=str, keep_default_na=False).set_index('id')
    fake = index.loc['celebdf2/cdf/released/id0_id1_0000']
    assert (fake.split, fake.target, fake.source) == ('test', 'id0_0000', 'id1')
    assert fake.track_of == 'celebdf2/original/released/id0_0000'
    dataset = FFPPDataset(
        pipeline=[],
        split='test',
        holdout='cdf',
        methods=['cdf'],
        compression='released',
        data_root=str(out),
    )
    dataset.full_init()
    labels = [dataset.get_data_info(number)['label_bin'] for number in range(len(dataset))]
    assert sorted(labels) == [0, 0, 1]


def test_equal_names_of_generators_and_what_is_missing_or_empty(
    tmp_path, write_raw, grey_film, capfd
):
    root = tmp_path / 'Celeb-DF++'
    swaps = 'Celeb-synthesis/FaceSwap'
    names = ('Celeb-real/id0_0000', 'YouTube-real/00000', f'{swaps}/SimSwap/id0_id1_0000')
    for number, name in enumerate((*names, f'{swaps}/GHOST/id0_id1_0000')):
        write_raw(root / f'{name}.mp4', grey_film(number, 26))
    for name in ('LIA', 'FSRT'):
        path = root / 'Celeb-synthesis/FaceReenact' / name / 'id0_id1_0000.mp4'
        path.parent.mkdir(parents=True)
        path.touch()
    (root / 'List_of_testing_videos.txt').write_text(
        f'1 Celeb-real/id0_0000.mp4\n0 {swaps}/GHOST/id0_id1_0000.mp4\n'
        f'0 {swaps}/UniFace/id0_id1_0000.mp4\n0 Celeb-synthesis/FaceReenact/LIA/id0_id1_0000.mp4\n'
    )
    out = tmp_path / 'out'
    words = ['--dataset', 'celebdfpp', '--root', str(root), '--out', str(out), *CENTRE]
    assert prepare_dataset.main(words) == 3
    assert [line.split() for line in capfd.readouterr().out.splitlines() if '  ' in line] == [
        ['method', 'split', 'expected', 'used', 'decode-failed', 'missing'],
        ['Original', 'train', '1', '1', '0', '0'],
        ['Original', 'test', '1', '1', '0', '0'],
        ['Celeb-DF++', 'train', '2', '1', '1', '0'],
        ['Celeb-DF++', 'test', '3', '1', '1', '1'],
        ['all', '7', '4', '2', '1'],
    ]
    index = pd.read_csv(out / 'index.csv', dtype=str, keep_default_na=False).set_index('id')
    used = index[index.status == 'used']
    assert len(set(used.path)) == 4
    for name in ('GHOST', 'SimSwap'):
        row = index.loc[f'celebdfpp/cdfpp/released/{name}-id0_id1_0000']
        assert row.track_of == 'celebdfpp/original/released/id0_0000'
    reason = index.loc['celebdfpp/cdfpp/released/LIA-id0_id1_0000'].reason
    assert reason == 'empty file; copy it anew'


def test_a_bad_line_of_a_list_costs_that_line_and_the_status_says_so(
    celebdf, tmp_path, capfd, caplog
):
    path = celebdf / 'List_of_testing_videos.txt'
    path.write_text('1 nonsense\n' + path.read_text())
    words = ['--dataset', 'celebdf2', '--root', str(celebdf), '--out', str(tmp_path / 'out')]
    assert prepare_dataset.main([*words, *CENTRE]) == 3
    said = capfd.readouterr().out
    assert '6 videos made' in said
    assert 'entries that are left out: 1' in said
    assert "line 1: '1 nonsense' is not" in caplog.text


def test_wrong_usage(tmp_path, celebdf):
    words = ['--root', str(celebdf), '--out', str(tmp_path / 'out'), *CENTRE]
    with pytest.raises(MMFakeError, match='ffpp_root is no option of dataset celebdf2'):
        prepare_dataset.main(['--dataset', 'celebdf2', '--ffpp-root', 'x', *words])
    with pytest.raises(MMFakeError, match='dataset.json'):
        prepare_dataset.main(['--dataset', 'dfdc_preview', *words])
    with pytest.raises(SystemExit) as stop:
        prepare_dataset.main(['--dataset', 'nothing', *words])
    assert stop.value.code == 2
    assert not (tmp_path / 'out').exists()


def test_help_names_every_dataset(capsys):
    with pytest.raises(SystemExit):
        prepare_dataset.main(['--help'])
    said = capsys.readouterr().out
    for name in LISTINGS[1:]:
        assert f'\n  {name} ' in said


def test_a_manipulation_of_ones_own_is_prepared_checked_and_trained_as_the_page_says(
    tiny_tree, tmp_path, command
):
    """In processes of their own: what one registers must not be known to the next."""
    (tmp_path / 'RAW' / 'manipulated_sequences').mkdir(parents=True)
    for name in ('original_sequences', 'splits'):
        os.symlink(tiny_tree / name, tmp_path / 'RAW' / name)
    for source, name in (('FaceSwap', 'FaceSwap'), ('Deepfakes', 'SimSwap')):
        folder = tmp_path / 'RAW' / 'manipulated_sequences' / name
        os.symlink(tiny_tree / 'manipulated_sequences' / source, folder)

    def run(script, *words):
        done = command('python', ROOT / script, *words, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    options = '--root RAW --out data/mine --detector none --size 64 --min-frames 8 --jobs 2'
    prepare = ('data_prep/prepare_ffpp.py', *options.split(), '--methods')
    page = (ROOT / 'data_prep' / 'README.md').read_text()
    (own,) = re.findall(r'prepare_ffpp.py .*(sim=\S+)', page)
    status, said = run(*prepare, 'sim')
    assert status == 2
    assert "unknown manipulation 'sim'" in said
    assert 'sim=manipulated_sequences/NAME' in said
    assert run(*prepare, 'fs=manipulated_sequences/SimSwap')[0] == 2  # the key is taken
    status, said = run(*prepare, own)
    assert status == 0, said
    assert 'SimSwap' in said
    status, said = run(*prepare, 'fs')  # which does not know of it
    assert status == 0, said
    assert '8 videos of earlier runs with other methods stay in the index' in said
    index = pd.read_csv(tmp_path / 'data/mine/index.csv', dtype=str, keep_default_na=False)
    assert index.method.value_counts().to_dict() == dict(original=8, fs=8, sim=8)
    assert set(index.status) == {'used'}

    # known from the index
    status, said = run('data_prep/check_index.py', 'data/mine/index.csv', '--no-decode')
    assert status == 0, said
    assert "warning unknown-method: method 'sim': 8 videos" in said
    status, said = run('data_prep/preview.py', 'data/mine/index.csv', '--out', 'sheet.png')
    assert status == 0, said

    # trained, and held out
    (config,) = re.findall(r'```python\n# my_manipulation.py\n(.*?)```', page, re.S)
    config = config.replace("'configs/", f"'{ROOT}/configs/").replace(
        "'df', 'f2f', 'fs', 'nt'", "'fs'"
    )
    (tmp_path / 'my_manipulation.py').write_text(config)
    (tmp_path / 'small.py').write_text(SMALL)
    status, said = run('tools/train.py', 'my_manipulation.py', '--scale', 'small.py')
    assert status == 0, said
    assert 'FFPPDataset train, hold-out sim: 8 videos (4 original, 4 fs)' in said
    (best,) = tmp_path.glob('work_dirs/my_manipulation/best_*_1.pth')
    status, said = run('tools/test.py', 'my_manipulation.py', best, '--scale', 'small.py')
    assert status == 0, said
    scores = pd.read_csv(tmp_path / 'work_dirs/my_manipulation/scores.csv', comment='#')
    assert scores.groupby(['method', 'label']).size().to_dict() == {
        ('original', 0): 2,
        ('sim', 1): 2,
    }


def test_prepared_and_trained_as_the_page_says(tiny_tree, tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind, videos in (
        ('real', 'original_sequences/youtube'),
        ('fake', '*/FaceSwap'),
    ):
        (tmp_path / 'MY_VIDEOS' / kind).mkdir(parents=True)
        for path in tiny_tree.glob(f'{videos}/c23/videos/*.mp4'):
            os.symlink(path, tmp_path / 'MY_VIDEOS' / kind / path.name)
    page = (ROOT / 'data_prep' / 'README.md').read_text()
    (words,) = re.findall(r'prepare_dataset.py (--dataset folders .*)', page)
    words += ' --detector none --size 64 --min-frames 8 --jobs 2'
    assert prepare_dataset.main(words.split()) == 0
    with open('data/mine/index.csv', newline='') as stream:
        splits = {row['id'].split('/')[-1]: row['split'] for row in csv.DictReader(stream)}
    assert len(splits) == 16
    fakes = [name for name in splits if '_' in name]
    assert len(fakes) == 8
    for name in fakes:
        assert splits[name] == splits[name[:3]] == splits[name[4:]]

    (config,) = re.findall(r'```python\n# my_data.py\n(.*?)```', page, re.S)
    (tmp_path / 'my_data.py').write_text(config.replace("'configs/", f"'{ROOT}/configs/"))
    (tmp_path / 'small.py').write_text(SMALL)
    done = command(
        *('python', ROOT / 'tools' / 'train.py', 'my_data.py', '--scale', 'small.py'), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert 'FFPPDataset train, hold-out None: 8 videos (4 original, 4 fake)' in said
    assert re.search(r'scored 4 of 4 videos', said)
    assert list(tmp_path.glob('work_dirs/my_data/best_*.pth'))
