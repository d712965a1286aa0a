"""The learning rates of the shipped schedules."""

import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import CosineAnnealingLR
from mmengine.registry import PARAM_SCHEDULERS

BASES = Path(__file__).parents[2] / 'configs' / '_base_'


@pytest.mark.parametrize(
    'path',
    [
        *('schedules/adam_50e.py', 'schedules/adamw_36e.py', 'schedules/adamw_restarts_30e.py'),
        'scales/mini.py',
    ],
)
def test_the_parts_follow_each_other_to_the_end_of_training(path):
    """mmengine saves an end that it had to fill in, and a resumed run would keep it."""
    cfg = Config.fromfile(BASES / path)
    ends = [part.end for part in cfg.param_scheduler]
    assert [part.begin for part in cfg.param_scheduler] == [0, *ends[:-1]]
    assert ends[-1] == cfg.train_cfg.max_epochs


def test_the_cosine_of_the_joint_embedding_detector_goes_down_and_up_again():
    cfg = Config.fromfile(BASES / 'schedules' / 'adamw_36e.py')
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], **{'lr': cfg.optim_wrapper.optimizer.lr})
    (part,) = cfg.param_scheduler
    settings = {key: part[key] for key in ('T_max', 'eta_min', 'by_epoch', 'begin', 'end')}
    schedule = CosineAnnealingLR.build_iter_from_epoch(optimizer, epoch_length=10, **settings)
    rates = []
    for _ in range(360):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        schedule.step()
    expected = [1e-7 * (1 + math.cos(math.pi * step / 50)) / 2 for step in range(360)]
    assert rates == pytest.approx(expected, abs=1e-12)
    assert max(rates[100 * k + 50] for k in range(3)) < 1e-12, 'zero in one iteration, not an epoch'


def test_the_restarts_begin_every_ten_epochs():
    cfg = Config.fromfile(BASES / 'schedules' / 'adamw_restarts_30e.py')
    (part,) = cfg.param_scheduler
    optimizer = torch.optim.AdamW([torch.zeros(1)], lr=cfg.optim_wrapper.optimizer.lr)
    schedule = PARAM_SCHEDULERS.get(part.pop('type')).build_iter_from_epoch(
        optimizer, epoch_length=4, **{key: part[key] for key in part if 'convert' not in key}
    )
    rates = []
    for _ in range(120):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        schedule.step()
    for begin in (0, 40, 80):
        assert rates[begin] == pytest.approx(3e-4)
        # half a cosine of 40 steps
        expected = [1e-6 + (3e-4 - 1e-6) / 2 * (1 + math.cos(math.pi * n / 40)) for n in range(40)]
        assert rates[begin : begin + 40] == pytest.approx(expected)
