# Mini scale, merged over any config:
#   python tools/train.py configs/mtl/bin_ce_holdout_df.py --scale mini
# Small clips, a short schedule and the rendered dataset: minutes on two CPU cores. Its results say
# that the path works and that training learns; they say nothing about FaceForensics++.
#
# data_root, clip_size, perturb_kinds, transforms and custom_hooks are spread over the config by the
# command (mmfake.engine.config).
data_root = 'data/mini_ffpp'  # python data_prep/make_mini_ffpp.py --out data/mini_ffpp
clip_size = dict(clip_len=8, image_size=64)
# of a training that perturbs its frames: they have 128 px, and patches are for 256 px or more
perturb_kinds = ['noise', 'blur', 'pixelate', 'contrast', 'saturation', 'h264', 'jpeg', 'resize']
# Adjusts these where a pipeline has them. Of 128 px the network sees 64, which keep nothing of the
# fine changes that are made for 160 px of which it sees 128. So blends differ in coarser ones, all
# fully and all over the face, and are coded at qualities that leave these to be seen.
transforms = [
    dict(
        type='mmfake.SelfBlend',
        regions=dict(face=1),
        strengths=(1,),
        prob_sharpness=1.0,
        textures=dict(pixels=(3, 6), sharpen=(0.5, 1.5)),
        radius=2.0,
    ),
    dict(type='mmfake.Recompress', jpeg=(85, 100), h264=(8, 18)),
]
# Adjusts the hook of a contrastive regime and does nothing where a regime has none. A memory of
# 1 / 0.01 = 100 steps instead of 1,000, and a queue of about one epoch, as at full scale.
custom_hooks = [dict(type='mmfake.LabelMoCoHook', momentum=0.99, queue_size=256)]

train_dataloader = dict(batch_size=16, num_workers=2)  # 224 videos in 14 iterations an epoch
val_dataloader = dict(num_workers=1)
test_dataloader = dict(num_workers=1)

# The encoder starts from random weights N(0, 0.01). Adam moves a weight by about the learning rate
# at each step: 2e-4 is 2 % of a weight, while 1e-3 turns the encoder over before it learns.
optim_wrapper = dict(
    optimizer=dict(lr=1e-3, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.2)}),
)
train_cfg = dict(max_epochs=8)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.1,
        by_epoch=True,
        begin=0,
        end=1,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        T_max=7,
        eta_min=0,
        by_epoch=True,
        begin=1,
        end=8,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(logger=dict(interval=7), checkpoint=dict(max_keep_ckpts=2))
