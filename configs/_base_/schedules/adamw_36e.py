# The joint-embedding paper: AdamW at 1e-7 for every weight of both encoders, weight decay 1e-3.
# 36 epochs x 3,600 iterations = 130 k steps, each of which moves a weight by at most the learning
# rate. That is below half precision's step at typical weights (0.02): weights stay in float32.
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-7, weight_decay=1e-3))

train_cfg = dict(type='mmfake.ResumableTrainLoop', max_epochs=36, val_begin=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# "Cosine annealing", says the paper; the authors' later code has a half period of 5 epochs: down
# to zero, up again, and so on. There it is set once an epoch, and epochs with rate zero are left
# out; set at each iteration it passes zero without losing an epoch.
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        T_max=5,
        eta_min=0,
        by_epoch=True,
        begin=0,
        end=36,
        convert_to_iter_based=True,
    ),
]

# --auto-scale-lr scales the learning rate by (world size x batch size) / base_batch_size
auto_scale_lr = dict(enable=False, base_batch_size=32)
