# The paper gives no optimiser. CoCLR fine-tunes with Adam at 1e-3 and a tenth of it for the
# encoder; weight decay as there.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3, weight_decay=1e-3),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
)

# 50 epochs x 90 batches of 32 (2,880 clips an epoch in a hold-out run) = 4,500 iterations
train_cfg = dict(type='mmfake.ResumableTrainLoop', max_epochs=50, val_begin=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# Warm-up over the first 2 epochs (the heads start from random weights), then cosine to zero.
param_scheduler = [
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
        T_max=48,
        eta_min=0,
        by_epoch=True,
        begin=2,
        end=50,
        convert_to_iter_based=True,
    ),
]

# --auto-scale-lr scales the learning rate by (world size x batch size) / base_batch_size
auto_scale_lr = dict(enable=False, base_batch_size=32)
