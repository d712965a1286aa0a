# Regime "Binary CE + Multi CE": L_CE^bin + L_CE^mult update the encoder.
_base_ = './bin_ce.py'

model = dict(
    multi=dict(
        cls_head=dict(
            type='mmfake.MLPHead',
            num_classes=4,  # original + the three manipulations that a hold-out run trains on
            in_channels=1024,
            hidden_channels=(512, 256),
            dropout_ratio=0.2,
            label_key='label_multi',
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=1.0),
        ),
    ),
)
