# Regime "Binary CE + Contrastive": L_CE^bin + L_con^bin update the encoder.
_base_ = './bin_ce.py'

model = dict(
    binary=dict(
        contrastive_head=dict(
            type='mmfake.ContrastiveHead',
            in_channels=1024,
            out_channels=128,  # CoCLR's and MoCo's
            label_key='label_bin',
            loss=dict(
                type='mmfake.MultiInstanceInfoNCELoss',
                temperature=0.07,  # CoCLR's and MoCo's
                loss_weight=1.0,
            ),
        ),
    ),
)
custom_hooks = [
    dict(
        type='mmfake.LabelMoCoHook',
        momentum=0.999,  # CoCLR's and MoCo's
        queue_size=2048,  # CoCLR's on UCF101: 64 batches of 32, 71 % of an epoch of 2,880 clips
    ),
]
