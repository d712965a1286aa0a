"""k batches of B are one batch of kB, where batch norm and dropout do not see the difference."""

import pytest
import torch


def end(harness, regime, folder, smoke, k, encoder, lr):
    settings = {
        'optim_wrapper.optimizer': dict(type='SGD', lr=lr),  # Adam magnifies rounding errors
        'optim_wrapper.accumulative_counts': k,
        'train_dataloader.batch_size': 8 // k,
        'param_scheduler': [],  # by iterations, of which there are k times as many
    }
    cfg = harness.config_of(regime, folder / f'{k}', smoke, encoder=encoder, **settings)
    for stream in (cfg.model.binary, cfg.model.get('multi')):
        if stream:
            stream.cls_head.dropout_ratio = 0.0
    return harness.trained(cfg)


NIGHTLY = [pytest.param(name, marks=pytest.mark.nightly) for name in ('baseline_s3d', 'bin_ce')]


@pytest.mark.parametrize('regime', ['bin_multi_ce', *NIGHTLY])
def test_k_batches_are_one(regime, harness, smoke, tmp_path):
    encoder = dict(type='TinyTestEncoder', norm=False)
    whole, *parts = (end(harness, regime, tmp_path, smoke, k, encoder, 0.1) for k in (1, 2, 4))
    for part in parts:
        assert part.iter > whole.iter
        torch.testing.assert_close(
            dict(whole.model.state_dict()), dict(part.model.state_dict()), rtol=1e-5, atol=1e-7
        )


@pytest.mark.nightly
def test_two_batches_are_one_where_batch_norms_are_frozen(harness, smoke, tmp_path):
    whole, parts = (
        end(harness, 'bin_ce', tmp_path, smoke, k, harness.FROZEN, 1e-3) for k in (1, 2)
    )
    assert (whole.iter, parts.iter) == (2, 4)
    expected, found = (dict(runner.model.state_dict()) for runner in (whole, parts))
    torch.testing.assert_close(expected, found, rtol=1e-4, atol=1e-6)


def test_resumed_where_a_step_has_ended(harness, smoke, tmp_path):
    """Two epochs of four iterations, steps after 3, 6 and 8; checkpoints are due after 4 and 5."""

    def run(name, *options):
        settings = {'train_cfg.max_epochs': 2, 'optim_wrapper.accumulative_counts': 3}
        cfg = harness.config_of(
            'bin_multi_con', tmp_path / name, smoke, *options, also_save=5, **settings
        )
        state = harness.state_of(harness.trained(cfg))
        del state['files'], state['kept']
        return state

    expected = run('straight')
    for number, checkpoint in enumerate(
        [
            harness.in_mid_epoch(tmp_path / 'straight', 6),
            str(tmp_path / 'straight' / 'epoch_1.pth'),
        ]
    ):
        assert torch.load(checkpoint, weights_only=False)['meta']['iter'] == 6
        harness.assert_same(expected, run(f'resumed{number}', '--resume', checkpoint))
