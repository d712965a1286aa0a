# Light tuning of CLIP ViT-L/14 as in GenD (github.com/yermandy/GenD, MIT; "Deepfake Detection that
# Generalizes Across Benchmarks"): of 303 M parameters the 102,400 of the layer norms are trained
# (0.03 %), and a linear classifier of the embedding's direction. Frame by frame.
model = dict(
    type='mmfake.DualStreamRecognizer',
    backbone=dict(
        type='mmfake.PerFrame',
        backbone=dict(
            type='mmfake.CLIPImageEncoder',
            # The files config.json and model.safetensors of
            # https://huggingface.co/openai/clip-vit-large-patch14 in this folder. Without them
            # training does not start: norms around random weights are no detector.
            # pretrained='hf://openai/clip-vit-large-patch14' downloads them.
            pretrained='checkpoints/clip-vit-large-patch14',
            config='ViT-L/14',  # so that a trained checkpoint is tested without that folder
            projection=False,  # the class token behind the last norm, 1024 numbers, as GenD
            # Trained norms in every layer need all activations: 24 x 257 tokens of 1024. A third
            # more time for a fraction of the memory.
            with_cp=True,
        ),
    ),
    binary=dict(
        cls_head=dict(
            type='mmfake.MLPHead',
            num_classes=2,  # 0 original, 1 manipulated
            in_channels=1024,
            hidden_channels=(),
            dropout_ratio=0.0,
            normalize=True,
            label_key='label_bin',
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=1.0),
            average_clips='prob',  # the 32 frames of a test video: mean probability
        ),
        # GenD's weights. head=None trains with cross entropy alone.
        head=dict(type='mmfake.AlignmentUniformityHead', alignment=0.1, uniformity=0.5),
    ),
    # the layer norms of the encoder (the first is spelt pre_layrnorm) and all heads
    trainable=[r'^backbone\..*(layer_?norm|layrnorm)', '^binary'],
    data_preprocessor=dict(
        type='mmfake.PinnedDataPreprocessor',
        mean=[122.771, 116.746, 104.094],  # CLIP's, on 0..255
        std=[68.501, 66.632, 70.323],
        format_shape='NCTHW',
    ),
    train_cfg=None,
    # 16 of the 32 frames of a test video at once: memory alone
    test_cfg=dict(max_testing_views=16),
)
custom_hooks = []

# What --scale mini is for this model, over configs/_base_/scales/mini.py: a small tower on single
# frames of 64 px, of which the same parts are trained. Its weights are random, so that training
# only finds out what a classifier of random features can know, which is little. Such features are
# nearly alike in all frames: it takes larger steps to tell them apart.
scales = dict(
    mini=dict(
        model=dict(
            backbone=dict(
                backbone=dict(
                    pretrained=None,
                    config=dict(
                        _delete_=True,
                        hidden_size=128,
                        intermediate_size=256,
                        num_hidden_layers=2,
                        num_attention_heads=2,
                        image_size=64,
                        patch_size=8,
                    ),
                    with_cp=False,
                )
            ),
            binary=dict(cls_head=dict(in_channels=128)),
        ),
        optim_wrapper=dict(
            optimizer=dict(lr=0.03, weight_decay=0.0),
            paramwise_cfg=dict(custom_keys={'binary': dict(lr_mult=10.0)}),
        ),
        train_cfg=dict(max_epochs=12, val_begin=4, val_interval=4),
        param_scheduler=[
            dict(
                type='CosineAnnealingLR',
                T_max=12,
                eta_min=0,
                by_epoch=True,
                begin=0,
                end=12,
                convert_to_iter_based=True,
            ),
        ],
    ),
)
