# FaceForensics++ c23 as single frames of 380 px: loaders, pipelines and evaluators of all four
# manipulations. ffpp_frames_holdout_*.py next to this file keep one of them for the test.
#
# Crops of that size have to be stored, into a folder of their own. Margin 1.67 is the winner's, a
# third of the face box on each side (of another face detector, so it is nominal):
#   python data_prep/prepare_ffpp.py --root RAW --out data/ffpp_400 --size 400 --margin 1.67
# (400 / 160)^2 = 6 times the disk of data/ffpp. That one works too, with a warning: 160 px enlarged
# to 380 hold no more than 160 did.
_base_ = './ffpp.py'

data_root = 'data/ffpp_400'
image_size = 380  # px; given in the paper

pack_inputs = dict(
    type='PackActionInputs',
    algorithm_keys=('label_bin', 'label_multi', 'sample_idx'),
    meta_keys=('video_id', 'method', 'filename', 'num_clips', 'img_shape'),
)

# One random frame a sample, as the winner's. Of his augmentation there are flip, shift and scale
# (as a crop), brightness and contrast, grey. Missing, as mmaction2 has no transform for them: JPEG
# quality 60 to 100 (p 0.5), Gaussian noise (p 0.1), blur (p 0.05), rotation by 10 degrees, hue,
# FancyPCA, three kinds of interpolation, and the cut-out of parts of the face, which the paper does
# not name.
train_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    # shift and scale: up to 1.2 times larger, 1 / 1.2^2 = 0.69 of the area (his also shrinks)
    dict(
        type='RandomApply',
        prob=0.5,
        transforms=[
            dict(type='RandomResizedCrop', area_range=(0.69, 1.0), aspect_ratio_range=(1.0, 1.0))
        ],
    ),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    # hue=0 because mmaction2's hue shift overflows uint8
    dict(
        type='RandomApply',
        prob=0.7,
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
    # to grey: no saturation at all
    dict(
        type='RandomApply',
        prob=0.2,
        transforms=[
            dict(
                type='mmfake.PlanarColorJitter',
                brightness=0.0,
                contrast=0.0,
                saturation=(0.0, 0.0),
                hue=0.0,
            )
        ],
    ),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
# Four frames: 560 x 4 = 2,240 say well enough which epoch is best.
val_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=4, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, image_size)),
    dict(type='CenterCrop', crop_size=image_size),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
# 32 frames evenly over the video, in the middle of 32 equal parts of it. The winner takes them from
# the first frame to the last: half a part apart from these.
test_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=32, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, image_size)),
    dict(type='CenterCrop', crop_size=image_size),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]

# 48 frames a step, as the winner's 12 on each of 4 GPUs: 24 originals + 24 fakes, whose mean loss
# is his (fake + real) / 2. 2,880 / 48 = 60 iterations an epoch. He had 12 GB for 12 frames in half
# precision. Counted on a CPU, B7 keeps 1.5 GB a frame for backward in single precision; with_cp of
# the encoder takes less. On N GPUs train_dataloader.batch_size is
# 48 / N, with sync_bn='torch'.
train_dataloader = dict(batch_size=48, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(batch_size=8, dataset=dict(data_root=data_root, pipeline=val_pipeline))
test_dataloader = dict(batch_size=1, dataset=dict(data_root=data_root, pipeline=test_pipeline))
