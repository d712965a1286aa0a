"""k batches of B are one batch of kB, where batch norm and dropout do not see the difference."""

import pytest
import torch

SETTINGS = {
    'optim_wrapper.optimizer': dict(type='SGD', lr=0.1),  # Adam magnifies rounding errors
    'param_scheduler': [],  # by iterations, of which there are k times as many
}


def frozen(harness, regime, folder, smoke, batch_size, k, **encoder):
    settings = dict(SETTINGS, **{'train_dataloader.batch_size': batch_size})
    settings['optim_wrapper.accumulative_counts'] = k
    cfg = harness.config_of(regime, folder / f'{batch_size}', smoke, **encoder, **settings)
    for stream in (cfg.model.binary, cfg.model.get('multi')):
        if stream:
            stream.cls_head.dropout_ratio = 0.0
    return harness.trained(cfg)


@pytest.mark.parametrize('regime', ['baseline_s3d', 'bin_ce', 'bin_multi_ce'])
def test_k_batches_are_one(regime, harness, smoke, tmp_path):
    encoder = dict(type='TinyTestEncoder', norm=False)
    whole, *parts = (
        frozen(harness, regime, tmp_path, smoke, 8 // k, k, encoder=encoder) for k in (1, 2, 4)
    )
    for part in parts:
        assert part.iter > whole.iter
        torch.testing.assert_close(
            dict(whole.model.state_dict()), dict(part.model.state_dict()), rtol=1e-5, atol=1e-7
        )
