# SGD with polynomial decay, as the winner of the Deepfake Detection Challenge: lr 0.01, momentum
# 0.9, Nesterov, weight decay 1e-4 on everything, the power 0.9 of the rest of the way to zero, each
# step, norm of the gradient at most 1. Nothing is frozen or slowed, unlike in the Adam schedule.
# He trained in half precision: --amp.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4),
    clip_grad=dict(max_norm=1),
)

# Ours: the paper gives no length. He took 100,000 steps over the DFDC with its 100,000 fakes;
# FaceForensics++ has 2,880 videos: 167 epochs x 60 batches of 48 frames = 10,020 steps. Validation
# every 5th, as an epoch is short.
train_cfg = dict(type='mmfake.ResumableTrainLoop', max_epochs=167, val_begin=5, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0,
        by_epoch=True,
        begin=0,
        end=167,
        convert_to_iter_based=True,
    ),
]

# --auto-scale-lr scales the learning rate by (world size x batch size) / base_batch_size
auto_scale_lr = dict(enable=False, base_batch_size=48)
