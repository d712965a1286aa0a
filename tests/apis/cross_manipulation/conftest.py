"""Cells that were never trained: a record and the scores that it is of."""

import hashlib
import json

import pytest

from mmfake.apis.cross_manipulation.cell import Cell
from mmfake.apis.cross_manipulation.cell_config import SETTINGS_RULES
from mmfake.evaluation.scores import COLUMNS


def write_scores(folder, method, shift=0.0, n=6):
    rows = [','.join(COLUMNS)]
    for place in range(n):
        rows.append(f'ffpp/original/c23/{place:03d},original,0,{0.1 + 0.05 * place},4,scored,')
        score = 0.5 + shift + 0.05 * place
        rows.append(f'ffpp/{method}/c23/{place:03d}_9,{method},1,{score},4,scored,')
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'scores.csv').write_text('\n'.join(rows) + '\n')
    return hashlib.sha256((folder / 'scores.csv').read_bytes()).hexdigest()


@pytest.fixture
def make_cell(tmp_path):
    """A factory of finished cells below tmp_path; ``without`` leaves a key of the record out."""

    def make(regime='bin_ce', holdout='df', seed=0, method=None, without=(), **changed):
        cell = Cell(regime, holdout, seed)
        folder = tmp_path / cell.name
        digest = write_scores(folder, method or holdout)
        record = dict(
            regime=regime,
            holdout=holdout,
            seed=seed,
            config=cell.config,
            command='python tools/train.py',
            settings=f'{cell.name}',
            settings_without_seed=f'{regime}/{holdout}',
            settings_rules=SETTINGS_RULES,
            checkpoint='best_deepfake_auc_epoch_1.pth',
            checkpoint_sha256=f'hash of {cell.name}',
            scores_sha256=digest,
            threshold=0.4,
            dataset='mini_ffpp',
            data_root='data',
            commit='abc',
            test_order=None,
            processes=[1],
            total_batch=[16],
        )
        record = {key: value for key, value in {**record, **changed}.items() if key not in without}
        (folder / 'cell.json').write_text(json.dumps(record))
        return cell

    return make
