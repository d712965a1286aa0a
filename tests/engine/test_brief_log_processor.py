import pytest
from mmengine.runner import LogProcessor

from mmfake import BriefLogProcessor

LINE = (
    'Epoch(val) [1][4/4]    deepfake/n_scored: 64.0000  deepfake/auc: 0.5000  '
    'deepfake/auc_low: 0.4000  deepfake/auc_high: 0.6000  deepfake/threshold_bacc: 0.4000  '
    'deepfake/df/auc: 0.5000  deepfake/df/n_scored: 4.0000  acc/top1: 0.5000  '
    'data_time: 0.2985  time: 0.7052'
)


@pytest.mark.parametrize('mode', ['val', 'test'])
def test_the_line_is_short_and_the_values_complete(monkeypatch, mode):
    values = {'deepfake/df/auc': 0.5}
    monkeypatch.setattr(LogProcessor, 'get_log_after_epoch', lambda *a, **k: (values, LINE))
    found, line = BriefLogProcessor().get_log_after_epoch(None, 4, mode)
    assert found is values
    assert line == (
        'Epoch(val) [1][4/4]    deepfake/auc: 0.5000  deepfake/threshold_bacc: 0.4000  '
        'acc/top1: 0.5000  data_time: 0.2985  time: 0.7052'
    )
