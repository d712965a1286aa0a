import copy
import math
from pathlib import Path

import pytest
from mmengine.config import Config

from mmfake.apis.cell import latest_config
from mmfake.apis.test import nothing_scored, set_test_options
from tools.test import main

CONFIG = Path(__file__).parents[2] / 'configs' / 'mtl' / 'bin_ce_holdout_df.py'
HEAD = dict(cls_head=dict(average_clips='prob'))


@pytest.mark.parametrize(
    ('model', 'averaging'), [(dict(binary=HEAD), 'prob'), (HEAD, 'prob'), (dict(), None)]
)
def test_the_scores_say_what_they_are_of(model, averaging, tmp_path):
    evaluator = dict(type='mmfake.DeepfakeMetric')
    training = Config(dict(model=model, work_dir='w', test_evaluator=evaluator))
    cfg = copy.deepcopy(training)
    set_test_options(cfg, 'best.pth')
    (evaluator,) = cfg.test_evaluator
    facts = dict(checkpoint='best.pth', config='None', averaging=averaging)
    assert (evaluator.facts, evaluator.scores_file) == (facts, 'w/scores.csv')
    # by which a dump without load_from is known as that of a test
    cfg.load_from = None
    for start, one in (('2', training), ('1', cfg)):
        folder = tmp_path / start / 'vis_data'
        folder.mkdir(parents=True)
        one.dump(folder / 'config.py')
    assert latest_config(tmp_path, of_test=True).test_evaluator[0].facts == facts
    assert 'facts' not in latest_config(tmp_path).test_evaluator


@pytest.mark.parametrize(('n', 'status'), [(0.0, 1), (1.0, 0)])
def test_a_test_that_scores_nothing_fails(n, status, monkeypatch, capsys, tmp_path):
    metrics = {'deepfake/auc': math.nan, 'deepfake/n_scored': n, 'deepfake/df/n_scored': 0.0}
    assert nothing_scored(metrics) == bool(status)
    monkeypatch.setattr('mmfake.apis.test.test', lambda cfg: metrics)
    monkeypatch.setattr('mmfake.apis.test.set_test_options', lambda *args, **options: None)
    checkpoint = tmp_path / 'best.pth'
    checkpoint.touch()
    assert main([str(CONFIG), str(checkpoint)]) == status
    line = 'error: none of the videos was scored; see the reasons above\n'
    assert capsys.readouterr().err == status * line
