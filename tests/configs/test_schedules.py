"""The learning rates of the shipped schedules."""

from pathlib import Path

import pytest
from mmengine.config import Config

BASES = Path(__file__).parents[2] / 'configs' / '_base_'


@pytest.mark.parametrize('path', ['schedules/adam_50e.py', 'scales/mini.py'])
def test_the_parts_follow_each_other_to_the_end_of_training(path):
    """mmengine saves an end that it had to fill in, and a resumed run would keep it."""
    cfg = Config.fromfile(BASES / path)
    ends = [part.end for part in cfg.param_scheduler]
    assert [part.begin for part in cfg.param_scheduler] == [0, *ends[:-1]]
    assert ends[-1] == cfg.train_cfg.max_epochs
