# FaceForensics++ c23 as in ffpp.py, and beside each original of training a self-blended clip of it,
# a forgery that is made when it is loaded. sbi_ce_*.py trains on these two alone.
_base_ = './ffpp.py'

train_pipeline = [
    *_base_.train_pipeline[:3],  # open, choose the frames, decode
    dict(type='mmfake.SelfBlend'),
    # of every sample, forged or not: "not coded since" must not tell a forgery
    dict(type='mmfake.Recompress'),
    *_base_.train_pipeline[3:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, synthetic=['sbi']))
