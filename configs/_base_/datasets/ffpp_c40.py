# FaceForensics++ at its strongest compression, without a hold-out; --compression c40 does the same
# to any config, and --holdout KEY keeps a manipulation for the test.
_base_ = './ffpp.py'

train_dataloader = dict(dataset=dict(compression='c40'))
val_dataloader = dict(dataset=dict(compression='c40'))
test_dataloader = dict(dataset=dict(compression='c40'))
