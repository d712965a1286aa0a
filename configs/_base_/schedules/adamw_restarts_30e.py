# GenD's (github.com/yermandy/GenD): AdamW, lr 3e-4, no weight decay, three cosines of ten epochs
# down to 1e-6. It trains in bfloat16: --amp bfloat16
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-4, betas=(0.9, 0.999), weight_decay=0.0),
)

# 30 epochs x 90 batches of 32 videos x 8 frames = 2,700 steps of 256 frames. GenD takes 512 frames
# a step and 32 frames of every video in an epoch: 6,750 steps over the four methods.
train_cfg = dict(type='mmfake.ResumableTrainLoop', max_epochs=30, val_begin=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [
    dict(
        type='CosineRestartLR',
        periods=[10, 10, 10],
        restart_weights=[1, 1, 1],
        eta_min=1e-6,
        by_epoch=True,
        begin=0,
        end=30,
        convert_to_iter_based=True,
    ),
]

# --auto-scale-lr scales the learning rate by (world size x batch size) / base_batch_size
auto_scale_lr = dict(enable=False, base_batch_size=32)
