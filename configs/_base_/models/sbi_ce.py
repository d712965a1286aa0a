# Regime "Binary CE" on originals and their self-blended clips alone.
_base_ = './bin_ce.py'

# What --scale mini is for it, over configs/_base_/scales/mini.py: an epoch is 112 samples in 7
# iterations, half of one with manipulations, and blends are harder to learn: 24 x 7 = 168.
scales = dict(
    mini=dict(
        train_cfg=dict(max_epochs=24, val_begin=4, val_interval=4),
        param_scheduler=[
            dict(
                type='LinearLR',
                start_factor=0.1,
                by_epoch=True,
                begin=0,
                end=2,
                convert_to_iter_based=True,
            ),
            dict(
                type='CosineAnnealingLR',
                T_max=22,
                eta_min=0,
                by_epoch=True,
                begin=2,
                end=24,
                convert_to_iter_based=True,
            ),
        ],
    ),
)
