# Row "DFDC Winner" of arXiv 2308.13503: the EfficientNet-B7 of the winner of the Deepfake Detection
# Challenge (github.com/selimsef/dfdc_deepfake_challenge), frame by frame, "but without the DFDC
# pre-training". The paper gives encoder, initial weights (Noisy Student) and resolution (380 px);
# everything else here is the winner's code, or ours where that does not carry over, and says so.
model = dict(
    type='mmfake.DualStreamRecognizer',
    backbone=dict(
        type='mmfake.PerFrame',
        backbone=dict(
            type='mmfake.EfficientNet',
            arch='b7',
            drop_path_rate=0.2,  # the winner's
            # Noisy Student, ImageNet top-1 86.83 %, from
            # download.openmmlab.com/mmclassification/v0/efficientnet/. timm's file of the same
            # weights loads as well. Without it the encoder starts from random weights, after a
            # warning.
            init_cfg=dict(
                type='Pretrained',
                checkpoint='checkpoints/'
                'efficientnet-b7_3rdparty-ra-noisystudent_in1k_20221103-a82894bc.pth',
                missing_ok=True,
            ),
        ),
    ),
    binary=dict(
        cls_head=dict(
            type='mmfake.MLPHead',
            num_classes=2,  # 0 original, 1 manipulated; one logit in the winner's: the same
            in_channels=2560,
            hidden_channels=(),  # one linear layer on the pooled map
            dropout_ratio=0.0,  # the winner's code never passes its dropout on
            label_key='label_bin',
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=1.0),
            # The winner clips labels to [0.01, 0.99], which 0.02 of two classes is. It serves the
            # log loss of the challenge; the accuracy of the row is little changed by it.
            label_smoothing=0.02,
            # The 32 frames of a test video: mean probability. Not the winner's "confident
            # strategy", which the paper does not name.
            average_clips='prob',
        ),
    ),
    data_preprocessor=dict(
        type='mmfake.PinnedDataPreprocessor',
        mean=[123.675, 116.28, 103.53],  # ImageNet's, on 0..255, as the weights want it
        std=[58.395, 57.12, 57.375],
        format_shape='NCTHW',
    ),
    train_cfg=None,
    # 8 of the 32 frames of a test video at once: memory alone
    test_cfg=dict(max_testing_views=8),
)
custom_hooks = []

# What --scale mini is for this model, over configs/_base_/scales/mini.py: B0 from random weights,
# on single frames of 64 px. SGD as at full scale, with a step three times as large, as nothing is
# trained yet; an epoch is 224 frames, so there are more of them than of clips.
scales = dict(
    mini=dict(
        model=dict(
            backbone=dict(backbone=dict(arch='b0', drop_path_rate=0.0, init_cfg=None)),
            binary=dict(cls_head=dict(in_channels=1280)),
        ),
        optim_wrapper=dict(optimizer=dict(lr=0.03), paramwise_cfg=None),
        train_cfg=dict(max_epochs=12, val_begin=4, val_interval=4),
        param_scheduler=[
            dict(
                type='PolyLR',
                power=0.9,
                eta_min=0,
                by_epoch=True,
                begin=0,
                end=12,
                convert_to_iter_based=True,
            ),
        ],
    ),
)
