import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mmfake.errors import MMFakeError
from mmfake.evaluation.paper import paper_compat


def test_256_of_280(make_run):
    found = paper_compat(make_run('a', n=140).frame)
    assert (found['n'], found['n_kept']) == (280, 256)
    assert float(256 * found['acc_kept']).is_integer()
    assert float(280 * found['acc']) == pytest.approx(round(280 * found['acc']))


def test_the_last_targets_are_dropped(make_frame):
    # targets 000 to 018, each an original and a fake: 38 videos, of which 006 and later 6 go
    originals = [0.1 + 0.01 * i for i in range(19)]
    fakes = [0.9 - 0.01 * i for i in range(19)]
    originals[15], originals[16], fakes[17] = 0.7, 0.8, 0.2  # an error kept, two dropped
    frame = make_frame([originals, fakes])
    found = paper_compat(frame.sample(frac=1, random_state=0))
    assert found['acc'] == pytest.approx(35 / 38)
    assert found['acc_kept'] == pytest.approx(31 / 32)
    assert found['auc_kept'] == roc_auc_score([0] * 16 + [1] * 16, originals[:16] + fakes[:16])
    assert found['auc'] == roc_auc_score([0] * 19 + [1] * 19, originals + fakes)

    reverse = sorted(frame['video'], reverse=True)  # originals first, then the highest fakes
    kept = frame.set_index('video').loc[reverse[:32]]
    expected = ((kept['score'] >= 0.5) == kept['label']).mean()
    order = ['not scored', *reverse]
    assert paper_compat(frame, order=order)['acc_kept'] == pytest.approx(expected)
    with pytest.raises(
        MMFakeError, match='1 scored videos are not in the order of the test: ffpp/'
    ):
        paper_compat(frame, order=reverse[:-1])


def test_range_over_orders_against_simulation(make_run):
    frame = make_run('a', n=140, distance=0.8).frame
    found = paper_compat(frame)
    right = ((frame['score'] >= 0.5) == frame['label']).to_numpy()
    rng = np.random.default_rng(0)
    accs = [rng.permutation(right)[:256].mean() for _ in range(4000)]
    ends = found['acc_kept_low'], found['acc_kept_high']
    assert ends == pytest.approx(np.quantile(accs, [0.025, 0.975]), abs=1.01 / 256)
    assert np.mean([ends[0] <= acc <= ends[1] for acc in accs]) >= 0.94


@pytest.mark.filterwarnings('error')
def test_less_than_a_batch_leaves_nothing(make_run):
    found = paper_compat(make_run('a', n=10).frame)
    assert found['n_kept'] == 0
    assert math.isnan(found['acc_kept'])
    assert math.isnan(found['acc_kept_low'])
    assert 0 < found['acc'] < 1


def test_names_of_another_form(make_frame):
    frame = make_frame([[0.2] * 20, [0.8] * 20])
    frame['video'] = [f'clip {i}.mp4' for i in range(40)]
    assert paper_compat(frame)['n_kept'] == 32
