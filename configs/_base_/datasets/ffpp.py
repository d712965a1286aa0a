# FaceForensics++ c23: loaders, pipelines and evaluators of all four manipulations.
# ffpp_holdout_*.py next to this file keep one of them for the test, ffpp_c40.py reads c40; the
# options --holdout KEY and --compression C do either to any config.
#
# The videos are expected to be face crops (data_prep makes them, 160 px) but any video works.
# A link is the shortest way to data elsewhere: ln -s /where/it/is data/ffpp
#
# The three names below are read when THIS file runs: a config that inherits it and sets
# `clip_len = 16` changes nothing. mmfake.datasets.clip_size.set_clip_size shows how to do it.
_base_ = []  # with it, mmengine lets a config file call what it imports
from mmfake.engine.machine import loader_workers

data_root = 'data/ffpp'
clip_len = 32  # contiguous frames, about 1.3 s at 25 fps: what CoCLR pre-trained its S3D on
image_size = 128  # px; given in the paper

pack_inputs = dict(
    type='PackActionInputs',
    algorithm_keys=('label_bin', 'label_multi', 'sample_idx'),
    meta_keys=('video_id', 'method', 'filename', 'num_clips', 'img_shape'),
)

# Augmentation is drawn once per clip, never per frame: flicker is a trace to be learnt.
train_pipeline = [
    # in place of mmaction2's DecordInit; also takes clips stored as jpg or npy
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=clip_len, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    # A crop of the face, mildly off shape. The smallest side is 160 * sqrt(0.7 * 0.9) = 127 px, so
    # that no stored crop is enlarged: interpolation would smooth away what gives a fake away.
    dict(type='RandomResizedCrop', area_range=(0.7, 1.0), aspect_ratio_range=(0.9, 1 / 0.9)),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    # mmaction2's ColorJitter, pixel for pixel, in less than half the time.
    # Weak and in half of the clips: a colour mismatch is itself a trace of FaceSwap. hue=0 because
    # mmaction2's hue shift overflows uint8 (an exception with numpy 2, wrong colours before).
    dict(
        type='RandomApply',
        prob=0.5,
        transforms=[
            dict(
                type='mmfake.PlanarColorJitter',
                brightness=0.2,
                contrast=0.2,
                saturation=0.2,
                hue=0.0,
            )
        ],
    ),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
# One clip from the middle of the video: 560 clips say well enough which epoch is best.
val_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=clip_len, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='DecordDecode'),
    # short side, then centre: changes the shape of nobody's face if the video is not square
    dict(type='Resize', scale=(-1, image_size)),
    dict(type='CenterCrop', crop_size=image_size),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
# Four clips spread evenly over the video, first frame to last, whose scores the head averages:
# 4 x 32 = 128 frames, 40 to 50 % of a typical video of 270 to 300.
test_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=clip_len, frame_interval=1, num_clips=4, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, image_size)),
    dict(type='CenterCrop', crop_size=image_size),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]

train_dataloader = dict(
    batch_size=32,  # per process; 16 originals + 16 fakes; 2,880 / 32 = 90 iterations an epoch
    # One worker for each core of this process, 16 at most. A core reads 30 clips a second or more,
    # so that they feed a GPU that takes a batch in 70 ms. torch's prefetch_factor of 2 lets them
    # hold 16 x 2 batches of 32 x 1.5 MiB = 1.5 GiB, of /dev/shm. Without pin_memory, as the data
    # preprocessor stacks a batch in pinned memory.
    num_workers=loader_workers(16),
    persistent_workers=True,
    # The contrastive queue is written in equal parts by all processes, so every batch is whole.
    # In TRAINING only: a test that drops its last batch scores 256 of 280 videos.
    drop_last=True,
    # Originals and fakes 1:1, as in the test, the fakes in equal shares, each original beside a
    # fake of itself. The same without the pairing: sampler=dict(type='mmfake.BalancedSampler').
    # The plain 1:3 of the dataset: sampler=dict(type='DefaultSampler', shuffle=True).
    sampler=dict(type='mmfake.PairedSampler'),
    dataset=dict(
        type='mmfake.FFPPDataset',
        data_root=data_root,
        split='train',
        holdout=None,
        compression='c23',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=loader_workers(8),  # beside those of training, which persist
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmfake.FFPPDataset',
        data_root=data_root,
        split='val',
        holdout=None,
        compression='c23',
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size=8,  # videos, i.e. 8 x 4 = 32 clips: as much memory as validation
    num_workers=loader_workers(16),
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmfake.FFPPDataset',
        data_root=data_root,
        split='test',
        holdout=None,
        compression='c23',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)

# 200 replicates place an interval well enough to watch training; the test has the default 1,000
val_evaluator = dict(type='mmfake.DeepfakeMetric', n_bootstrap=200)
test_evaluator = dict(type='mmfake.DeepfakeMetric')
