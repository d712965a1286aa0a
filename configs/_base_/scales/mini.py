# Mini scale, to be merged over any of the 24 configs:
#   python tools/train.py configs/mtl/bin_ce_holdout_df.py --scale mini
# Clips of 8 frames at 64 px, a short schedule and the rendered dataset: minutes on two CPU cores.
# Its results say that the path works and training learns; they say nothing about FaceForensics++.
data_root = 'data/mini_ffpp'  # python data_prep/make_mini_ffpp.py --out data/mini_ffpp
pack = dict(
    type='PackActionInputs',
    algorithm_keys=('label_bin', 'label_multi', 'sample_idx'),
    meta_keys=('video_id', 'method', 'filename', 'num_clips', 'img_shape'),
)
train_pipeline = [
    dict(type='DecordInit', num_threads=1),
    dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='RandomResizedCrop', area_range=(0.8, 1.0), aspect_ratio_range=(0.9, 1 / 0.9)),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    pack,
]
val_pipeline = [
    dict(type='DecordInit', num_threads=1),
    dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=2, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 64)),
    dict(type='CenterCrop', crop_size=64),
    dict(type='FormatShape', input_format='NCTHW'),
    pack,
]
test_pipeline = [
    dict(type='DecordInit', num_threads=1),
    dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=4, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 64)),
    dict(type='CenterCrop', crop_size=64),
    dict(type='FormatShape', input_format='NCTHW'),
    pack,
]

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    dataset=dict(data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=2,
    dataset=dict(data_root=data_root, pipeline=val_pipeline),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=2,
    dataset=dict(data_root=data_root, pipeline=test_pipeline),
)

# Random weights: the encoder learns at the full rate.
optim_wrapper = dict(
    optimizer=dict(lr=1e-3, weight_decay=1e-4),
    paramwise_cfg=dict(_delete_=True, custom_keys={}),
)
train_cfg = dict(max_epochs=16)
param_scheduler = [
    dict(
        type='OneCycleLR',
        eta_max=1e-3,
        pct_start=0.2,
        total_steps=16,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
# Adjusts the hook of a contrastive regime; nothing happens where a regime has none. 1/0.01 = 100
# steps of memory instead of 1,000, and a queue of about one epoch, as at full scale.
custom_hooks = [dict(type='mmfake.LabelMoCoHook', momentum=0.99, queue_size=256)]
default_hooks = dict(logger=dict(interval=5), checkpoint=dict(max_keep_ckpts=1))
