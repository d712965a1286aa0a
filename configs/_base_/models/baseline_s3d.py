# Row "Baseline(S3D)": as Binary CE, the encoder initialised by supervised training on Kinetics-400.
_base_ = './bin_ce.py'

model = dict(
    backbone=dict(
        norm_cfg=dict(eps=1e-3),  # torchvision's value: eps follows the weights
        # download.pytorch.org/models/s3d-d76dad2f.pth; kylemin/S3D's Kinetics file works as well
        init_cfg=dict(checkpoint='checkpoints/s3d-d76dad2f.pth'),
    ),
    data_preprocessor=dict(
        # the normalisation these weights were trained with: Kinetics mean and std, here on 0..255
        mean=[110.2008, 100.63983, 95.99475],
        std=[58.14765, 56.46975, 55.332195],
    ),
)
