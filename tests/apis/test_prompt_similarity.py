"""The similarity of prompts, against cosines computed one by one."""

import csv
from pathlib import Path

import pandas as pd
import pytest
import torch
from mmaction.registry import MODELS

from mmfake import MMFakeError
from mmfake.apis.prompt_similarity import prompt_similarity
from mmfake.engine.config import load_config

transformers = pytest.importorskip('transformers', reason='the extra clip is not installed')

CONFIGS = Path(__file__).parents[2] / 'configs'
TOOL = Path(__file__).parents[2] / 'tools' / 'prompt_similarity.py'
NAMES = ['fake', 'expression', 'identity', 'physical consistency', 'eye', 'illumination', 'mouth']
NAMES += ['nose']


def save(row, path, seed):
    config = CONFIGS / 'joint_embedding' / f'joint_embedding{row}.py'
    cfg = load_config(str(config), 'mini', work_dir='x')
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(config), model.cls_head.eval()


def cosine_of(row, embeddings):
    a, b = (embeddings[NAMES.index(row[key])] for key in ('prompt', 'other'))
    return float(a @ b) / float(a @ a) ** 0.5 / float(b @ b) ** 0.5


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
        assert float(row['after']) == pytest.approx(cosine_of(row, embeddings), abs=2e-6)
    assert list(rows[0]) == ['prompt', 'other', 'after'], 'it began at random, nobody knows where'
    svg = files[1].read_text()
    assert ('after training' in svg, 'before training' in svg) == (True, False)


def test_a_frozen_text_encoder_is_what_it_was(tmp_path):
    config, head = save('_frozen_text', tmp_path / 'trained.pth', seed=5)
    files, table = prompt_similarity(config, str(tmp_path / 'trained.pth'), tmp_path, 'mini')
    assert list(table) == ['prompt', 'other', 'before', 'after']
    assert (table['before'] == table['after']).all()
    assert 'before training' in files[1].read_text()
    with torch.no_grad():
        embeddings = head.text(head.tokens).double()
    for row in table.to_dict('records'):
        assert row['before'] == pytest.approx(cosine_of(row, embeddings), abs=2e-6)


def test_before_are_the_pre_trained_weights(tmp_path, command):
    config, _ = save('', tmp_path / 'trained.pth', seed=5)
    cfg = load_config(config, 'mini', work_dir='x')
    text = dict(cfg.model.binary.cls_head.text.config)
    whole = transformers.CLIPConfig(text_config=text, projection_dim=text['projection_dim'])
    clip = transformers.CLIPModel(whole).eval()
    clip.save_pretrained(tmp_path / 'clip')
    cfg.model.binary.cls_head.text.pretrained = str(tmp_path / 'clip')
    cfg.dump(tmp_path / 'mine.py')
    options = [tmp_path / 'trained.pth', '--out', tmp_path]
    done = command('python', TOOL, tmp_path / 'mine.py', *options)
    assert (done.returncode, done.stderr) == (0, '')
    *nearest, _ = done.stdout.splitlines()
    assert len(nearest) == 3, 'and no line of each tensor'
    table = pd.read_csv(tmp_path / 'prompt_similarity.csv')
    first = table.sort_values('after').iloc[-1]
    assert nearest[0] == (
        f'{first["prompt"]} and {first["other"]}: {first["before"]:.3f} before, '
        f'{first["after"]:.3f} after'
    )
    with torch.no_grad():
        tokens = MODELS.build(cfg.model.binary.cls_head).tokens
        embeddings = clip.text_projection(clip.text_model(tokens).pooler_output).double()
    for row in table.to_dict('records'):
        assert row['before'] == pytest.approx(cosine_of(row, embeddings), abs=2e-6)
    assert (table['before'] != table['after']).all()


def test_the_tool_says_that_random_weights_are_not_known(tmp_path, command):
    config, _ = save('', tmp_path / 'trained.pth', seed=5)
    options = [tmp_path / 'trained.pth', '--scale', 'mini', '--out', tmp_path]
    *nearest, note, _ = command('python', TOOL, config, *options).stdout.splitlines()
    assert note == 'before training: not known, as the text encoder began with random weights'
    assert len(nearest) == 3
    assert not any('before' in line for line in nearest)


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
