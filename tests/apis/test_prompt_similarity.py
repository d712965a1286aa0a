"""The similarity of prompts, against cosines computed one by one."""

import csv
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS

from mmfake import MMFakeError
from mmfake.apis.prompt_similarity import prompt_similarity
from mmfake.engine.config import load_config

pytest.importorskip('transformers', reason='the extra clip is not installed')

CONFIGS = Path(__file__).parents[2] / 'configs'
NAMES = ['fake', 'expression', 'identity', 'physical consistency', 'eye', 'illumination', 'mouth']
NAMES += ['nose']


def save(row, path, seed):
    config = CONFIGS / 'joint_embedding' / f'joint_embedding{row}.py'
    cfg = load_config(str(config), 'mini', work_dir='x')
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(config), model.cls_head.eval()


def test_the_table_and_the_figures(tmp_path):
    config, head = save('', tmp_path / 'trained.pth', seed=5)
    files, _ = prompt_similarity(config, str(tmp_path / 'trained.pth'), tmp_path, 'mini')
    assert [file.suffix for file in files] == ['.png', '.svg', '.csv']
    assert all(file.stat().st_size > 500 for file in files)
    rows = list(csv.DictReader(files[-1].open()))
    assert len(rows) == 8 * 7 // 2
    with torch.no_grad():
        embeddings = head.text(head.tokens).double()
    for row in rows:
        a, b = (embeddings[NAMES.index(row[key])] for key in ('prompt', 'other'))
        cosine = float(a @ b) / float(a @ a) ** 0.5 / float(b @ b) ** 0.5
        assert float(row['after']) == pytest.approx(cosine, abs=2e-6)
        assert row['before'] != row['after']


def test_joint_templates_have_a_name_for_each_combination(tmp_path):
    config, _ = save('_joint_templates', tmp_path / 'trained.pth', seed=0)
    _, table = prompt_similarity(config, str(tmp_path / 'trained.pth'), tmp_path, 'mini')
    assert len(table) == 24 * 23 // 2
    assert table['prompt'][0] == 'fake, expression, eye'


def test_what_does_not_fit_ends_in_one_line(tmp_path):
    config, head = save('', tmp_path / 'trained.pth', seed=0)
    for weights in ({'binary.cls_head.text.x': torch.ones(1)}, [1]):
        torch.save(dict(state_dict=weights), tmp_path / 'other.pth')
        with pytest.raises(MMFakeError, match=r'other.pth: lacks \d+ of the \d+ tensors of the'):
            prompt_similarity(config, str(tmp_path / 'other.pth'), tmp_path, 'mini')
    other = str(CONFIGS / 'mtl' / 'bin_ce_holdout_df.py')
    with pytest.raises(MMFakeError, match='has no text encoder; give the config of a detector'):
        prompt_similarity(other, str(tmp_path / 'trained.pth'), tmp_path)
