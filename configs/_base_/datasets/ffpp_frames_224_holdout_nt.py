_base_ = './ffpp_frames_224.py'

train_dataloader = dict(dataset=dict(holdout='nt'))
val_dataloader = dict(dataset=dict(holdout='nt'))
test_dataloader = dict(dataset=dict(holdout='nt'))
