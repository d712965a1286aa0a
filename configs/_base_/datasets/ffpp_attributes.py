# FaceForensics++ c23 in single frames, with what each manipulation alters; training adds forgeries
# of one attribute that it makes of its originals. ffpp_attributes_holdout_*.py keep a manipulation
# for the test, and so does --holdout KEY.
#
# The face clips need the paper's 317 px and a wider crop than the default 160 px, in a folder of
# their own:
#   python data_prep/prepare_ffpp.py --root RAW --out data/ffpp_317 --size 317 --margin 1.44
# (317 / 160)^2 = 4 times the disk of data/ffpp.
_base_ = './ffpp.py'

data_root = 'data/ffpp_317'
image_size = 224  # px, CLIP's

pack_inputs = dict(
    type='PackActionInputs',
    algorithm_keys=('label_bin', 'label_multi', 'attributes', 'sample_idx'),
    meta_keys=('video_id', 'method', 'filename', 'num_clips', 'img_shape'),
)

train_pipeline = [
    dict(type='mmfake.VideoInit'),
    # one frame, anywhere in the video
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    # makes the forgery where the sample is one; coded anew are all, or that would tell a forgery
    dict(type='mmfake.AttributeForgery'),
    dict(type='mmfake.Recompress'),
    # The paper's only augmentation (4.3), of the stored crop. There is no flip and no crop.
    dict(
        type='RandomApply',
        prob=0.3,
        transforms=[
            dict(type='mmfake.Perturb', kind=['patch', 'noise', 'blur', 'pixelate'], level=[1, 2])
        ],
    ),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False, interpolation='bicubic'),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
# 32 frames spread evenly over the video, first to last
test_pipeline = [
    dict(type='mmfake.VideoInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=32, test_mode=True),
    dict(type='DecordDecode'),
    # short side, then centre: of a square crop the whole picture
    dict(type='Resize', scale=(-1, image_size), interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=image_size),
    dict(type='FormatShape', input_format='NCTHW'),
    pack_inputs,
]
val_pipeline = test_pipeline

train_dataloader = dict(
    batch_size=32,  # frames per process
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        # 720 originals, 4 x 720 fakes and 5 x 720 forgeries, half of the frames of originals:
        # 7,200 x 16 frames = 3,600 iterations an epoch, as many as 32 frames of 3,600 videos
        times=16,
        dataset=dict(
            type='mmfake.FFPPDataset',
            data_root=data_root,
            split='train',
            holdout=None,
            compression='c23',
            # expression of the eyes; physical consistency of eyes, illumination, mouth, nose
            synthetic=['eyeexpr', 'physeye', 'physillum', 'physmouth', 'physnose'],
            pipeline=train_pipeline,
        ),
    ),
)
val_dataloader = dict(batch_size=8, dataset=dict(data_root=data_root, pipeline=val_pipeline))
test_dataloader = dict(batch_size=8, dataset=dict(data_root=data_root, pipeline=test_pipeline))
