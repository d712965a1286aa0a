"""Logs as the Runner leaves them, and runs with known scores."""

import pandas as pd
import pytest
from mmengine.config import Config
from mmengine.visualization import LocalVisBackend

from mmfake.evaluation.scores import COLUMNS, SCORED, RunScores

# a config of which the training curves take the seed, the window and the numbers of classes
CONFIG = dict(
    randomness=dict(seed=7),
    log_processor=dict(window_size=20),
    model=dict(binary=dict(cls_head=dict(num_classes=2)), multi=dict(cls_head=dict(num_classes=4))),
)


def train_line(step, epoch, **scalars):
    return dict({'loss': 2.0, 'binary.loss_ce': 0.7, 'multi.loss_ce': 1.3}, **scalars), dict(
        epoch=epoch, iter=step, step=step
    )


def val_line(epoch, auc, n_scored=64, low=-0.1, high=0.1, **methods):
    line = {'auc': auc, 'n_expected': 64.0, 'n_scored': n_scored}
    line.update(n_original=16.0, n_manipulated=n_scored - 16)
    if low is not None:
        line.update(auc_low=auc + low, auc_high=auc + high)
    line.update({f'{method}/auc': value for method, value in methods.items()})
    return {f'deepfake/{key}': value for key, value in line.items()}, dict(step=epoch)


@pytest.fixture
def write_log(tmp_path):
    """A factory of work dirs: each call adds one start of the training, written by mmengine."""

    def write(lines, start='20260101_000000', config=CONFIG):
        backend = LocalVisBackend(str(tmp_path / 'run' / start / 'vis_data'))
        for scalars, place in lines:
            backend.add_scalars({**scalars, **place}, file_path=f'{start}.json')
        if config is not None:
            backend.add_config(Config(config))
        return tmp_path / 'run'

    return write


@pytest.fixture
def make_run():
    """A factory of runs with given scores of originals and of the fakes of each method."""

    def make(regime, holdout, originals, seed=0, threshold=None, **fakes):
        rows = [
            (f'{method}/{place}', method, int(method != 'original'), score, 1, SCORED, '')
            for method, scores in dict(original=originals, **fakes).items()
            for place, score in enumerate(scores)
        ]
        return RunScores(
            regime, holdout, seed, pd.DataFrame(rows, columns=list(COLUMNS)), threshold
        )

    return make
