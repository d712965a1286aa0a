# Mini scale of the joint-embedding detector, for any config of configs/joint_embedding:
#   python tools/train.py configs/joint_embedding/joint_embedding.py --scale mini_clip
# A tiny CLIP with random weights on small frames of the rendered dataset. Its results say that the
# path works and that training learns; they say nothing about FaceForensics++.
_base_ = './mini.py'
clip_size = dict(clip_len=1, image_size=64)

sizes = dict(
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=3,
    num_attention_heads=4,
    projection_dim=32,
)
model = dict(
    backbone=dict(
        backbone=dict(pretrained=None, config=dict(sizes, image_size=64, patch_size=8)),
    ),
    binary=dict(
        cls_head=dict(
            text=dict(pretrained=None, config=sizes),
            # texts that differ in one word are all but equal to random weights: with a scale of 1
            # nothing is learnt in so few steps
            prompts=dict(scale=10.0),
        )
    ),
)

pack_inputs = dict(
    type='PackActionInputs',
    algorithm_keys=('label_bin', 'label_multi', 'attributes', 'sample_idx'),
    meta_keys=('video_id', 'method', 'filename', 'num_clips', 'img_shape'),
)
# No degraded frames: their levels are made for crops of 317 px.
train_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='mmfake.AttributeForgery'),
    dict(type='mmfake.Recompress'),
    dict(type='Resize', scale=(64, 64), keep_ratio=False, interpolation='bicubic'),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
test_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=8, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 64), interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=64),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
train_dataloader = dict(
    batch_size=32,
    # (280 videos + 5 x 56 forgeries) x 4 frames: 70 iterations an epoch
    dataset=dict(times=4, dataset=dict(pipeline=train_pipeline)),
)
val_dataloader = dict(batch_size=8, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(batch_size=8, dataset=dict(pipeline=test_pipeline))

# random weights learn nothing at 1e-7
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=None)
