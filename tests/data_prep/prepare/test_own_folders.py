"""The most asked question: training on one's own two folders, as data_prep/README.md says."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

from data_prep import prepare_dataset

ROOT = Path(__file__).parents[3]

SMALL = """
data_root = 'data/mine'
clip_size = dict(clip_len=8, image_size=32)
loader = dict(batch_size=4, num_workers=0, persistent_workers=False)
train_dataloader, val_dataloader, test_dataloader = loader, loader, loader
train_cfg = dict(max_epochs=1)
"""


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
