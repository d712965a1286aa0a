# FaceForensics++ c23 as single frames of 224 px, for CLIP: loaders, pipelines and evaluators of all
# four manipulations. ffpp_frames_224_holdout_*.py next to this file keep one of them for the test.
#
# Crops of at least that size have to be stored, into a folder of their own:
#   python data_prep/prepare_ffpp.py --root RAW --out data/ffpp_256 --size 256
# (256 / 160)^2 = 2.6 times the disk of data/ffpp.
_base_ = './ffpp.py'

data_root = 'data/ffpp_256'
image_size = 224  # px; what CLIP was trained with
# OpenAI's choice; of OpenCV, so without smoothing before: little is lost from 256 px to 224
interpolation = 'bicubic'

pack_inputs = dict(
    type='PackActionInputs',
    algorithm_keys=('label_bin', 'label_multi', 'sample_idx'),
    meta_keys=('video_id', 'method', 'filename', 'num_clips', 'img_shape'),
)

# Eight random frames of a video, one in each eighth of it: decoded once. Augmentation is drawn once
# for them. Of GenD's there are flip, shift and scale (as a crop), brightness and contrast; missing,
# as mmaction2 has no transform for them: rotation by up to 10 degrees, Gaussian blur (p 0.1), JPEG
# of quality 40 to 100.
train_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=8),
    dict(type='DecordDecode'),
    # the smallest side is 256 * sqrt(0.8 * 0.9) = 217 px: hardly anything is enlarged
    dict(type='RandomResizedCrop', area_range=(0.8, 1.0), aspect_ratio_range=(0.9, 1 / 0.9)),
    dict(
        type='Resize',
        scale=(image_size, image_size),
        keep_ratio=False,
        interpolation=interpolation,
    ),
    dict(type='Flip', flip_ratio=0.5),
    # hue=0 because mmaction2's hue shift overflows uint8
    dict(type='mmfake.PlanarColorJitter', brightness=0.1, contrast=0.1, saturation=0.0, hue=0.0),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
# Four frames: 560 x 4 = 2,240 say well enough which epoch is best.
val_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=4, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, image_size), interpolation=interpolation),
    dict(type='CenterCrop', crop_size=image_size),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
# 32 frames evenly over the video, in the middle of 32 equal parts of it
test_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=32, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, image_size), interpolation=interpolation),
    dict(type='CenterCrop', crop_size=image_size),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]

# PairedSampler of ffpp.py: each original beside a fake of itself, which GenD calls essential
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(batch_size=8, dataset=dict(data_root=data_root, pipeline=val_pipeline))
test_dataloader = dict(batch_size=1, dataset=dict(data_root=data_root, pipeline=test_pipeline))
