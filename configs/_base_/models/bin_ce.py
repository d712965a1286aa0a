# Regime "Binary CE": L_CE^bin updates the encoder. The other regimes inherit from this file.
model = dict(
    type='mmfake.DualStreamRecognizer',
    backbone=dict(
        type='mmfake.S3D',
        norm_cfg=dict(type='BN3d', eps=1e-5),  # CoCLR's value: eps follows the weights
        # The paper says "pre-trained with CoCLR" and not which file; this is the authors' RGB one
        # trained on most data (Kinetics-400). It cannot be downloaded by script: without it the
        # encoder starts from random weights, after a warning that says where it is published.
        init_cfg=dict(
            type='Pretrained',
            checkpoint='checkpoints/CoCLR-k400-rgb-128-s3d.pth.tar',
            missing_ok=True,
        ),
    ),
    binary=dict(
        cls_head=dict(
            type='mmfake.MLPHead',
            num_classes=2,  # 0 original, 1 manipulated
            in_channels=1024,
            # three layers are the paper's, the widths are not given: halving twice
            hidden_channels=(512, 256),
            dropout_ratio=0.2,  # S3D's own before its classifier
            label_key='label_bin',
            # the paper adds its losses without weights
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=1.0),
            average_clips='prob',  # the clips of a test video: mean probability
        ),
    ),
    data_preprocessor=dict(
        type='mmfake.PinnedDataPreprocessor',
        # CoCLR's normalisation: ImageNet mean and std, here on 0..255
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCTHW',
    ),
    train_cfg=None,
    test_cfg=None,
)
custom_hooks = []
